"""A build that is stopped, in whatever way, leaves no process and no half result behind, and can be finished."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="orphans are found the way Linux has them")

PR_SET_CHILD_SUBREAPER = 36
LEFT_SECONDS = 10.0  # the simulator notices within a second that its parent is gone
LOOK_SECONDS = 0.02
LOOKS = 5
PROMPT = "Write a tiny money library"
ORCHESTRATOR = [sys.executable, "-m", "codegod_orchestrator.doors.mcp"]


def _children() -> dict[int, str]:
    """The processes whose parent is this one, with what they run; those that have ended are taken off the list."""
    found: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                state, parent = (entry / "stat").read_text("utf-8").rpartition(")")[2].split()[:2]
                if int(parent) == os.getpid() and state != "Z":
                    found[int(entry.name)] = (entry / "cmdline").read_text("utf-8").replace("\0", " ")
    return found


@pytest.fixture
def left_over() -> Iterator[Callable[[], list[str]]]:
    """Waits for every process that a build has left behind, and names those that stay. Orphans come to us here."""
    prctl = ctypes.CDLL(None).prctl
    assert prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    before = _children()

    def others() -> dict[int, str]:
        return {pid: text for pid, text in _children().items() if pid not in before}

    def wait() -> list[str]:
        deadline = time.monotonic() + LEFT_SECONDS
        nobody = (
            0  # looks in a row: one alone may fall between the end of a parent and the adoption of its child
        )
        while nobody < LOOKS and time.monotonic() < deadline:
            nobody = 0 if others() else nobody + 1
            time.sleep(LOOK_SECONDS)  # nobody tells of the end of a process that is not a child by birth
        return list(others().values())

    yield wait
    for pid in others():
        os.kill(pid, signal.SIGKILL)
    prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


@contextmanager
def _running(place: Any, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A command with a process group of its own, as a shell starts it."""
    process = subprocess.Popen(
        place.command(*arguments),
        env=place.environment | {"PYTHONUNBUFFERED": "1"},
        cwd=place.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def _read_until(process: subprocess.Popen[str], words: str) -> None:
    assert process.stdout is not None
    said: list[str] = []
    for line in process.stdout:
        said.append(line)
        if words in line:
            return
    raise AssertionError(f"it never said {words!r}: {''.join(said)}")


def _control_c(process: subprocess.Popen[str]) -> None:
    """A terminal sends it to everything that the command has started, too."""
    os.killpg(process.pid, signal.SIGINT)


def _control_c_twice(process: subprocess.Popen[str]) -> None:
    _control_c(process)
    _read_until(process, "Stopping")
    with suppress(ProcessLookupError):  # a build that stops faster than a finger needs no second time
        _control_c(process)


def _terminate(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)


def _finished(place: Any, git: Any, resumed: subprocess.CompletedProcess[str]) -> None:
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    landed = git(place.folder / "out", "log", "--format=%(trailers:key=Task-Id,valueonly)", "main").split()
    assert sorted(landed) == ["amount", "ledger", "readme"]
    assert git(place.folder / "out", "status", "--porcelain") == ""


def _stop_and_resume(
    place: Any,
    reference: Path,
    git: Any,
    left_over: Callable[[], list[str]],
    moment: str,
    stop: Callable[[subprocess.Popen[str]], None],
) -> None:
    arguments = ["build", PROMPT, "--worker", f"simulator:{reference}", "--out", "out"]
    with _running(place, *arguments) as process:
        _read_until(process, moment)
        stop(process)
        assert process.stdout is not None
        rest = process.stdout.read()
        assert process.wait(30) == 130, rest
    assert left_over() == []
    advice = [
        line for line in rest.splitlines() if line.startswith("Interrupted. Go on with: codegod resume b-")
    ]
    assert len(advice) == 1, rest
    assert "Traceback" not in rest
    assert not (place.folder / "out").exists()
    _finished(place, git, place.codegod("resume", advice[0].split()[-1]))


@pytest.mark.long
def test_control_c_stops_a_build_that_can_be_resumed(
    place: Any, project: Callable[..., Path], git: Any, left_over: Callable[[], list[str]]
) -> None:
    _stop_and_resume(place, project(), git, left_over, "amount.1: first try", _control_c)


@pytest.mark.long
@pytest.mark.parametrize(
    ("moment", "stop"),
    [
        ("for the contract", _terminate),
        ("ledger.1: first try", _control_c_twice),
        ("finishing", _control_c),
    ],
)
def test_a_build_is_stopped_at_any_moment(
    place: Any,
    project: Callable[..., Path],
    git: Any,
    left_over: Callable[[], list[str]],
    moment: str,
    stop: Callable[[subprocess.Popen[str]], None],
) -> None:
    _stop_and_resume(place, project(), git, left_over, moment, stop)


@pytest.mark.long
@pytest.mark.parametrize("stop", [_control_c, _terminate])
def test_a_build_is_stopped_before_it_has_begun(
    place: Any, project: Callable[..., Path], left_over: Callable[[], list[str]], stop: Any
) -> None:
    with _running(place, "build", PROMPT, "--worker", f"simulator:{project()}", "--out", "out") as process:
        _read_until(process, "models are simulated")
        stop(process)
        assert process.stdout is not None
        rest = process.stdout.read()
        assert process.wait(30) == 130, rest
    assert left_over() == []
    assert "Interrupted." in rest
    assert "Traceback" not in rest
    assert not (place.folder / "out").exists()


@pytest.mark.long
def test_a_killed_command_leaves_no_process(
    place: Any, project: Callable[..., Path], git: Any, left_over: Callable[[], list[str]]
) -> None:
    arguments = ["build", PROMPT, "--worker", f"simulator:{project()}", "--out", "out"]
    with _running(place, *arguments) as process:
        _read_until(process, "amount.1: first try")
        process.kill()
        process.wait(30)
    assert left_over() == []
    _finished(place, git, place.codegod("resume"))


async def _begun(client: Client, reference: Path, out: Path, line: str) -> str:
    """Start a build as a host does, and wait until it has said `line`."""
    started = await client.call_tool(
        "build_start", {"prompt": PROMPT, "worker": f"simulator:{reference}", "out": str(out)}
    )
    assert not started.is_error, started.content
    build = str((started.structured_content or {})["build"])
    cursor = 0
    with anyio.fail_after(90):
        while True:
            news = await client.call_tool("build_wait", {"build": build, "cursor": cursor})
            assert news.structured_content is not None
            cursor = news.structured_content["cursor"]
            if any(line in one for one in news.structured_content["lines"]):
                return build
            assert not news.structured_content["ended"], news.structured_content


@pytest.fixture
def log() -> Iterator[TextIO]:
    """Where a server's own words go: a pytest console has no file descriptor for them."""
    with open(os.devnull, "w", encoding="utf-8") as file:
        yield file


def _server(place: Any) -> StdioServerParameters:
    return StdioServerParameters(
        command=ORCHESTRATOR[0], args=ORCHESTRATOR[1:], env=place.environment, cwd=place.folder
    )


@pytest.mark.long
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_host_that_goes_away_stops_its_builds(
    place: Any,
    project: Callable[..., Path],
    git: Any,
    left_over: Callable[[], list[str]],
    log: TextIO,
    mode: str,
) -> None:
    async with Client(stdio_client(_server(place), log), mode=mode) as client:
        await _begun(client, project(), place.folder / "out", "amount.1: first try")
    assert await anyio.to_thread.run_sync(left_over) == []
    assert not (place.folder / "out").exists()
    _finished(place, git, await anyio.to_thread.run_sync(place.codegod, "resume"))


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_a_server_that_is_told_to_end_stops_its_builds(
    place: Any,
    project: Callable[..., Path],
    git: Any,
    left_over: Callable[[], list[str]],
    log: TextIO,
    number: signal.Signals,
) -> None:
    async with Client(stdio_client(_server(place), log)) as client:
        await _begun(client, project(), place.folder / "out", "amount.1: first try")
        for pid, text in _children().items():
            if "codegod_orchestrator.doors.mcp" in text:
                os.kill(pid, number)
        assert await anyio.to_thread.run_sync(left_over) == []
    _finished(place, git, await anyio.to_thread.run_sync(place.codegod, "resume"))


@pytest.mark.long
async def test_two_builds_of_one_host_run_at_a_time(
    place: Any, project: Callable[..., Path], git: Any, left_over: Callable[[], list[str]], log: TextIO
) -> None:
    reference = project()
    outs = [place.folder / name for name in ("one", "two")]
    async with Client(stdio_client(_server(place), log)) as client, anyio.create_task_group() as group:
        for out in outs:
            group.start_soon(_begun, client, reference, out, "delivered to")
    assert await anyio.to_thread.run_sync(left_over) == []
    trees = {git(out, "rev-parse", "main^{tree}") for out in outs}
    assert len(trees) == 1
