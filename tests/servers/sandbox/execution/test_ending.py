"""Whatever a program does, nothing of it is left when its run is over."""

import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import anyio
import pytest

from codegod_sandbox.execution import PYTHON, RunResult, RunSpec, Sandbox

# A sweep of processes and attacks: the everyday suite stays below two minutes without.
pytestmark = pytest.mark.long

Run = Callable[..., Awaitable[RunResult]]
Alive = Callable[[str], list[str]]

# It marks its command line, leaves its process group and session, is adopted by whoever adopts, and ignores signals.
_DAEMON = """
import os, signal, sys, time
marker = sys.argv[1]
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT): signal.signal(number, signal.SIG_IGN)
            print('ready', flush=True)
            if sys.argv[2] == 'tell': open('ready', 'w').write('x')
            if sys.argv[2] == 'stopped': os.kill(os.getpid(), signal.SIGSTOP)
            time.sleep(60)
        os._exit(0)
if sys.argv[2] == 'exit': time.sleep(0.3); sys.exit(0)
time.sleep(60)
"""


@pytest.fixture
def marker(state_dir: Path) -> str:
    """A word that stands on no other command line."""
    return f"marker-{state_dir.name}"


@pytest.mark.parametrize("how", ["exit", "wait", "stopped"])
async def test_daemons_do_not_outlive_their_run(run: Run, alive: Alive, marker: str, how: str) -> None:
    result = await run(PYTHON, "-c", _DAEMON, marker, how, wall_seconds=1.5)
    assert result.stdout.count(b"ready") == 3
    assert result.status == ("exit" if how == "exit" else "timeout")
    assert alive(marker) == []


async def test_a_background_child_that_keeps_the_output_open_is_not_waited_for(
    run: Run, alive: Alive, marker: str
) -> None:
    result = await run("sh", "-c", f"sh -c 'sleep 60; : {marker}' & echo started")
    assert (result.status, result.exit_code, result.stdout) == ("exit", 0, b"started\n")
    assert result.seconds < 5
    assert alive(marker) == []


async def test_a_flood_of_output_ends_the_run(run: Run, alive: Alive, marker: str) -> None:
    result = await run("sh", "-c", f"yes {marker}")
    assert (result.status, result.truncated) == ("output_limit", True)
    assert len(result.stdout) < 70_000
    assert alive(marker) == []


async def test_a_fork_bomb_ends_with_its_run(run: Run, alive: Alive, marker: str) -> None:
    bomb = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass\n"
    result = await run(PYTHON, "-c", bomb, marker, wall_seconds=1)
    assert result.status in ("timeout", "memory_limit")
    assert alive(marker) == []


async def test_a_program_that_kills_all_it_can_kills_only_itself(run: Run, alive: Alive, marker: str) -> None:
    result = await run("sh", "-c", f"sleep 60 & : {marker}; kill -9 -1; wait; echo done")
    assert (result.status, result.stdout) == ("exit", b"done\n")
    assert alive(marker) == []


async def test_a_cancelled_run_is_gone_at_once(
    sandbox: Sandbox, workspace: Path, ready: Callable[[int], Awaitable[None]], alive: Alive, marker: str
) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(sandbox.run, RunSpec((PYTHON, "-c", _DAEMON, marker, "tell"), workspace))
        await ready(3)
        assert len(alive(marker)) >= 4
        tasks.cancel_scope.cancel()
    assert alive(marker) == []


async def test_a_run_cancelled_while_it_starts_leaves_nothing(
    sandbox: Sandbox, workspace: Path, alive: Alive, marker: str
) -> None:
    """The window in which killing bubblewrap alone left half of the sandboxes running for ever."""
    for step in range(40):
        with anyio.move_on_after(step / 1000):
            await sandbox.run(RunSpec(("sh", "-c", f"sleep 60; : {marker}"), workspace))
    assert alive(marker) == []


async def test_the_run_folders_are_removed(run: Run, state: Path, alive: Alive, marker: str) -> None:
    await run("sh", "-c", "mkdir -p $HOME/a/b $TMPDIR/c; chmod 0 $HOME/a; kill -9 $$")
    assert list((state / "runs").iterdir()) == []


_SERVER = """
import anyio, sys
from pathlib import Path
from codegod_kit.serving import ServerSettings
from codegod_sandbox.execution import RunSpec, Sandbox
state, tree, marker, level, uid = sys.argv[1:]
settings = ServerSettings(
    Path(state), Path(state), environment={"CODEGOD_SANDBOX": level, "CODEGOD_SANDBOX_UID": uid}
)
command = "sleep 60 & echo x > ready; sleep 60; : " + marker
anyio.run(Sandbox(settings).run, RunSpec(("sh", "-c", command), Path(tree)))
"""


async def test_nothing_outlives_a_server_that_is_killed(
    new_sandbox: Callable[[str], Sandbox],
    level: str,
    state: Path,
    environment: Mapping[str, str],
    workspace: Path,
    ready: Callable[[int], Awaitable[None]],
    alive: Alive,
    marker: str,
) -> None:
    arguments = [str(state), str(workspace), marker, level, environment["CODEGOD_SANDBOX_UID"]]
    async with await anyio.open_process([sys.executable, "-c", _SERVER, *arguments]) as server:
        try:
            await ready(2)
            running = [int(process) for process in alive(marker)]
            handles = [os.pidfd_open(process) for process in running]
        finally:
            server.kill()
    assert server.pid in running
    assert len(running) >= 2
    with anyio.fail_after(20):
        for handle in handles:
            await anyio.wait_readable(handle)  # it has ended
            os.close(handle)
    assert alive(marker) == []
    assert (await new_sandbox(level).ground()).jail is not None  # the next server cleans up
    assert list((state / "runs").iterdir()) == []
