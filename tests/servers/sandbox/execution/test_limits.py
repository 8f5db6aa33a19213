"""What a run may use, and that it may not use more."""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import pytest

from codegod_sandbox import ground
from codegod_sandbox.execution import PYTHON, Limits, RunResult, RunSpec, Sandbox
from codegod_sandbox.limits import RUNS_AT_A_TIME
from codegod_sandbox.tree import usage

# A sweep of processes and attacks: the everyday suite stays below two minutes without.
pytestmark = pytest.mark.long

Run = Callable[..., Awaitable[RunResult]]

_FORKS = """
import os, time
made = 0
try:
    while made < 2000:
        if os.fork() == 0: time.sleep(60); os._exit(0)
        made += 1
except OSError: pass
print(made)
"""
_PRIVATE = "x = bytearray(700 << 20); print('ESCAPE')"
_SHARED = """
import mmap
memory = mmap.mmap(-1, 700 << 20)
for place in range(0, 700 << 20, 4096): memory[place] = 1
print('ESCAPE')
"""
_MANY = """
import os, time
for _ in range(12):
    if os.fork() == 0: x = bytearray(60 << 20); time.sleep(20); os._exit(0)
time.sleep(20); print('ESCAPE')
"""
_MEMFD = """
import os
for _ in range(3):
    file = os.memfd_create('hidden')
    for _ in range(256): os.write(file, b'x' * (1 << 20))
print('ESCAPE')
"""
_USES = {"private": _PRIVATE, "shared": _SHARED, "many": _MANY, "memfd": _MEMFD}


@pytest.fixture(params=["as the machine offers", "without cgroups"])
def offered(request: pytest.FixtureRequest) -> str:
    """Whether cgroups can be had."""
    return str(request.param)


@pytest.fixture(scope="session")
def made() -> dict[tuple[str, str], Sandbox]:
    """The sandboxes that have looked at the machine: one look at each level is enough."""
    return {}


@pytest.fixture
async def bounded(
    new_sandbox: Callable[[str], Sandbox],
    level: str,
    offered: str,
    made: dict[tuple[str, str], Sandbox],
    monkeypatch: pytest.MonkeyPatch,
) -> Sandbox:
    """A sandbox that found what the machine is to offer."""
    if (level, offered) not in made:
        if offered == "without cgroups":
            monkeypatch.setattr(ground, "find_home", lambda: None)
        sandbox = new_sandbox(level)
        await sandbox.ground()
        made[level, offered] = sandbox
    return made[level, offered]


@pytest.mark.parametrize("use", _USES)
async def test_memory_is_bounded(bounded: Sandbox, workspace: Path, offered: str, use: str) -> None:
    # Where the kernel ends single processes of many, the others sleep on.
    limits = Limits(wall_seconds=2.5 if use == "many" else 15, memory_bytes=400 << 20, processes=64)
    result = await bounded.run(RunSpec((PYTHON, "-c", _USES[use]), workspace, limits=limits))
    assert b"ESCAPE" not in result.stdout
    refused = b"MemoryError" in result.stderr or b"PermissionError" in result.stderr
    assert result.status == "memory_limit" or refused, result


async def test_processes_are_bounded(bounded: Sandbox, workspace: Path, offered: str) -> None:
    limits = Limits(wall_seconds=20, processes=50)
    made: list[int] = []

    async def fork() -> None:
        result = await bounded.run(
            RunSpec((PYTHON, "-c", _FORKS), workspace, workspace_writable=False, limits=limits)
        )
        made.append(int(result.stdout or b"-1"))

    ours = (await bounded.ground()).jail
    if offered == "without cgroups" and ours is not None and ours.level == "landlock" and os.geteuid() != 0:
        pytest.skip(
            "without cgroups and a user of its own, the sandbox would use up this very user's processes"
        )
    async with anyio.create_task_group() as tasks:
        for _ in range(2):  # at once: one must not take from the other's
            tasks.start_soon(fork)
    if offered == "without cgroups" and ours is not None and ours.level == "landlock":
        # Only the user's total is bounded, and `status` says so.
        assert 0 < sum(made) <= RUNS_AT_A_TIME * limits.processes, made
    else:
        assert all(44 <= count <= 52 for count in made), made


