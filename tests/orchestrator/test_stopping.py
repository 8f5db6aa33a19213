"""How the tasks of a build end beside each other: at a limit, and when the plan changes."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal, cast

import anyio
import pytest

from codegod_kit.plan import Plan
from codegod_orchestrator.attempts import TaskRunner
from codegod_orchestrator.budget import LimitReached
from codegod_orchestrator.journal import ClaimedBuild, Journal
from codegod_orchestrator.running import run_tasks

PLAN = Plan.model_validate(
    {
        "name": "p",
        "skeleton": ["a.py"],
        "tasks": [
            {"id": name, "type": "backend", "title": name, "files": [f"{name}.py"], "depends": needs}
            for name, needs in (("dear", []), ("slow", []), ("later", []), ("after", ["slow"]))
        ],
    }
)


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    async with Journal.open(tmp_path / "journal.db") as journal:
        yield journal


@pytest.fixture
async def claimed(journal: Journal) -> AsyncIterator[ClaimedBuild]:
    build = await journal.create_build("Make it")
    async with journal.claim_build(build.id, "a test") as claimed:
        await claimed.save_plan(PLAN)
        yield claimed


@dataclass
class Runner:
    """`dear` does not fit into the budget; `slow` is at work by then."""

    lane: Any = field(default_factory=lambda: SimpleNamespace(plan=PLAN))
    ran: list[str] = field(default_factory=list)
    refused: anyio.Event = field(default_factory=anyio.Event)

    async def run(self, name: str) -> Literal["landed"]:
        if name == "dear":
            self.refused.set()
            raise LimitReached("$1.00", "it is gone", "--max-cost")
        await self.refused.wait()
        await anyio.wait_all_tasks_blocked()
        self.ran.append(name)
        return "landed"


async def test_a_limit_lets_what_is_at_work_finish_and_begins_nothing(
    journal: Journal, claimed: ClaimedBuild
) -> None:
    runner = Runner()
    with anyio.fail_after(5), pytest.raises(ExceptionGroup) as raised:
        await run_tasks(journal, claimed.id, cast("Any", runner), 2)
    assert raised.group_contains(LimitReached, match=r"--max-cost")
    assert runner.ran == ["slow"]


@dataclass
class Changing:
    """`dear` changes the plan just when `slow` lands, and the build hears of the change first."""

    journal: Journal
    landed: set[str] = field(default_factory=set)
    lane: Any = field(default_factory=lambda: SimpleNamespace(plan=PLAN))
    ran: list[str] = field(default_factory=list)
    accepted: anyio.Event = field(default_factory=anyio.Event)

    async def run(self, name: str) -> Literal["landed", "changed"]:
        self.ran.append(name)
        if name == "dear" and self.ran.count(name) == 1:
            await self.accepted.wait()
            return "changed"
        self.landed.add(name)
        if name == "slow":
            self.accepted.set()
            await anyio.wait_all_tasks_blocked()
        return "landed"

    async def tasks(self, build: str) -> list[Any]:
        """The journal's tasks as they are once these have landed."""
        planned = await self.journal.tasks(build)
        states = {True: "accepted", False: "ready"}
        return [SimpleNamespace(id=one.id, state=states[one.id in self.landed]) for one in planned]


async def test_a_task_that_landed_while_the_plan_changed_counts_as_the_journal_has_it(
    journal: Journal, claimed: ClaimedBuild
) -> None:
    runner = Changing(journal)
    with anyio.fail_after(5):
        await run_tasks(cast("Any", runner), claimed.id, cast("Any", runner), 2)
    assert sorted(runner.ran) == ["after", "dear", "dear", "later", "slow"]


async def test_no_task_is_given_up_while_the_plan_is_revised(journal: Journal, claimed: ClaimedBuild) -> None:
    lane = SimpleNamespace(plan=PLAN)
    amender = SimpleNamespace(turn=anyio.Lock(), busy=set(), lane=lane)
    held: list[bool] = []

    async def fail_task(_task: str, _reason: str) -> None:
        held.append(amender.turn.locked())

    parts: dict[str, Any] = {
        "options": None,
        "journal": journal,
        "claimed": SimpleNamespace(id=claimed.id, fail_task=fail_task),
        "toolset": None,
        "ladder": SimpleNamespace(rungs=()),
        "voices": (),
        "amender": amender,
    }
    with anyio.fail_after(5):
        assert await TaskRunner(**parts).run("slow") == "failed"
    assert held == [True]
