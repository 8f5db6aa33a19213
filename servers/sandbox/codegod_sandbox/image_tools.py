"""The tool `image_check`: the project's container image, built and started by a Docker engine where there is one."""

import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, CompletedProcess
from typing import Annotated, Any, Final

import anyio
from anyio.abc import ByteReceiveStream
from mcp.server import MCPServer
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

from codegod_kit import ServerSettings, ToolFault, Workspaces, current_grant, seconds_left
from codegod_kit.beneath import Beneath
from codegod_sandbox.files.places import Workspace
from codegod_sandbox.files.shown import shown
from codegod_sandbox.output import Kept

SWITCH: Final = "CODEGOD_IMAGES"  # "off": where an engine is there and base images cannot be had
_TIMEOUT_SECONDS: Final = 900.0  # a base image over a slow line, and a framework on top
_ENGINE_SECONDS: Final = 10.0
_END_SECONDS: Final = 30.0
_START_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.2
_BROKEN_STATUS: Final = 500
_SAID_CHARS: Final = 1_500
_KEPT_BYTES: Final = 64 << 10  # of each stream: what a build or a container says is up to the generated code
_MEMORY: Final = "1g"
# What the program needs of our environment to find its engine; nothing of it reaches an image.
_VARIABLES: Final = (
    "PATH",
    "HOME",
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS_VERIFY",
)


