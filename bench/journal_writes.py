"""Times the journal: what one task's way from dispatch to acceptance (five writes, two of them synced) costs.

    uv run python bench/journal_writes.py [--tasks 1000] [--parallel 64]

Nothing else happens in between, so the wall time is all overhead. Everything lies in a temporary folder.
"""

import argparse
import tempfile
import time
from pathlib import Path

import anyio

from codegod_kit.plan import Plan
from codegod_orchestrator.evidence import Evidence
from codegod_orchestrator.journal import ClaimedBuild, Journal
from codegod_orchestrator.ladder import Step

WRITES_PER_TASK = 5
FIRST = Step("first", 0, "a model")


async def main(tasks: int, parallel: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with Journal.open(Path(folder) / "journal.db") as journal:
            build = await journal.create_build("Measure")
            async with journal.claim_build(build.id, "bench") as claimed:
                await claimed.save_plan(_plan(tasks, parallel))
                await claimed.advance("contracting")
                await claimed.advance("running")
                await _measure(claimed, tasks, parallel)


async def _measure(claimed: ClaimedBuild, tasks: int, parallel: int) -> None:
    waits: list[float] = []

    async def run(number: int) -> None:
        begun = time.perf_counter()
        attempt = await claimed.dispatch_attempt(f"t{number}", FIRST, base="x")
        await claimed.start_attempt(attempt)
        await claimed.submit_attempt(attempt, commit="c", tree="t")
        await claimed.prove_attempt(attempt, Evidence(tree="t"))
        ready = await claimed.accept_attempt(attempt, commit="c", tree="t")
        waits.append(time.perf_counter() - begun)
        for task in ready:
            group.start_soon(run, int(task[1:]))

    cpu, wall = time.process_time(), time.perf_counter()
    async with anyio.create_task_group() as group:
        for number in range(min(tasks, parallel)):
            group.start_soon(run, number)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    waits.sort()
    print(
        f"{tasks} tasks, {parallel} at a time: {cpu / tasks * 1e3:.2f} ms CPU and {wall / tasks * 1e3:.2f} ms wall a task, "
        f"{cpu / tasks / WRITES_PER_TASK * 1e6:.0f} us CPU a write; a task waited {waits[tasks // 2] * 1e3:.1f} ms "
        f"(median), {waits[int(tasks * 0.99)] * 1e3:.1f} ms (99 %)"
    )


def _plan(tasks: int, parallel: int) -> Plan:
    """As many chains as run at a time."""
    chained = [
        {
            "id": f"t{number}",
            "type": "backend",
            "title": "A task",
            "files": [f"f{number}.py"],
            "depends": [f"t{number - parallel}"] if number >= parallel else [],
        }
        for number in range(tasks)
    ]
    return Plan.model_validate({"name": "bench", "skeleton": ["pyproject.toml"], "tasks": chained})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--parallel", type=int, default=64)
    options = parser.parse_args()
    anyio.run(main, options.tasks, options.parallel)
