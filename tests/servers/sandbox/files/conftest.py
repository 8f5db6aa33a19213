"""A workspace reached through the protocol, as a client reaches it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp_types import CallToolResult, TextContent

from codegod_kit import ServerSettings, Workspaces, tool_server
from codegod_sandbox.dependencies import register_dependencies
from codegod_sandbox.files import Trees, register_files


@dataclass(frozen=True)
class Tools:
    """The file tools on one folder. Calling one gives its data, or its text when it has none; a fault raises."""

    client: Client
    root: Path

    async def call(self, tool: str, **arguments: Any) -> CallToolResult:
        return await self.client.call_tool(tool, arguments)

    async def data(self, tool: str, **arguments: Any) -> dict[str, Any]:
        result = await self.call(tool, **arguments)
        assert not result.is_error, said(result)
        data: dict[str, Any] = result.structured_content or {}
        return data

    async def text(self, tool: str, **arguments: Any) -> str:
        result = await self.call(tool, **arguments)
        assert not result.is_error, said(result)
        return said(result)

    async def fault(self, tool: str, **arguments: Any) -> str:
        result = await self.call(tool, **arguments)
        assert result.is_error, said(result)
        return said(result)


def said(result: CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


@pytest.fixture
async def tools(root: Path, tmp_path: Path) -> AsyncIterator[Tools]:
    settings = ServerSettings(root=root, state=tmp_path / "state")
    server = tool_server("sandbox", settings, instructions="Files of a test.")
    trees = Trees(Workspaces(settings))
    register_files(server, trees)
    register_dependencies(server, trees)
    async with Client(server) as client:
        yield Tools(client, root)
