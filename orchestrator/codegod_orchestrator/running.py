"""Runs the tasks of a build side by side, in the order of a schedule that is made anew when the plan changes."""

from __future__ import annotations

from collections.abc import Collection

import anyio

from codegod_orchestrator.attempts import Ending, TaskRunner
from codegod_orchestrator.budget import LimitReached
from codegod_orchestrator.journal import Journal
from codegod_orchestrator.schedule import Schedule


async def run_tasks(journal: Journal, build: str, runner: TaskRunner, max_parallel: int) -> None:
    """Run what the journal says is to do, never more at a time than allowed, until nothing can run any more.

    At a limit nothing new begins, what is at work comes to its end, and then `LimitReached` is raised.
    """
    schedule = await _schedule(journal, build, runner, max_parallel)
    carried: frozenset[str] = frozenset()  # in flight since before the schedule was made
    ended, results = anyio.create_memory_object_stream[tuple[str, Ending]](max_parallel)
    reached: list[LimitReached] = []

    async def run_one(name: str) -> None:
        ending: Ending = "failed"
        try:
            ending = await runner.run(name)
        except LimitReached as limit:
            reached.append(limit)
        await ended.send((name, ending))

    async with ended, results, anyio.create_task_group() as group:
        while True:
            if reached and not schedule.in_flight:
                raise reached[0]
            for name in () if reached else schedule.take():
                group.start_soon(run_one, name)
            if schedule.over and not reached:
                return
            name, ending = await results.receive()
            if ending == "changed" or name in carried:
                # The journal knew the end of a carried task before us, and may have reopened it since.
                carried = schedule.in_flight - {name}
                schedule = await _schedule(journal, build, runner, max_parallel, carried)
            elif ending == "landed":
                schedule.accepted(name)
            else:
                schedule.failed(name)


async def _schedule(
    journal: Journal, build: str, runner: TaskRunner, max_parallel: int, in_flight: Collection[str] = ()
) -> Schedule:
    """The schedule of what the plan and the journal hold now."""
    states = {task.id: task.state for task in await journal.tasks(build)}
    return Schedule(
        runner.lane.plan.tasks,
        max_parallel=max_parallel,
        accepted=[name for name, state in states.items() if state == "accepted"],
        failed=[name for name, state in states.items() if state in {"failed", "skipped"}],
        in_flight=in_flight,
    )