async def test_the_disk_is_bounded(run: Run, workspace: Path) -> None:
    fill = "for n in range(8):\n    f = open(f'fill{n}', 'wb')\n    for _ in range(100): f.write(b'x' * (1 << 20))\nprint('ESCAPE')"
    result = await run(PYTHON, "-c", fill, limits=Limits(wall_seconds=20, disk_bytes=100 << 20))
    assert result.status == "disk_limit", result
    assert usage(workspace).bytes < 800 << 20


async def test_a_file_without_a_name_takes_room_as_well(run: Run) -> None:
    fill = (
        "import os\n"
        "for n in range(8):\n"
        "    f = os.open(f'fill{n}', os.O_CREAT | os.O_WRONLY); os.unlink(f'fill{n}')\n"
        "    for _ in range(100): os.write(f, b'x' * (1 << 20))\n"
        "print('ESCAPE')\n"
    )
    result = await run(PYTHON, "-c", fill, limits=Limits(wall_seconds=20, disk_bytes=100 << 20))
    assert (result.status, result.stdout) == ("disk_limit", b"")


async def test_one_file_is_bounded(run: Run, workspace: Path) -> None:
    result = await run(
        PYTHON, "-c", "import os; os.truncate(os.open('big', os.O_CREAT | os.O_WRONLY), 1 << 40)"
    )
    assert result.status == "signal" or b"File too large" in result.stderr
    assert (workspace / "big").stat().st_size == 0


@pytest.mark.parametrize("place", ["/tmp", "/home/agent", "/run", "/dev/shm"])
async def test_what_is_memory_is_bounded(run_bubblewrap: Run, place: str) -> None:
    fill = (
        "import errno\n"
        "made = 0\n"
        "try:\n"
        f"    with open('{place}/fill', 'wb', buffering=0) as file:\n"
        "        while made < 1000: file.write(b'x' * (1 << 20)); made += 1\n"
        "except OSError as error: print(errno.errorcode[error.errno], made)\n"
    )
    result = await run_bubblewrap(PYTHON, "-c", fill)
    word, made = result.stdout.split()
    assert word == b"ENOSPC"
    assert int(made) <= 256


@pytest.mark.parametrize("place", ["/", "/dev", "/etc", "/opt", "/usr"])
async def test_nothing_else_can_be_written(run_bubblewrap: Run, place: str) -> None:
    result = await run_bubblewrap("touch", f"{place}/new")
    assert b"Read-only file system" in result.stderr


async def test_time_is_bounded(run: Run) -> None:
    result = await run("sleep", "60", wall_seconds=0.5)
    assert (result.status, result.exit_code) == ("timeout", 137)
    assert 0.5 <= result.seconds < 5


async def test_the_own_limits_are_those_of_the_run(run: Run) -> None:
    ask = (
        "import resource as r\n"
        "print([r.getrlimit(n) for n in (r.RLIMIT_CORE, r.RLIMIT_NOFILE, r.RLIMIT_FSIZE, r.RLIMIT_MEMLOCK)])"
    )
    result = await run(PYTHON, "-c", ask)
    assert result.stdout.decode().strip() == str([(0, 0), (1024, 1024), (512 << 20,) * 2, (64 << 10,) * 2])


async def test_a_deep_tree_and_hostile_names_are_given_counted_and_removed(run: Run, workspace: Path) -> None:
    make = (
        "import os\n"
        "for name in (b'a\\nb', b'\\x1b]0;x\\x07', b'\\xff\\xfe', b'-rf', b'--help', b'$(id)', b'x' * 255):\n"
        "    open(name, 'w').write('x')\n"
        "for _ in range(300): os.mkdir('d' * 20); os.chdir('d' * 20)\n"
    )
    first = await run(PYTHON, "-c", make)
    assert first.exit_code == 0, first.stderr
    second = await run("sh", "-c", "ls | wc -l")
    assert second.stdout.strip() == b"9"  # one name has a newline in it
