"""A memory server, called as a client calls it."""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest
from mcp.client import Client
from mcp_types import CallToolResult, TextContent

from codegod_kit import META_KEY, Grant, GrantIssuer, GrantVerifier, ServerSettings
from codegod_memory import build_server
from codegod_memory.store import Store


class Call(Protocol):
    """Calls one tool; a refused call gives its text under `fault`."""

    async def __call__(self, tool: str, /, **arguments: Any) -> dict[str, Any]: ...


Connect = Callable[[str], AbstractAsyncContextManager[Call]]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The folder that a standalone server serves."""
    folder = tmp_path / "tree"
    folder.mkdir()
    return folder


@pytest.fixture
async def memory(tmp_path: Path, tree: Path) -> AsyncIterator[Call]:
    """A standalone server."""
    settings = ServerSettings(root=tree, state=tmp_path / "state")
    async with Client(build_server(settings)) as client:
        yield _call(client, "")


@pytest.fixture
def connect(tmp_path: Path) -> Connect:
    """Connects as the caller of a build; `connect("b1")` may do what a task of `b1` may."""
    issuer = GrantIssuer.new()
    settings = ServerSettings(
        root=tmp_path / "builds", state=tmp_path / "state", verifier=GrantVerifier(issuer.public_key)
    )
    server = build_server(settings)

    @asynccontextmanager
    async def connected(build: str) -> AsyncIterator[Call]:
        grant = Grant(
            build=build,
            task="storage",
            attempt="storage.1",
            tools=("memory.*",),
            workspace=f"{build}/*",
            deadline=time.time() + 60,
        )
        async with Client(server) as client:
            yield _call(client, issuer.issue(grant))

    return connected


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store of its own, for what is below the tools."""
    opened = Store("default", tmp_path / "default.db")
    yield opened
    opened.close()


def _call(client: Client, token: str) -> Call:
    async def call(tool: str, /, **arguments: Any) -> dict[str, Any]:
        meta: Any = {META_KEY: token} if token else None
        result = await client.call_tool(tool, arguments, meta=meta)
        assert isinstance(result, CallToolResult)
        if result.is_error:
            return {"fault": "".join(part.text for part in result.content if isinstance(part, TextContent))}
        assert isinstance(result.structured_content, dict)
        return result.structured_content

    return call
