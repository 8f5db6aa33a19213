"""From an endpoint to a client that talks to it."""

import base64
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import httpx2
from anyio import to_thread
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

from codegod_kit import GrantIssuer, GrantVerifier, ServerSettings
from codegod_kit.options import KEY_VARIABLE, STATE_VARIABLE
from codegod_mesh.endpoints import Builtin, Command, Endpoint, Url
from codegod_mesh.last_words import LastWords
from codegod_mesh.registry import builtin_factory, builtin_module

# Models are asked by the orchestrator and by workers; no server needs the keys.
_MODEL_KEYS = frozenset({"ANTHROPIC_API_KEY", "OPENAI_API_KEY"})
# One TCP connection.
_TCP_SECONDS = 10.0
# The whole of it: a command may have to download itself before it answers.
_CONNECT_LIMIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class MeshSettings:
    """What the mesh tells the servers that it starts."""

    root: Path
    state: Path
    issuer: GrantIssuer | None = None
    """Signs the grants; None: our servers run standalone and demand none."""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


@asynccontextmanager
async def open_client(endpoint: Endpoint, settings: MeshSettings, words: LastWords) -> AsyncIterator[Client]:
    """A connected client of `endpoint`; what the server says outside the protocol goes to `words`."""
    async with _time_to_connect() as connected, AsyncExitStack() as stack:
        match endpoint.target:
            case Builtin(process=False):
                factory = await to_thread.run_sync(builtin_factory, endpoint.name)
                client = Client(factory(_server_settings(settings)))
            case Builtin():
                errors = stack.enter_context(words.pipe())
                client = Client(stdio_client(_child(endpoint.name, settings), errors))
            case Command() as command:
                errors = stack.enter_context(words.pipe())
                client = Client(stdio_client(_program(command, endpoint, settings), errors))
            case Url() as url:
                http = await stack.enter_async_context(_http_client(url, words))
                client = Client(streamable_http_client(url.url, http_client=http))
            case server:
                client = Client(server)
        client = await stack.enter_async_context(client)
        connected.set()
        yield client


@asynccontextmanager
async def _time_to_connect() -> AsyncIterator[anyio.Event]:
    """Break off what is inside unless the event is set in time."""
    connected = anyio.Event()

    async def give_up() -> None:
        with anyio.move_on_after(_CONNECT_LIMIT_SECONDS):
            await connected.wait()
            return
        raise TimeoutError(f"no connection within {_CONNECT_LIMIT_SECONDS:g} s")

    async with anyio.create_task_group() as group:
        group.start_soon(give_up)
        yield connected


def _http_client(url: Url, words: LastWords) -> httpx2.AsyncClient:
    async def note_status(response: httpx2.Response) -> None:
        if response.is_error:
            # The SDK says "Server returned an error response" to all of them.
            words.hear(f"HTTP {response.status_code} {response.reason_phrase}")

    # A long check answers late and says nothing meanwhile; callers bring their own deadlines.
    timeout = httpx2.Timeout(_TCP_SECONDS, read=None)
    return httpx2.AsyncClient(
        headers=dict(url.headers), timeout=timeout, event_hooks={"response": [note_status]}
    )


def _server_settings(settings: MeshSettings) -> ServerSettings:
    verifier = None if settings.issuer is None else GrantVerifier(settings.issuer.public_key)
    return ServerSettings(settings.root, settings.state, verifier, _without_model_keys(settings))


def _child(name: str, settings: MeshSettings) -> StdioServerParameters:
    # -P: modules that happen to lie in the current folder are not ours.
    arguments = [
        "-P",
        "-m",
        builtin_module(name),
        "--root",
        str(settings.root),
        "--state",
        str(settings.state),
    ]
    return StdioServerParameters(command=sys.executable, args=arguments, env=_own_environment(settings))


def _program(command: Command, endpoint: Endpoint, settings: MeshSettings) -> StdioServerParameters:
    ours = _own_environment(settings) if endpoint.gets_grants else {}
    return StdioServerParameters(
        command=command.command,
        args=list(command.arguments),
        env={**ours, **command.environment},
        cwd=command.folder,
    )


def _own_environment(settings: MeshSettings) -> dict[str, str]:
    """For our own servers: all but the models' keys, and the public key to check grants with."""
    environment = _without_model_keys(settings)
    environment[STATE_VARIABLE] = str(settings.state)
    environment.pop(KEY_VARIABLE, None)
    if settings.issuer is not None:
        environment[KEY_VARIABLE] = base64.b64encode(settings.issuer.public_key).decode()
    return environment


def _without_model_keys(settings: MeshSettings) -> dict[str, str]:
    return {name: value for name, value in settings.environment.items() if name not in _MODEL_KEYS}
