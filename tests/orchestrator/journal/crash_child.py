"""Runs a build's tasks as fast as it can until it is killed. Says on stdout what it was told is accepted."""

import sys
from collections.abc import Callable
from pathlib import Path

import anyio

from codegod_orchestrator.evidence import Evidence
from codegod_orchestrator.journal import ClaimedBuild, Journal
from codegod_orchestrator.ladder import Step
from codegod_orchestrator.schedule import Schedule

MAX_PARALLEL = 8


async def main(path: Path, build: str) -> None:
    async with Journal.open(path) as journal, journal.claim_build(build, "the child") as claimed:
        await claimed.recover()
        tasks = await journal.tasks(build)
        accepted = {task.id for task in tasks if task.state == "accepted"}
        schedule = Schedule(tasks, max_parallel=MAX_PARALLEL, accepted=accepted)
        ended, results = anyio.create_memory_object_stream[str](len(tasks))
        say("begun")
        async with ended, results, anyio.create_task_group() as group:
            while True:
                for task in schedule.take():
                    group.start_soon(run, claimed, task, ended.send_nowait)
                if schedule.over:
                    break
                schedule.accepted(await results.receive())
        await claimed.advance("finishing")
        await claimed.advance("done")
        say("done")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def run(claimed: ClaimedBuild, task: str, ended: Callable[[str], None]) -> None:
    attempt = await claimed.dispatch_attempt(task, Step("first", 0, "m"), base="x")
    await claimed.start_attempt(attempt)
    await claimed.append("note", {"text": "long " * 1000}, task=task)
    await claimed.submit_attempt(attempt, commit=f"c-{attempt.id}", tree=f"t-{task}")
    await claimed.prove_attempt(attempt, Evidence(tree=f"t-{task}"))
    await claimed.accept_attempt(attempt, commit=f"l-{attempt.id}", tree=f"t-{task}")
    say(f"accepted {attempt.id}")
    ended(task)


anyio.run(main, Path(sys.argv[1]), sys.argv[2])
