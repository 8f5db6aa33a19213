"""The server as a client first sees it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp_types import Tool

from codegod_kit import ServerSettings
from codegod_sandbox import build_server

TOOLS = {
    "file_read",
    "file_read_many",
    "file_write",
    "file_append",
    "file_edit",
    "files_edit",
    "file_move",
    "file_copy",
    "file_delete",
    "file_info",
    "dir_list",
    "dir_tree",
    "dir_make",
    "file_search",
    "text_search",
    "exec_run",
    "env_prepare",
    "project_add_dependency",
    "app_check",
    "check_run",
    "image_check",
    "sandbox_status",
}


@pytest.fixture
async def offered(tmp_path: Path) -> AsyncIterator[dict[str, Tool]]:
    async with Client(build_server(ServerSettings(root=tmp_path, state=tmp_path))) as client:
        yield {tool.name: tool for tool in (await client.list_tools()).tools}


async def test_every_tool_of_the_design_is_there(offered: dict[str, Tool]) -> None:
    assert set(offered) == TOOLS


async def test_every_tool_tells_a_small_model_how_to_call_it(offered: dict[str, Tool]) -> None:
    for name, tool in offered.items():
        assert tool.description, name
        assert "Example" in tool.description or not tool.input_schema.get("required"), name
        assert tool.annotations is not None, name
        assert tool.annotations.read_only_hint is not None, name


async def test_every_argument_survives_clients_that_know_only_flat_schemas(offered: dict[str, Tool]) -> None:
    for name, tool in offered.items():
        properties: dict[str, dict[str, Any]] = tool.input_schema.get("properties", {})
        if name != "sandbox_status":
            assert properties["workspace"]["default"] == ""
        for argument, schema in properties.items():
            assert schema["type"] in ("string", "integer", "number", "boolean", "array"), (name, argument)
            if schema["type"] == "array":
                assert schema["items"]["type"] == "string", (name, argument)
            assert schema.get("description"), (name, argument)


def test_the_readme_names_every_tool() -> None:
    readme = Path(__file__).parents[3] / "servers/sandbox/README.md"
    assert not [tool for tool in TOOLS if f"`{tool}`" not in readme.read_text("utf-8")]
