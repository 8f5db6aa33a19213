"""When two answers that know nothing of each other disagree with the contract in the same way."""

from dataclasses import dataclass, field

import pytest

from codegod_kit.plan import Task
from codegod_orchestrator.amendment.disputes import dispute_of
from codegod_orchestrator.ladder import StepKind
from codegod_workers import Finding

TASK = Task(id="t", type="backend", title="T", files=("src/t.py",), tests=("tests/test_t.py",))


def failed(message: str, rule: str = "assertion", path: str = "tests/test_t.py") -> Finding:
    return Finding(
        stage="tests", path=path, line=3, rule=rule, message=f"tests/test_t.py::test_it: {message}"
    )


@dataclass(frozen=True)
class Try:
    number: int
    kind: StepKind
    findings: tuple[Finding, ...]
    continues: str = ""
    state: str = "rejected"
    refused: bool = False
    id: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", f"t.{self.number}")


def first(number: int, *messages: str) -> Try:
    return Try(number, "first", tuple(map(failed, messages)))


def repair(number: int, *messages: str) -> Try:
    return Try(number, "repair", tuple(map(failed, messages)), continues=f"t.{number - 1}")


def resample(number: int, *messages: str) -> Try:
    return Try(number, "resample", tuple(map(failed, messages)))


def test_two_independent_answers_that_fail_alike_are_a_dispute() -> None:
    dispute = dispute_of(
        TASK, [first(1, "assert 3 == 4"), repair(2, "assert 2 == 4"), resample(3, "assert 3 == 4")]
    )
    assert dispute is not None
    assert (dispute.kind, dispute.attempts) == ("alike", ("t.1", "t.3"))
    assert [finding.message for finding in dispute.findings] == ["tests/test_t.py::test_it: assert 3 == 4"]


@pytest.mark.parametrize(
    "tries",
    [
        [first(1, "assert 3 == 4")],
        [first(1, "assert 3 == 4"), repair(2, "assert 3 == 4"), repair(3, "assert 3 == 4")],
        [first(1, "assert 3 == 4"), resample(2, "assert 5 == 4")],
        [first(1, "assert 3 == 4"), Try(2, "resample", (failed("assert 3 == 4", rule="import"),))],
        [
            first(1, "assert 3 == 4"),
            Try(2, "resample", (failed("assert 3 == 4", path="tests/test_other.py"),)),
        ],
        [first(1, "assert 3 == 4"), Try(2, "resample", (failed("assert 3 == 4"),), state="lost")],
    ],
    ids=["one", "repairs of one answer", "other values", "a wrong import", "another task's test", "lost"],
)
def test_anything_less_is_none(tries: list[Try]) -> None:
    assert dispute_of(TASK, tries) is None


def test_what_differs_by_chance_is_alike_all_the_same() -> None:
    tries = [
        first(1, "assert <Todo at 0x7f01a2> == <Todo at 0x7f01a3>"),
        resample(2, "assert <Todo at 0x55aabb> == <Todo at 0x55aacc>"),
    ]
    assert dispute_of(TASK, tries) is not None


def test_a_first_answer_of_the_next_model_counts_as_independent() -> None:
    assert dispute_of(TASK, [first(1, "assert 3 == 4"), first(2, "assert 3 == 4")]) is not None


def test_nobody_rules_twice_on_the_same_and_amended_attempts_do_not_count() -> None:
    tries = [first(1, "assert 3 == 4"), resample(2, "assert 3 == 4")]
    dispute = dispute_of(TASK, tries)
    assert dispute is not None
    assert dispute_of(TASK, tries, ruled={dispute.key}) is None
    assert dispute_of(TASK, tries, forgiven=1) is None
    assert dispute_of(TASK, [*tries, resample(3, "assert 3 == 4")], ruled={dispute.key}) is None


def test_a_worker_may_claim_that_the_contract_is_wrong() -> None:
    words = Finding(stage="attempt", rule="contract", message="the test wants 12.50 for 1205 cents")
    claim = Try(1, "first", (words,), refused=True)
    dispute = dispute_of(TASK, [claim])
    assert dispute is not None
    assert (dispute.kind, dispute.findings) == ("claimed", (words,))
    assert dispute_of(TASK, [claim], ruled={dispute.key}) is None


def test_findings_that_may_quote_code_are_not_shown_to_the_master() -> None:
    quoting = Finding(stage="lint", path="src/t.py", rule="S608", message="`f'select {x}'`")
    tries = [first(1, "assert 3 == 4"), Try(2, "resample", (quoting, failed("assert 3 == 4")))]
    dispute = dispute_of(TASK, tries)
    assert dispute is not None
    assert quoting not in dispute.findings
