"""At a limit nothing new begins, and what is at work comes to its end."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal, cast

import anyio
import pytest

from codegod_kit.plan import Plan
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
