"""A real sandbox at each level, over one state folder, and a workspace for each test."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest

from codegod_kit.serving import ServerSettings
from codegod_sandbox.execution import Limits, RunResult, RunSpec, Sandbox
from codegod_sandbox.tree import remove

Run = Callable[..., Awaitable[RunResult]]

# Other tests may be running programs at the same time: with a user of our own nothing of theirs is counted.
_UID = 50_000 + secrets.randbelow(9_000)


@pytest.fixture(scope="session")
def environment() -> Mapping[str, str]:
    """What a server of these tests reads instead of this process's environment."""
    return {"PATH": os.environ["PATH"], "CODEGOD_SANDBOX_UID": str(_UID), "ANTHROPIC_API_KEY": "canary-key"}


@pytest.fixture(scope="session")
def state() -> Iterator[Path]:
    """One state folder, so that the validators are gathered once."""
    folder = Path(tempfile.mkdtemp(prefix="codegod-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session", params=["bubblewrap", "landlock"])
def level(request: pytest.FixtureRequest) -> str:
    """Each level in turn."""
    return str(request.param)


@pytest.fixture(scope="session")
def sandboxes(state: Path, environment: Mapping[str, str]) -> Mapping[str, Sandbox]:
    """A sandbox for each level."""
    return {name: _make(state, environment, name) for name in ("bubblewrap", "landlock")}


def _make(state: Path, environment: Mapping[str, str], level: str) -> Sandbox:
    return Sandbox(ServerSettings(state, state, environment={**environment, "CODEGOD_SANDBOX": level}))


@pytest.fixture
def sandbox(sandboxes: Mapping[str, Sandbox], level: str) -> Sandbox:
    """The sandbox of the level in turn."""
    return sandboxes[level]


@pytest.fixture
def new_sandbox(state: Path, environment: Mapping[str, str]) -> Callable[[str], Sandbox]:
    """Makes a sandbox of one level that has not looked at the machine yet."""
    return lambda name: _make(state, environment, name)


@pytest.fixture
def workspace(state_dir: Path) -> Iterator[Path]:
    """An empty tree; whatever a program leaves in it is removed."""
    folder = state_dir / "tree"
    folder.mkdir()
    yield folder
    remove(folder)


@pytest.fixture
def run(sandbox: Sandbox, workspace: Path) -> Run:
    """Run a command in the workspace at the level in turn."""
    return _runner(sandbox, workspace)


@pytest.fixture
def run_bubblewrap(sandboxes: Mapping[str, Sandbox], workspace: Path) -> Run:
    """Run a command in the workspace under bubblewrap, where the level does not matter."""
    return _runner(sandboxes["bubblewrap"], workspace)


def _runner(sandbox: Sandbox, workspace: Path) -> Run:
    async def run(*argv: str, wall_seconds: float = 20, **options: Any) -> RunResult:
        limits = options.pop(
            "limits", Limits(wall_seconds=wall_seconds, memory_bytes=512 << 20, processes=128)
        )
        return await sandbox.run(RunSpec(argv, workspace, limits=limits, **options))

    return run


@pytest.fixture
def alive() -> Callable[[str], list[str]]:
    """The processes of this machine whose command line holds a marker."""

    def find(marker: str) -> list[str]:
        found = []
        for process in Path("/proc").iterdir():
            if process.name.isdigit() and int(process.name) != os.getpid():
                try:
                    line = (process / "cmdline").read_bytes()
                except (FileNotFoundError, ProcessLookupError):
                    continue
                if marker.encode() in line:
                    found.append(process.name)
        return found

    return find


@pytest.fixture
def ready(workspace: Path) -> Iterator[Callable[[int], Awaitable[None]]]:
    """A pipe called `ready` in the workspace, and a way to wait until programs have written so many bytes to it."""
    os.mkfifo(workspace / "ready")
    pipe = os.open(workspace / "ready", os.O_RDONLY | os.O_NONBLOCK)
    own = os.open(workspace / "ready", os.O_WRONLY)  # so that it has no end between two writers

    async def wait(count: int) -> None:
        with anyio.fail_after(20):
            while count > 0:
                await anyio.wait_readable(pipe)
                count -= len(os.read(pipe, count))

    yield wait
    os.close(own)
    os.close(pipe)
