"""What the master is asked when a contract is in doubt, and what is taken from its answers."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from codegod_kit.plan import Plan
from codegod_mesh import CallResult
from codegod_models import ModelFault, ModelRequest
from codegod_orchestrator.accepting import AcceptLane
from codegod_orchestrator.amendment.amending import Amender
from codegod_orchestrator.amendment.disputes import Dispute
from codegod_orchestrator.amendment.replanning import Replanner, files_to_write, judge_revision
from codegod_orchestrator.amendment.ruling import (
    AMENDMENTS_PER_TASK,
    RULINGS_PER_TASK,
    Judge,
    correctable,
    read_ruling,
    ruling_request,
)
from codegod_orchestrator.redgreen import Red
from codegod_orchestrator.toolset import Desk
from codegod_workers import Finding

PLAN = Plan.model_validate(
    {
        "name": "demo",
        "skeleton": ["pyproject.toml", "src/demo/__init__.py"],
        "tasks": [
            {
                "id": name,
                "type": "backend",
                "title": f"The {name}",
                "files": [f"src/demo/{name}.py"],
                "tests": [f"tests/test_{name}.py"],
                "depends": list(depends),
            }
            for name, depends in {"storage": (), "api": ("storage",), "cli": ()}.items()
        ],
    }
)
STORAGE, API, CLI = PLAN.tasks
TEST = "def test_it() -> None:\n    assert total() == 3\n"
SHOWN = {"tests/test_api.py": TEST, "src/demo/api.py": "def total() -> int:\n    raise NotImplementedError\n"}
FAILED = Finding(stage="tests", path="tests/test_api.py", rule="assertion", message="assert 4 == 3")


def answer(ruling: str, *files: str) -> str:
    return "\n".join([f'```json\n{{"ruling": "{ruling}", "reason": "because"}}\n```', *files])


def test_a_ruling_may_correct_what_is_near_the_task_and_nothing_else() -> None:
    assert set(correctable(PLAN, API)) == {
        "tests/test_api.py",
        "tests/test_storage.py",
        "src/demo/api.py",
        "src/demo/storage.py",
        "pyproject.toml",
        "src/demo/__init__.py",
    }


def test_the_question_holds_the_contract_and_the_failure() -> None:
    dispute = Dispute("alike", "k", ("api.1", "api.4"), (FAILED,))
    request = ruling_request(PLAN, API, dispute, SHOWN)
    (message,) = request.messages
    assert message.text.startswith("Step: ruling\nProject: demo\nTask: api\nAttempt: 1\n\n")
    assert TEST.strip() in message.text
    assert "2 answers, written without knowing of each other" in message.text
    assert "assert 4 == 3" in message.text
    assert "# Step: ruling" in request.system


def test_corrected_files_are_taken_with_the_ruling() -> None:
    right = TEST.replace("3", "4")
    ruling, findings = read_ruling(
        answer("test", f"```python tests/test_api.py\n{right}```"), correctable(PLAN, API), SHOWN
    )
    assert findings == ()
    assert ruling is not None
    assert (ruling.said.ruling, ruling.files) == ("test", {"tests/test_api.py": right})


def test_a_ruling_against_the_code_needs_no_file() -> None:
    ruling, _ = read_ruling(answer("code"), correctable(PLAN, API), SHOWN)
    assert ruling is not None
    assert (ruling.said.ruling, ruling.files) == ("code", {})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("I think the test is wrong.", "JSON"),
        (answer("both"), "'code', 'test' or 'spec'"),
        (answer("test"), "corrected files are missing"),
        (answer("test", f"```python tests/test_api.py\n{TEST}```"), "just so"),
        (answer("test", "```python tests/test_cli.py\nx = 1\n```"), "not yours to write"),
        (answer("test", "```python tests/test_api.py\ndef test"), "never closed"),
    ],
)
def test_an_answer_that_rules_nothing_says_why(text: str, why: str) -> None:
    ruling, (finding, *_) = read_ruling(text, correctable(PLAN, API), SHOWN)
    assert ruling is None
    assert why in finding.message


def revised(changes: Mapping[str, Mapping[str, Sequence[str]]]) -> Plan:
    """The plan with these fields of its tasks replaced; a task of a new name is added."""
    tasks = [
        task.model_copy(update={k: tuple(v) for k, v in changes.get(task.id, {}).items()})
        for task in PLAN.tasks
    ]
    known = {task.id for task in PLAN.tasks}
    tasks += [
        CLI.model_copy(update={"id": name, "depends": (), **{k: tuple(v) for k, v in fields.items()}})
        for name, fields in changes.items()
        if name not in known
    ]
    return PLAN.model_copy(update={"tasks": tuple(tasks)})


STATES = {"storage": "accepted", "api": "ready", "cli": "inflight"}


def test_a_task_that_is_free_may_be_split_and_its_new_files_are_asked_for() -> None:
    plan = revised(
        {
            "api": {"depends": ["storage", "rules"]},
            "rules": {"files": ["src/demo/rules.py"], "tests": ["tests/test_rules.py"]},
        }
    )
    assert judge_revision(PLAN, plan, STATES) == ()
    assert files_to_write(PLAN, plan) == ("src/demo/rules.py", "tests/test_rules.py")


def test_a_new_edge_needs_no_new_file() -> None:
    plan = revised({"api": {"depends": ["storage", "cli"]}})
    assert judge_revision(PLAN, plan, STATES) == ()
    assert files_to_write(PLAN, plan) == ()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"storage": {"acceptance": ["more"]}}, "accepted: it has to stay"),
        ({"cli": {"files": ["src/demo/other.py"]}}, "in flight: it has to stay"),
        ({"api": {"files": ["src/demo/api2.py"]}}, "lost its owner"),
        ({"api": {"tests": []}}, "no test is given up"),
    ],
)
def test_a_revision_that_touches_what_stands_is_sent_back(
    changes: Mapping[str, Mapping[str, Sequence[str]]], why: str
) -> None:
    findings = judge_revision(PLAN, revised(changes), STATES)
    assert any(why in finding.message for finding in findings)


def _judge(events: Sequence[str], asked: list[str]) -> Judge:
    """A judge of a build that has these events about `api`; whoever it asks is noted, and does not answer."""

    class Kept:
        id = "b1"

        async def events_of(self, build: str, kinds: Sequence[str]) -> list[SimpleNamespace]:
            return [SimpleNamespace(kind=kind, task="api", data={"about": "…"}) for kind in events]

        async def append(self, kind: str, data: Mapping[str, str], *, task: str = "") -> int:
            asked.append(kind)
            return 1

    class Mute:
        async def ask(self, request: ModelRequest, step: str, *, task: str = "") -> None:
            asked.append(step)
            raise ModelFault("nobody is there")

    class Empty:
        async def contracting(self, tree: str) -> Desk:
            return Desk(cast("Any", self))

        async def call(self, name: str, arguments: Mapping[str, Any], *, within: float = 60) -> CallResult:
            return CallResult(True, "nothing is there")

    kept, toolset = cast("Any", Kept()), cast("Any", Empty())
    lane = AcceptLane(PLAN, kept, toolset, Red((), ()), kept)
    return Judge(cast("Any", Mute()), Amender(kept, kept, toolset, lane, cast("Any", None)))


CLAIM = cast(
    "Any",
    SimpleNamespace(
        id="api.1",
        number=1,
        kind="first",
        continues="",
        state="rejected",
        refused=True,
        findings=(Finding(stage="attempt", rule="contract", message="the test is wrong"),),
    ),
)


async def test_a_master_that_cannot_be_asked_leaves_the_ladder_to_go_on() -> None:
    asked: list[str] = []
    assert not await _judge([], asked).review(API, [CLAIM], 0)
    assert asked == ["ruling", "ruling.unanswered"]


@pytest.mark.parametrize(
    "events",
    [["contract.amended"] * AMENDMENTS_PER_TASK, ["contract.ruled"] * RULINGS_PER_TASK],
    ids=["amendments", "rulings"],
)
async def test_nobody_is_asked_without_end(events: Sequence[str]) -> None:
    asked: list[str] = []
    assert not await _judge(events, asked).review(API, [CLAIM], 0)
    assert asked == []


async def test_a_plan_stays_as_it_is_when_the_master_falls_silent_before_its_contract() -> None:
    kept: list[tuple[str, str]] = []
    plan = revised({"cli": {"files": ["src/demo/cli.py", "src/demo/more.py"]}})

    class Kept:
        id = "b1"

        async def events_of(self, build: str, kinds: Sequence[str]) -> list[SimpleNamespace]:
            return []

        async def tasks(self, build: str) -> list[SimpleNamespace]:
            return [SimpleNamespace(id=task.id, state="ready") for task in PLAN.tasks]

        async def append(self, kind: str, data: Mapping[str, str], *, task: str = "") -> int:
            kept.append((kind, data["reason"]))
            return 1

    class Silent:
        async def ask(self, request: ModelRequest, step: str, *, task: str = "") -> SimpleNamespace:
            if step != "replan":
                raise ModelFault("nobody is there")
            return SimpleNamespace(text=f"```json\n{plan.model_dump_json(exclude_defaults=True)}\n```")

    class Willing:
        async def contracting(self, tree: str) -> Desk:
            return Desk(cast("Any", self))

        async def call(self, name: str, arguments: Mapping[str, Any], *, within: float = 60) -> CallResult:
            return CallResult(False, "")

    big = Finding(stage="attempt", rule="too_big", message="two files in one")
    said = SimpleNamespace(id="cli.1", number=1, refused=True, reason="", findings=(big,))
    journal, toolset = cast("Any", Kept()), cast("Any", Willing())
    lane = AcceptLane(PLAN, journal, toolset, Red((), ()), journal)
    amender = Amender(journal, journal, toolset, lane, cast("Any", None))
    assert not await Replanner(cast("Any", Silent()), amender).review(CLI, [cast("Any", said)], 0)
    assert kept == [("plan.kept", "no answer: nobody is there")]
