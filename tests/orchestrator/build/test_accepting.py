"""What the accept lane does when a tool will not: the attempt is sent back, and the build goes on."""

from collections.abc import Mapping
from typing import Any, cast

from codegod_kit.plan import Plan, Task
from codegod_mesh import CallResult
from codegod_orchestrator.accepting import AcceptLane
from codegod_orchestrator.journal import Attempt, ClaimedBuild
from codegod_orchestrator.redgreen import Red
from codegod_orchestrator.toolset import Desk, Toolset
from codegod_workers import Submission

TASK = Task(id="a", type="backend", title="A", files=("a.py",))
PLAN = Plan(name="app", skeleton=("pyproject.toml",), tasks=(TASK,))
SUBMISSION = Submission(attempt="a.1", outcome="submitted", commit="c1")
CANDIDATE = {
    "candidate": "k1",
    "workspace": "b1/candidate-k1",
    "head": "h",
    "tree": "t",
    "foreign": [],
    "conflicts": [],
}


class Scripted:
    """Answers each tool as told, and keeps what was asked."""

    def __init__(self, answers: Mapping[str, CallResult]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def call(self, name: str, arguments: Mapping[str, Any], *, within: float = 60) -> CallResult:
        self.asked.append(name)
        return self.answers.get(name, CallResult(False, "", {}))

    async def accepting(self, task: Task, attempt: str, tree: str = "") -> Desk:
        return Desk(cast("Any", self), attempt)


def _lane(answers: Mapping[str, CallResult]) -> tuple[AcceptLane, Scripted]:
    tools = Scripted(answers)
    # Nothing may reach the journal before there is a proof, so there is none.
    lane = AcceptLane(PLAN, cast("ClaimedBuild", None), cast("Toolset", tools), Red((), ()))
    return lane, tools


def _attempt() -> Attempt:
    class Named:
        id = "a.1"

    return cast("Attempt", Named())


async def test_a_candidate_that_cannot_be_made_sends_the_attempt_back() -> None:
    lane, tools = _lane({"git.merge_propose": CallResult(True, "Nothing to merge.")})
    (finding,) = await lane.accept(TASK, _attempt(), SUBMISSION)
    assert (finding.stage, finding.message) == ("merge", "Nothing to merge.")
    assert tools.asked == ["git.merge_propose"]


async def test_a_check_that_cannot_be_made_drops_the_candidate_and_says_why() -> None:
    lane, tools = _lane(
        {
            "git.merge_propose": CallResult(False, "", dict(CANDIDATE)),
            "sandbox.env_prepare": CallResult(True, "No wheel of 'nothing-of-that-name' was found."),
        }
    )
    (finding,) = await lane.accept(TASK, _attempt(), SUBMISSION)
    assert "nothing-of-that-name" in finding.message
    assert tools.asked == ["git.merge_propose", "sandbox.env_prepare", "git.merge_drop"]
