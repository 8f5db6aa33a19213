"""Which tests of a contract prove something."""

import pytest

from codegod_kit.plan import Plan, Task
from codegod_orchestrator.evidence import TestSeen
from codegod_orchestrator.redgreen import judge_green, judge_red, only_unproved, red_of, unproved_tasks

PLAN = Plan(
    name="app",
    skeleton=("pyproject.toml", "tests/test_smoke.py"),
    tasks=(
        Task(id="a", type="backend", title="A", files=("src/a.py",), tests=("tests/test_a.py",)),
        Task(id="b", type="backend", title="B", files=("src/b.py",), tests=("tests/test_b.py",)),
    ),
)
STUB = TestSeen(id="tests/test_a.py::test_one", outcome="failed", reason="stub")
ASSERTED = TestSeen(id="tests/test_b.py::test_one", outcome="failed", reason="assertion")
GUARD = TestSeen(id="tests/test_b.py::test_two", outcome="passed")
SMOKE = TestSeen(id="tests/test_smoke.py::test_imports", outcome="passed")


def test_what_fails_by_the_stub_or_an_assertion_is_evidence_and_what_passes_is_a_guard() -> None:
    red = red_of(PLAN, [STUB, ASSERTED, GUARD, SMOKE])
    assert red.evidence == (STUB.id, ASSERTED.id)
    assert red.guards == (GUARD.id,)
    assert red.of(PLAN.tasks[1]) == (ASSERTED.id,)
    assert judge_red(PLAN, [STUB, ASSERTED, GUARD, SMOKE]) == ()


def test_a_stub_that_a_fixture_calls_is_evidence_and_a_fixture_that_breaks_is_not() -> None:
    by_fixture = TestSeen(id=STUB.id, outcome="error", reason="stub")
    broken = TestSeen(id=STUB.id, outcome="error", reason="fixture")
    asserted = TestSeen(id=STUB.id, outcome="error", reason="assertion")
    assert red_of(PLAN, [by_fixture, ASSERTED]).evidence == (STUB.id, ASSERTED.id)
    assert judge_red(PLAN, [by_fixture, ASSERTED]) == ()
    for wrong in (broken, asserted):
        assert [finding.path for finding in judge_red(PLAN, [wrong, ASSERTED])] == [STUB.id]


def test_a_test_that_breaks_otherwise_is_a_mistake_in_the_contract() -> None:
    broken = TestSeen(
        id="tests/test_a.py::test_one", outcome="error", reason="import", message="No module named 'x'"
    )
    (finding,) = judge_red(PLAN, [broken, ASSERTED])
    assert finding.path == broken.id
    assert "No module named 'x'" in finding.message


@pytest.mark.parametrize(
    ("file", "marker"),
    [
        ("a_test.go", 'panic("not implemented")'),
        ("a.test.ts", 'Error("not implemented")'),
        ("a.py", "NotImplementedError"),
    ],
)
def test_a_mistake_in_the_contract_is_told_in_the_words_of_its_language(file: str, marker: str) -> None:
    plan = Plan(
        name="app",
        skeleton=("README.md",),
        tasks=(Task(id="a", type="backend", title="A", files=("src/a",), tests=(file,)),),
    )
    broken = TestSeen(id=f"{file}::test_one", outcome="error", reason="import")
    (finding,) = judge_red(plan, [broken])
    assert f"fail by their {marker} or by an assertion" in finding.message


def test_a_task_whose_tests_all_pass_on_the_stubs_is_named() -> None:
    (finding,) = judge_red(PLAN, [STUB, GUARD])
    assert finding.path == "tests/test_b.py"
    assert "'b'" in finding.message


def test_a_test_that_did_not_run_or_was_skipped_is_not_green() -> None:
    skipped = TestSeen(id=STUB.id, outcome="skipped")
    passed = TestSeen(id=STUB.id, outcome="passed")
    assert judge_green([STUB.id], [passed]) == ()
    assert "skipped" in judge_green([STUB.id], [skipped])[0].message
    assert "did not run" in judge_green([STUB.id], [])[0].message


def test_a_contract_that_only_proves_too_little_is_told_from_one_that_is_wrong() -> None:
    hollow = TestSeen(id=STUB.id, outcome="failed", reason="stub", hollow=("none",))
    broken = TestSeen(id=STUB.id, outcome="error", reason="import")
    assert unproved_tasks(PLAN, red_of(PLAN, [STUB, ASSERTED])) == ()
    for weak in ([hollow, ASSERTED], [STUB, GUARD]):
        assert len(unproved_tasks(PLAN, red_of(PLAN, weak))) == 1
        assert only_unproved(judge_red(PLAN, weak))
    assert not only_unproved(judge_red(PLAN, [broken, ASSERTED]))
    assert not only_unproved([*judge_red(PLAN, [hollow, ASSERTED]), *judge_red(PLAN, [broken, ASSERTED])])