# A container is somebody else's program: what it says fills no disk, and nothing of it may become more than it is.
_CONTAINED: Final = (
    *("--memory", _MEMORY, "--memory-swap", _MEMORY, "--pids-limit", "256"),
    *("--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    *("--log-driver", "json-file", "--log-opt", "max-size=1m", "--log-opt", "max-file=1"),
)


class ImageReport(BaseModel):
    """What became of the image. Nothing is claimed of what was not done."""

    engine: str = Field(description="The engine's version; empty when none answers")
    built: bool
    answered: bool = Field(description="Whether a container of it answered below 500 at the health path")
    note: str = Field(description="What is missing, or what the engine said last; empty when all is well")
    seconds: float


class NoDockerfile(ToolFault):
    """There is nothing to build."""

    def __init__(self) -> None:
        super().__init__("There is no 'Dockerfile' in the workspace. Write one with `file_write`.")


class BadHealthPath(ToolFault):
    """The text is no path of the container's own."""

    def __init__(self, health: str) -> None:
        super().__init__(f"{health!r} is no path. Give one that begins with '/', e.g. '/health'.")
        self.health = health


class NoNetworkForImages(ToolFault):
    """The caller's grant keeps it from the network, which every image is built with."""

    def __init__(self) -> None:
        super().__init__(
            "This task may not use the network, and an image is built with one. Leave it to the end of the build."
        )


def register_images(server: MCPServer[Any], workspaces: Workspaces, settings: ServerSettings) -> None:
    """Add `image_check` to `server`."""

    @server.tool(
        annotations=ToolAnnotations(
            read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=True
        )
    )
    async def image_check(
        workspace: Workspace = "",
        health: Annotated[
            str,
            Field(description="Path that answers below 500 once a container is up, e.g. `/health`; or empty"),
        ] = "",
        port: Annotated[int, Field(ge=1, le=65535, description="Port that the container listens at")] = 8000,
        timeout_s: Annotated[
            float, Field(gt=0, le=_TIMEOUT_SECONDS, description="Seconds for everything")
        ] = 600,
    ) -> ImageReport:
        """Build the workspace's Dockerfile with the Docker engine of this machine, start it, ask for its health, remove it.

        Without an engine the answer says so. Example: image_check(health="/health", port=8000)
        """
        tree = workspaces.path(workspace)
        # Behind a host and a port, anything else could name another host.
        if health and not (health.startswith("/") and health.isprintable()):
            raise BadHealthPath(health)
        with Beneath(tree) as files:
            if not files.exists("Dockerfile"):
                raise NoDockerfile
        grant = current_grant()
        if grant is not None and not grant.network:
            raise NoNetworkForImages
        engine = _Engine(settings.environment, time.monotonic() + seconds_left(timeout_s))
        return await _check(engine, tree, health, port)


@dataclass(frozen=True, slots=True)
class _Engine:
    """The `docker` program of the machine, for as long as one check may take."""

    environment: Mapping[str, str]
    deadline: float

    @property
    def program(self) -> str:
        return shutil.which("docker", path=self.environment.get("PATH", os.defpath)) or ""

    async def run(
        self, arguments: Sequence[str], within: float = _TIMEOUT_SECONDS
    ) -> CompletedProcess[bytes]:
        """Run one command; a status of 124 says that it was given up."""
        known = {name: self.environment[name] for name in _VARIABLES if name in self.environment}
        command = [self.program, *arguments]
        with anyio.move_on_after(min(within, max(1.0, self.deadline - time.monotonic()))):
            return await _run_bounded(command, known)
        return CompletedProcess(command, 124, b"", b"it took too long")


async def _run_bounded(command: Sequence[str], environment: Mapping[str, str]) -> CompletedProcess[bytes]:
    """Run to the end, and keep the beginning and the end of what was said."""
    said = (Kept(_KEPT_BYTES), Kept(_KEPT_BYTES))

    async def drain(stream: ByteReceiveStream, kept: Kept) -> None:
        async for chunk in stream:
            kept.add(chunk)

    async with await anyio.open_process(
        command, stdin=DEVNULL, env=dict(environment), cwd=tempfile.gettempdir()
    ) as process:
        streams = (process.stdout, process.stderr)
        async with anyio.create_task_group() as group:
            for stream, kept in zip(streams, said, strict=True):
                if stream is not None:
                    group.start_soon(drain, stream, kept)
        code = await process.wait()
    return CompletedProcess(command, code, *(kept.content() for kept in said))


async def _check(engine: _Engine, tree: Path, health: str, port: int) -> ImageReport:
    begun = time.monotonic()

    def report(
        *, version: str = "", built: bool = False, answered: bool = False, note: str = ""
    ) -> ImageReport:
        seconds = round(time.monotonic() - begun, 3)
        return ImageReport(engine=version, built=built, answered=answered, note=note, seconds=seconds)

    if engine.environment.get(SWITCH, "") == "off":
        return report(note=f"images are switched off here ({SWITCH}=off)")
    if not engine.program:
        return report(note="there is no Docker engine here")
    asked = await engine.run(["version", "--format", "{{.Server.Version}}"], _ENGINE_SECONDS)
    version = asked.stdout.decode(errors="replace").strip()
    if asked.returncode or not version:
        return report(note=f"no Docker engine answers: {_said(asked).partition('. ')[0]}")
    async with AsyncExitStack() as stack:
        image = f"codegod-check-{secrets.token_hex(6)}"
        stack.push_async_callback(_remove, engine, ["rmi", "--force", image])
        built = await engine.run(["build", "--tag", image, "--force-rm", str(tree)])
        if built.returncode:
            return report(version=version, note=f"the image was not built: {_said(built)}")
        if not health:
            return report(version=version, built=True)
        stack.push_async_callback(_remove, engine, ["rm", "--force", "--volumes", image])
        why = await _started(engine, image, health, port)
        return report(version=version, built=True, answered=not why, note=why)


async def _started(engine: _Engine, image: str, health: str, port: int) -> str:
    """Why a container does not answer; empty when it does."""
    published = ["--publish", f"127.0.0.1::{port}"]
    ran = await engine.run(["run", "--detach", "--name", image, *_CONTAINED, *published, image])
    if ran.returncode:
        return f"no container could be started: {_said(ran)}"
    mapped = await engine.run(["port", image, f"{port}/tcp"], _ENGINE_SECONDS)
    place = next((line.strip() for line in mapped.stdout.decode(errors="replace").splitlines()), "")
    if mapped.returncode or not place:
        logs = await engine.run(["logs", "--tail", "20", image], _ENGINE_SECONDS)
        return f"the container ended at once: {_said(logs)}"
    last = await _asked(f"http://{place}{health}", engine.deadline)
    if not last:
        return ""
    logs = await engine.run(["logs", "--tail", "20", image], _ENGINE_SECONDS)
    return f"GET {health} in a container: {last}; it said: {_said(logs)}"


async def _asked(url: str, deadline: float) -> str:
    """Why nothing answers below 500 at `url`; empty when something does."""
    import httpx  # half a second that only a machine with an engine has to spend

    last = "no answer"
    until = min(deadline, time.monotonic() + _START_SECONDS)
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        while time.monotonic() < until:
            try:
                # The status alone: a body may never end.
                async with client.stream("GET", url) as answer:
                    status = answer.status_code
            except httpx.HTTPError as error:
                last = type(error).__name__
            else:
                if status < _BROKEN_STATUS:
                    return ""
                last = str(status)
            await anyio.sleep(_POLL_SECONDS)
    return last


async def _remove(engine: _Engine, arguments: Sequence[str]) -> None:
    """Clean up, also when the caller has gone; what an engine then keeps is its own affair."""
    with anyio.CancelScope(shield=True):
        await _Engine(engine.environment, time.monotonic() + _END_SECONDS).run(arguments)


def _said(done: CompletedProcess[bytes]) -> str:
    """The end of what the program said."""
    text = b"\n".join([done.stdout, done.stderr]).decode(errors="replace")
    lines = [shown(line.strip()) for line in text.splitlines() if line.strip()]
    return " / ".join(lines[-8:])[-_SAID_CHARS:] or f"status {done.returncode}"
