"""kill -9 of a process that writes: nothing accepted is lost, nothing half written stays, and the next one goes on."""

import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from codegod_kit.plan import Plan
from codegod_orchestrator.journal import BuildBusy, ClaimedBuild, Journal

# Starts processes or installs packages in most of its tests: the everyday suite stays below two minutes without.
pytestmark = pytest.mark.long

CHILD = Path(__file__).with_name("crash_child.py")
TASKS = 40


def begin(path: Path, build: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, str(CHILD), str(path), build], stdout=subprocess.PIPE, text=True)


def told(child: subprocess.Popen[str], lines: int) -> list[str]:
    """The first `lines` lines of the child, then it is killed and the rest that it had said is read."""
    assert child.stdout
    with child.stdout as output:
        said = [output.readline().strip() for _ in range(lines)]
        child.send_signal(signal.SIGKILL)
        said += [line.strip() for line in output]
    child.wait()
    return [line for line in said if line]


async def check_invariants(journal: Journal, build: str, accepted: set[str]) -> None:
    attempts = await journal.attempts(build)
    tasks = await journal.tasks(build)
    events = await journal.events(build, limit=100_000)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert (await journal.build(build)).last_event == len(events)
    landed = [one for one in attempts if one.state == "accepted"]
    assert accepted <= {one.id for one in landed}
    assert all(count == 1 for count in Counter(one.task for one in landed).values())
    assert all(one.evidence is not None and one.commit == f"l-{one.id}" for one in landed)
    assert Counter(one.kind for one in events)["attempt.accepted"] == len(landed)
    done = {one.task for one in landed}
    for task in tasks:
        ready = set(task.depends) <= done
        assert (task.state == "accepted") == (task.id in done)
        assert task.state in ({"accepted", "ready", "inflight"} if ready else {"blocked"})


async def killed_again_and_again(
    path: Path, plan: Plan, start: Callable[[ClaimedBuild, Plan], Awaitable[None]], seed: int, kills: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - which moment a test chooses
    async with Journal.open(path) as journal:
        build = (await journal.create_build("Make it")).id
        async with journal.claim_build(build, "a test") as claimed:
            await start(claimed, plan)
        accepted: set[str] = set()
        for _ in range(kills):
            child = begin(path, build)
            lines = told(child, chance.randrange(1, 12))
            accepted |= {line.removeprefix("accepted ") for line in lines if line.startswith("accepted")}
            await check_invariants(journal, build, accepted)
        child = begin(path, build)
        output, _ = child.communicate(timeout=60)
        assert output.splitlines()[-1] == "done"
        await check_invariants(journal, build, accepted)
        ended = await journal.build(build)
        assert (ended.state, ended.epoch) == ("done", kills + 2)


async def test_a_build_killed_while_it_writes_loses_nothing(
    path: Path,
    make_plan: Callable[[dict[str, list[str]]], Plan],
    start: Callable[[ClaimedBuild, Plan], Awaitable[None]],
) -> None:
    await killed_again_and_again(path, make_plan(diamonds()), start, seed=1, kills=2)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 6))
async def test_a_build_killed_at_random_moments_loses_nothing(
    path: Path,
    make_plan: Callable[[dict[str, list[str]]], Plan],
    start: Callable[[ClaimedBuild, Plan], Awaitable[None]],
    seed: int,
) -> None:
    await killed_again_and_again(path, make_plan(diamonds()), start, seed=seed, kills=4)


async def test_a_living_process_keeps_its_build_and_a_killed_one_gives_it_up(
    path: Path,
    journal: Journal,
    make_plan: Callable[[dict[str, list[str]]], Plan],
    start: Callable[[ClaimedBuild, Plan], Awaitable[None]],
) -> None:
    build = (await journal.create_build("Make it")).id
    async with journal.claim_build(build, "a test") as claimed:
        await start(claimed, make_plan({f"t{number}": [] for number in range(200)}))
    child = begin(path, build)
    assert child.stdout and child.stdout.readline() == "begun\n"
    child.send_signal(signal.SIGSTOP)  # it lives, and does nothing any more
    with pytest.raises(BuildBusy, match=f"process {child.pid} "):
        async with journal.claim_build(build, "a test"):
            pass
    child.kill()
    child.stdout.close()
    child.wait()
    async with journal.claim_build(build, "a test") as claimed:
        assert claimed.epoch == 3


def diamonds() -> dict[str, list[str]]:
    """Layers of four, each task on two of the layer before."""
    return {
        f"t{n}": [f"t{(n // 4 - 1) * 4 + n % 4}", f"t{(n // 4 - 1) * 4 + (n + 1) % 4}"] if n >= 4 else []
        for n in range(TASKS)
    }
