"""What the accept lane sends back, and in which words: no work, foreign hands, doubtful runs, tools that will not."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import pytest

from codegod_kit.plan import Plan, Task
from codegod_mesh import CallResult
from codegod_orchestrator.accepting import AcceptLane
from codegod_orchestrator.journal import Attempt, ClaimedBuild, Journal
from codegod_orchestrator.redgreen import Red
from codegod_orchestrator.toolset import Desk, Toolset
from codegod_workers import Submission

TASK = Task(id="a", type="backend", title="A", files=("a.py",))
TESTED = Task(id="a", type="backend", title="A", files=("a.py",), tests=("tests/test_a.py",))
TESTING = Task(id="a", type="testing", title="A", files=("tests/test_all.py",))
SUBMISSION = Submission(attempt="a.1", outcome="submitted", commit="c1")
CANDIDATE = {
    "candidate": "k1",
    "workspace": "b1/candidate-k1",
    "head": "h",
    "tree": "t",
    "changed": ["a.py", "tests/test_all.py"],
    "foreign": [],
    "conflicts": [],
}
PROPOSED = CallResult(False, "", dict(CANDIDATE))

Answer = CallResult | Callable[[Mapping[str, Any]], CallResult]


class Scripted:
    """Answers each tool as told, and keeps what was asked."""

    build = "b1"
    extra: Mapping[str, Sequence[str]] = {}

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self.answers = answers
        self.asked: list[str] = []
        self.arguments: list[Mapping[str, Any]] = []

    async def call(self, name: str, arguments: Mapping[str, Any], *, within: float = 60) -> CallResult:
        self.asked.append(name)
        self.arguments.append(arguments)
        answer = self.answers.get(name, CallResult(False, "", {}))
        return answer if isinstance(answer, CallResult) else answer(arguments)

    async def accepting(self, task: Task, attempt: str, tree: str = "") -> Desk:
        return Desk(cast("Any", self), attempt)


class Recorded:
    """A journal that knows which tools the attempt has called, and keeps what it is told."""

    def __init__(self, tools: Sequence[str] = ("sandbox.file_write", "git.git_commit")) -> None:
        self.tools = tools
        self.told: list[tuple[str, Mapping[str, Any]]] = []

    async def wrote(self, build: str, attempt: str, tools: Sequence[str]) -> bool:
        return bool(set(self.tools).intersection(tools))

    async def append(self, kind: str, data: Mapping[str, Any], *, task: str = "", attempt: str = "") -> int:
        self.told.append((kind, data))
        return 1


def _lane(
    answers: Mapping[str, Answer], *, task: Task = TASK, journal: Recorded | None = None
) -> tuple[AcceptLane, Scripted]:
    tools = Scripted(answers)
    plan = Plan(name="app", skeleton=("pyproject.toml",), tasks=(task,))
    kept = journal or Recorded()
    # Nothing may be proved or accepted here, so there is no build to write that to.
    lane = AcceptLane(
        plan, cast("ClaimedBuild", kept), cast("Toolset", tools), Red((), ()), cast("Journal", kept)
    )
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
            "git.merge_propose": PROPOSED,
            "sandbox.env_prepare": CallResult(True, "No wheel of 'nothing-of-that-name' was found."),
        }
    )
    (finding,) = await lane.accept(TASK, _attempt(), SUBMISSION)
    assert "nothing-of-that-name" in finding.message
    assert tools.asked == ["git.merge_propose", "sandbox.env_prepare", "git.merge_drop"]


@pytest.mark.parametrize("called", [[], ["sandbox.file_read"], ["sandbox.file_write"], ["git.git_commit"]])
async def test_an_attempt_whose_record_shows_no_work_is_sent_back(called: Sequence[str]) -> None:
    lane, tools = _lane({"git.merge_propose": PROPOSED}, journal=Recorded(called))
    (finding,) = await lane.accept(TASK, _attempt(), SUBMISSION)
    assert finding.stage == "evidence"
    assert "no tool call of this attempt" in finding.message
    assert tools.asked == []


async def test_files_that_stand_on_main_just_so_are_no_work() -> None:
    unchanged = CallResult(False, "", {**CANDIDATE, "changed": ["tests/test_a.py"]})
    lane, tools = _lane({"git.merge_propose": unchanged})
    (finding,) = await lane.accept(TASK, _attempt(), SUBMISSION)
    assert (finding.stage, finding.path) == ("evidence", "a.py")
    assert "nothing was done" in finding.message
    assert tools.asked == ["git.merge_propose", "git.merge_drop"]


async def test_a_changed_contract_test_is_named_and_sent_back() -> None:
    def show(arguments: Mapping[str, Any]) -> CallResult:
        return CallResult(False, "", {"id": "theirs" if arguments["revision"] == "c1" else "agreed"})

    lane, tools = _lane({"git.git_show": show, "git.merge_propose": PROPOSED}, task=TESTED)
    (finding,) = await lane.accept(TESTED, _attempt(), SUBMISSION)
    assert (finding.path, finding.rule) == ("tests/test_a.py", "contract")
    assert "leave the tests as they are" in finding.message
    assert "git.merge_propose" not in tools.asked


async def test_a_deleted_contract_test_is_named_and_sent_back() -> None:
    def show(arguments: Mapping[str, Any]) -> CallResult:
        gone = arguments["revision"] == "c1"
        return CallResult(gone, "", None if gone else {"id": "agreed"})

    lane, _ = _lane({"git.git_show": show}, task=TESTED)
    (finding,) = await lane.accept(TESTED, _attempt(), SUBMISSION)
    assert finding.path == "tests/test_a.py"


async def test_tests_that_a_task_owns_are_judged_by_those_that_were_there() -> None:
    weaker = {
        "stage": "rules",
        "path": "tests/test_all.py",
        "line": 3,
        "rule": "weakened-test",
        "message": "less",
    }
    report = CallResult(False, "", {"ok": False, "findings": [weaker], "tests": []})
    lane, tools = _lane({"git.merge_propose": PROPOSED, "sandbox.check_run": report}, task=TESTING)
    (finding,) = await lane.accept(TESTING, _attempt(), SUBMISSION)
    assert finding.rule == "weakened-test"
    made = tools.arguments[tools.asked.index("git.worktree_create")]
    run = tools.arguments[tools.asked.index("sandbox.check_run")]
    assert (made, run["baseline"]) == ({"revision": "h"}, "b1/a.1.base")


def _suite(*outcomes: str) -> Callable[[Mapping[str, Any]], CallResult]:
    """Runs of a suite in which a test of another task ends like this, run after run."""
    left = list(outcomes)

    def run(arguments: Mapping[str, Any]) -> CallResult:
        outcome = left.pop(0)
        test = {
            "id": "tests/test_b.py::test_it",
            "outcome": outcome,
            "reason": "assertion",
            "message": "1 != 2",
        }
        return CallResult(False, "", {"ok": outcome == "passed", "findings": [], "tests": [test]})

    return run


async def test_two_runs_that_disagree_are_a_finding_of_their_own() -> None:
    journal = Recorded()
    lane, tools = _lane(
        {"git.merge_propose": PROPOSED, "sandbox.check_run": _suite("failed", "passed")}, journal=journal
    )
    (finding,) = await lane.accept(TASK, _attempt(), SUBMISSION)
    assert (finding.rule, finding.path) == ("flaky", "tests/test_b.py::test_it")
    assert tools.asked.count("sandbox.check_run") == 2
    assert journal.told == [("suite.disagreed", {"tests": ["tests/test_b.py::test_it"]})]


async def test_a_failure_that_shows_again_stays_what_it_was() -> None:
    journal = Recorded()
    lane, _ = _lane(
        {"git.merge_propose": PROPOSED, "sandbox.check_run": _suite("failed", "failed")}, journal=journal
    )
    (finding,) = await lane.accept(TASK, _attempt(), SUBMISSION)
    assert (finding.rule, finding.message) == ("assertion", "1 != 2")
    assert journal.told == []
