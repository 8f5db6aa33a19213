"""A build of many tasks at once: journal and schedule stay of one mind."""

import random
from collections.abc import Awaitable, Callable

import anyio
import pytest

from codegod_kit.plan import Plan
from codegod_orchestrator.evidence import Evidence
from codegod_orchestrator.journal import ClaimedBuild, Journal
from codegod_orchestrator.ladder import history, next_step, parse_ladder
from codegod_orchestrator.schedule import Schedule
from codegod_workers.records import Finding

TASKS = 64
MAX_PARALLEL = 12
LADDER = parse_ladder("small,big")


class Pipeline:
    """Runs every task of a build with answers that a seed decides; a task named in `hopeless` never succeeds."""

    def __init__(
        self, journal: Journal, claimed: ClaimedBuild, plan: Plan, hopeless: set[str], seed: int
    ) -> None:
        self.journal = journal
        self.claimed = claimed
        self.hopeless = hopeless
        self.chance = random.Random(seed)  # noqa: S311 - which answers are wrong in a test
        self.schedule = Schedule(plan.tasks, max_parallel=MAX_PARALLEL)
        self.flying = 0
        self.peak = 0

    async def run(self) -> None:
        ended, results = anyio.create_memory_object_stream[tuple[str, bool]](TASKS)
        async with ended, results, anyio.create_task_group() as group:
            while True:
                for task in self.schedule.take():
                    group.start_soon(self._run, task, ended.send_nowait)
                if self.schedule.over:
                    return
                task, landed = await results.receive()
                skipped: tuple[str, ...] = ()
                if landed:
                    self.schedule.accepted(task)
                else:
                    skipped = self.schedule.failed(task)
                await self._agree(skipped)

    async def _run(self, task: str, ended: Callable[[tuple[str, bool]], None]) -> None:
        self.flying += 1
        self.peak = max(self.peak, self.flying)
        landed = await self._climb(task)
        self.flying -= 1
        ended((task, landed))

    async def _climb(self, task: str) -> bool:
        while step := next_step(LADDER, history(await self.journal.attempts(self.claimed.id, task))):
            attempt = await self.claimed.dispatch_attempt(task, step, base="x")
            await self.claimed.start_attempt(attempt)
            if task in self.hopeless or self.chance.random() < 0.3:
                await self.claimed.reject_attempt(attempt, [Finding(stage="tests", message="wrong")])
                continue
            await self.claimed.submit_attempt(attempt, commit=f"c-{attempt.id}", tree="t")
            await self.claimed.prove_attempt(attempt, Evidence(tree="t"))
            await self.claimed.accept_attempt(attempt, commit=f"l-{attempt.id}", tree="t")
            return True
        await self.claimed.fail_task(task, "the ladder has no rung left")
        return False

    async def _agree(self, skipped: tuple[str, ...]) -> None:
        """What the schedule would take, the journal calls ready (an attempt may have ended since)."""
        states = {task.id: task.state for task in await self.journal.tasks(self.claimed.id)}
        assert all(states[task] == "ready" for task in self.schedule.ready)
        assert all(states[task] == "skipped" for task in skipped)


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2])
async def test_sixty_four_tasks_run_at_once_and_each_is_accepted_once(
    journal: Journal,
    make_plan: Callable[[dict[str, list[str]]], Plan],
    start: Callable[[ClaimedBuild, Plan], Awaitable[None]],
    seed: int,
) -> None:
    chance = random.Random(seed)  # noqa: S311 - the shape of a test's plan
    needs = {
        f"t{n}": [f"t{one}" for one in sorted({chance.randrange(n) for _ in range(chance.randrange(3))})]
        if n
        else []
        for n in range(TASKS)
    }
    plan = make_plan(needs)
    build = await journal.create_build("Make it")
    async with journal.claim_build(build.id, "a test") as claimed:
        await start(claimed, plan)
        pipeline = Pipeline(journal, claimed, plan, {"t40"}, seed)
        with anyio.fail_after(60):
            await pipeline.run()
        assert pipeline.peak <= MAX_PARALLEL
        tasks = {task.id: task for task in await journal.tasks(build.id)}
        attempts = await journal.attempts(build.id)
        accepted = [one.task for one in attempts if one.state == "accepted"]
        assert len(accepted) == len(set(accepted))
        assert set(accepted) == {name for name, task in tasks.items() if task.state == "accepted"}
        assert {one.state for one in attempts} == {"accepted", "rejected"}
        assert {task.state for task in tasks.values()} <= {"accepted", "failed", "skipped"}
        assert tasks["t40"].state == "failed"
        assert len([one for one in attempts if one.task == "t40"]) == 8
        assert [one.number for one in attempts if one.task == "t40"] == list(range(1, 9))
        events = await journal.events(build.id, limit=100_000)
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        await claimed.advance("finishing")
        await claimed.advance("partial", reason="t40")
