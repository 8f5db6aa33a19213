"""The tool `image_check` with a real Docker engine, which the tests start for themselves beside any other."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from codegod_kit import ServerSettings, Workspaces, tool_server
from codegod_sandbox.image_tools import register_images

pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]

START_SECONDS = 60.0
STOP_SECONDS = 30.0
# No image can be fetched here, so a program that needs nothing but the kernel is all that there is in this one.
DOCKERFILE = """\
FROM scratch
COPY busybox /busybox
COPY health /www/health
USER 10001
EXPOSE 8000
CMD ["/busybox", "httpd", "-f", "-p", "8000", "-h", "/www"]
"""


@dataclass(frozen=True)
class Engine:
    address: str

    def docker(self, *arguments: str) -> list[str]:
        """The lines that the command says."""
        command = ["docker", "--host", self.address, *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=30
        ).stdout.splitlines()


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """An engine with data, a bridge and a socket of its own, so that it meets no other engine of the machine."""
    for program in ("dockerd", "docker", "busybox", "ip"):
        _needed(shutil.which(program) is not None, f"{program} is not installed")
    if os.geteuid() != 0:
        pytest.skip("an engine is started as root")
    folder = Path(tempfile.mkdtemp(prefix="cg-docker-"))
    bridge = f"cg{os.getpid() % 10_000_000}"
    address = f"unix://{folder}/socket"
    for words in (
        ["link", "add", bridge, "type", "bridge"],
        ["addr", "add", _free_network(), "dev", bridge],
        ["link", "set", bridge, "up"],
    ):
        subprocess.run(["ip", *words], check=True, timeout=10)
    log = folder / "log"
    command = ["dockerd", "--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec"]
    command += ["--pidfile", f"{folder}/pid", "--host", address, "--bridge", bridge]
    try:
        with (
            log.open("wb") as words_of_it,
            subprocess.Popen(
                command, stdout=words_of_it, stderr=words_of_it, start_new_session=True
            ) as daemon,
        ):
            try:
                _needed(
                    _listens(daemon, folder / "socket"), f"dockerd did not start: {log.read_text()[-1500:]}"
                )
                yield Engine(address)
            finally:
                daemon.send_signal(signal.SIGTERM)
                daemon.wait(STOP_SECONDS)
    finally:
        subprocess.run(["ip", "link", "delete", bridge], check=False, timeout=10)
        shutil.rmtree(folder, ignore_errors=True)


def _needed(there: bool, why: str) -> None:
    """What a developer's machine may lack, and CI's may not."""
    if not there:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(why)


def _free_network() -> str:
    """An address of a network that the machine has no route to."""
    taken = subprocess.run(["ip", "route"], capture_output=True, text=True, check=True, timeout=10).stdout
    return next(f"172.31.{number}.1/24" for number in range(64, 256) if f"172.31.{number}." not in taken)


def _listens(daemon: "subprocess.Popen[bytes]", place: Path) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and daemon.poll() is None:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(place))
            except OSError:
                time.sleep(0.05)  # a daemon gives no sign but its socket
            else:
                return True
    return False


async def _checked(engine: Engine, tree: Path, **arguments: Any) -> dict[str, Any]:
    environment = {"PATH": os.environ["PATH"], "DOCKER_HOST": engine.address, "HOME": str(tree)}
    settings = ServerSettings(root=tree, state=tree.parent, environment=environment)
    server = tool_server("sandbox", settings, instructions="Images of a test.")
    register_images(server, Workspaces(settings), settings)
    async with Client(server) as client:
        result = await client.call_tool("image_check", arguments)
    assert not result.is_error, result.content
    return result.structured_content or {}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tiny application with everything that it needs."""
    folder = tmp_path / "app"
    folder.mkdir()
    shutil.copy(str(shutil.which("busybox")), folder / "busybox")
    (folder / "health").write_text("well\n", "utf-8")
    (folder / "Dockerfile").write_text(DOCKERFILE, "utf-8")
    return folder


async def test_an_image_is_built_a_container_answers_and_nothing_stays(engine: Engine, tree: Path) -> None:
    report = await _checked(engine, tree, health="/health", port=8000)
    assert (report["built"], report["answered"], report["note"]) == (True, True, "")
    assert report["engine"]
    assert engine.docker("ps", "--all", "--quiet") == []
    assert engine.docker("images", "--quiet", "--filter", "reference=codegod-check-*") == []


async def test_a_container_that_is_broken_says_what_it_said(engine: Engine, tree: Path) -> None:
    (tree / "Dockerfile").write_text(DOCKERFILE.replace('"httpd"', '"no-such-thing"'), "utf-8")
    report = await _checked(engine, tree, health="/health", port=8000)
    assert (report["built"], report["answered"]) == (True, False)
    assert "no-such-thing" in report["note"]
    assert engine.docker("ps", "--all", "--quiet") == []


async def test_an_image_that_cannot_be_built_says_why(engine: Engine, tree: Path) -> None:
    (tree / "Dockerfile").write_text("FROM scratch\nCOPY missing /x\n", "utf-8")
    report = await _checked(engine, tree, health="/health", port=8000)
    assert (report["built"], report["answered"]) == (False, False)
    assert "missing" in report["note"]
