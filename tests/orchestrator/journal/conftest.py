"""A journal on a real SQLite file, and a build that is ready to run its tasks."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import pytest

from codegod_kit.plan import Plan
from codegod_orchestrator.evidence import Evidence, TestSeen
from codegod_orchestrator.journal import Attempt, ClaimedBuild, Journal
from codegod_orchestrator.ladder import Step

FIRST = Step("first", 0, "ollama:small")
GREEN = Evidence(
    tree="tree-1", level="bubblewrap", tests=(TestSeen(id="tests/test_a.py::test", outcome="passed"),)
)

MakePlan = Callable[[Mapping[str, Sequence[str]]], Plan]
Land = Callable[[ClaimedBuild, str], Awaitable[Attempt]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.db"


@pytest.fixture
async def journal(path: Path) -> AsyncIterator[Journal]:
    async with Journal.open(path) as opened:
        yield opened


@pytest.fixture
def make_plan() -> MakePlan:
    """A plan with a task for each name, and the dependencies given for it."""

    def make(depends: Mapping[str, Sequence[str]]) -> Plan:
        tasks = [
            {
                "id": name,
                "type": "backend",
                "title": f"The {name}",
                "files": [f"src/{name}.py"],
                "tests": [f"tests/test_{name}.py"],
                "depends": list(needs),
            }
            for name, needs in depends.items()
        ]
        return Plan.model_validate({"name": "demo", "skeleton": ["pyproject.toml"], "tasks": tasks})

    return make


@pytest.fixture
async def claimed(journal: Journal, make_plan: MakePlan) -> AsyncIterator[ClaimedBuild]:
    """A running build: `storage`, then `api` on top of it, then `docs` on both; `cli` stands alone."""
    plan = make_plan({"storage": [], "api": ["storage"], "docs": ["storage", "api"], "cli": []})
    build = await journal.create_build("Create a REST API for todo management", out="/somewhere")
    async with journal.claim_build(build.id, "a test") as mine:
        await run_up_to_tasks(mine, plan)
        yield mine


@pytest.fixture
def start() -> Callable[[ClaimedBuild, Plan], Awaitable[None]]:
    """Bring a new build to the state in which its tasks run."""
    return run_up_to_tasks


@pytest.fixture
def land() -> Land:
    """Take a ready task all the way onto `main`."""

    async def land(claimed: ClaimedBuild, task: str) -> Attempt:
        attempt = await claimed.dispatch_attempt(task, FIRST, base="main-0")
        await claimed.start_attempt(attempt)
        await claimed.submit_attempt(attempt, commit=f"commit-{attempt.id}", tree="tree-0")
        await claimed.prove_attempt(attempt, GREEN)
        await claimed.accept_attempt(attempt, commit=f"landed-{attempt.id}", tree="tree-1")
        return attempt

    return land


async def run_up_to_tasks(claimed: ClaimedBuild, plan: Plan) -> None:
    await claimed.save_plan(plan)
    await claimed.advance("contracting")
    red = Evidence(
        tree="tree-0",
        level="bubblewrap",
        tests=tuple(
            TestSeen(id=f"{task.tests[0]}::test_it", outcome="failed", reason="stub") for task in plan.tasks
        ),
    )
    await claimed.save_contract("contract-1", "tree-0", red)
    await claimed.advance("running", head="skeleton-1")
