"""Which earlier answer is tried again once its tests were amended."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from codegod_kit.plan import Task
from codegod_orchestrator.journal import Event
from codegod_orchestrator.ladder import Ladder, Rung, Step, StepKind
from codegod_orchestrator.standing_answer import standing_answer

TASK = Task(id="t", type="backend", title="T", files=("src/t.py",), tests=("tests/test_t.py",))
LADDER = Ladder((Rung("small"), Rung("strong")))


@dataclass(frozen=True)
class Tried:
    number: int
    commit: str = "c1"
    rung: int = 0
    model: str = "small"
    state: str = "rejected"
    refused: bool = False
    kind: StepKind = "first"
    continues: str = ""

    @property
    def id(self) -> str:
        return f"t.{self.number}"


ANSWER = Tried(1)
CLAIM = Tried(2, commit="", refused=True)


def amended(*files: str, task: str = "t") -> Event:
    return Event("b", 1, "contract.amended", task, "", {"files": list(files)}, datetime.now(UTC))


TESTS_ONLY = amended("tests/test_t.py")


def test_the_answer_before_the_claim_is_tried_again_as_it_stands() -> None:
    step = standing_answer(TASK, [ANSWER, CLAIM], 2, [TESTS_ONLY], LADDER)
    assert step == Step("repair", 0, "small", continues="t.1")


def test_of_several_answers_it_is_the_newest() -> None:
    repaired = Tried(2, commit="c2", kind="repair", continues="t.1")
    step = standing_answer(TASK, [ANSWER, repaired], 2, [TESTS_ONLY], LADDER)
    assert step is not None and step.continues == "t.2"


@pytest.mark.parametrize(
    ("attempts", "amendments"),
    [
        ([ANSWER], []),
        ([ANSWER], [amended("tests/test_t.py", task="other")]),
        ([ANSWER], [TESTS_ONLY, amended("tests/test_t.py", "src/t.py")]),
        ([ANSWER, Tried(2, kind="repair", continues="t.1")], [TESTS_ONLY]),
        ([replace(ANSWER, commit="")], [TESTS_ONLY]),
        ([replace(ANSWER, state="lost")], [TESTS_ONLY]),
        ([replace(ANSWER, model="another")], [TESTS_ONLY]),
        ([replace(ANSWER, rung=2)], [TESTS_ONLY]),
    ],
    ids=[
        "nothing was amended",
        "for another task",
        "its stub has changed as well",
        "it was tried again already",
        "it never got as far as a commit",
        "nobody judged it",
        "the ladder is another one",
        "the ladder is shorter now",
    ],
)
def test_any_other_task_goes_up_its_ladder(attempts: list[Tried], amendments: list[Event]) -> None:
    assert standing_answer(TASK, attempts, 1, amendments, LADDER) is None
