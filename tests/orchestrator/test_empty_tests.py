"""Which of a contract's tests cannot fail, by what the rules say of them."""

import pytest

from codegod_orchestrator.empty_tests import about
from codegod_orchestrator.evidence import TestSeen
from codegod_workers import Finding

TESTS = [
    TestSeen(id=name, outcome="failed", reason="stub")
    for name in (
        "tests/test_a.py::test_one[1]",
        "tests/test_a.py::TestGroup::test_two",
        "tests/a.test.ts::adds::two numbers",
        "tests/a.test.ts::adds::a list of 3",
        "a_test.go::TestOne",
    )
]


@pytest.mark.parametrize(
    ("path", "rule", "message", "meant"),
    [
        ("tests/test_a.py", "no-assertion", "`test_one` checks nothing: assert what it expects.", {0}),
        ("tests/test_a.py", "swallowed-assert", "`test_two` catches its own failed assert here", {1}),
        ("tests/a.test.ts", "no-assertion", "The test 'two numbers' checks nothing: use `expect`.", {2}),
        # A title that is filled in for each case, and a file without any check: any of it may be meant.
        ("tests/a.test.ts", "no-assertion", "The test `a list of %i` checks nothing: use `expect`.", {2, 3}),
        ("tests/a.test.ts", "no-assertion", "No test in this file checks anything: use `expect`.", {2, 3}),
        ("a_test.go", "no-assertion", "`TestOne` checks nothing: call `t.Fatal`.", {4}),
        # Beside what is always true there may be an assertion that is not.
        ("tests/test_a.py", "assert-true", "`assert True` is always true: assert a result instead.", set()),
    ],
)
def test_a_rule_is_about_the_test_that_it_names(path: str, rule: str, message: str, meant: set[int]) -> None:
    finding = Finding(stage="rules", path=path, rule=rule, message=message)
    assert about([finding], TESTS) == {finding: {TESTS[number].id for number in meant}}


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("tests/test_a.py", "`test_guard` checks nothing: assert what it expects."),
        ("tests/test_other.py", "`test_one` checks nothing: assert what it expects."),
    ],
)
def test_what_is_no_evidence_anyway_is_left_alone(path: str, message: str) -> None:
    assert about([Finding(stage="rules", path=path, rule="no-assertion", message=message)], TESTS) == {}
