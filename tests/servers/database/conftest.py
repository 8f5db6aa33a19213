"""A database server, called as a client calls it."""

import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from pathlib import Path
from typing import Any, Protocol

import pytest
from mcp import Client
from mcp_types import CallToolResult, TextContent

from codegod_database import build_server
from codegod_kit import META_KEY, Grant, GrantIssuer, GrantVerifier, ServerSettings

ITEMS = 50


class Call(Protocol):
    """Calls one tool; a refused call gives its text under `fault`."""

    async def __call__(self, tool: str, /, **arguments: Any) -> dict[str, Any]: ...


Connect = Callable[..., AbstractAsyncContextManager[Call]]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of a standalone server, with a database `t` of fifty items and a secret."""
    folder = tmp_path / "root"
    folder.mkdir()
    with closing(sqlite3.connect(folder / "t.db")) as connection, connection:
        connection.execute("CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT)")
        connection.executemany("INSERT INTO items (name) VALUES (?)", [(f"n{n}",) for n in range(ITEMS)])
        connection.execute("CREATE TABLE secret (v)")
        connection.execute("INSERT INTO secret VALUES ('CANARY')")
    return folder


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder that no call may reach."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret.txt").write_text("CANARY-OUTSIDE", encoding="utf-8")
    return folder


@pytest.fixture
async def database(root: Path) -> AsyncIterator[Call]:
    """A standalone server."""
    async with Client(build_server(ServerSettings(root=root, state=root))) as client:
        yield _call(client, "")


@pytest.fixture
def connect(tmp_path: Path) -> Connect:
    """Connects as the caller of a build: `connect("b1", workspace="b1/storage.2")`."""
    issuer = GrantIssuer.new()
    verifier = GrantVerifier(issuer.public_key)
    server = build_server(ServerSettings(root=tmp_path / "builds", state=tmp_path, verifier=verifier))

    @asynccontextmanager
    async def connected(build: str, **changes: Any) -> AsyncIterator[Call]:
        fields = {
            "task": "storage",
            "attempt": "storage.2",
            "tools": ("database.*",),
            "deadline": time.time() + 60,
        }
        grant = Grant.model_validate({"build": build, **fields, **changes})
        async with Client(server) as client:
            yield _call(client, issuer.issue(grant))

    return connected


def items(root: Path) -> int:
    """How many items the database `t` has, as anybody else reads it."""
    with closing(sqlite3.connect(root / "t.db")) as connection:
        return int(connection.execute("SELECT count(*) FROM items").fetchone()[0])


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
