"""The server as a program."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from mcp import Client, StdioServerParameters

ROOT = Path(__file__).parents[3]


async def test_the_program_serves_a_folder_on_stdio_and_delivers_where_allowed(alone: Any) -> None:
    place = str(alone.top / "given")
    program = StdioServerParameters(
        command=sys.executable,
        args=["-m", "codegod_git", "--root", str(alone.root), "--allow-deliver", place],
        env={"PATH": os.environ["PATH"]},
    )
    async with Client(program) as client:
        status = await client.call_tool("git_status", {})
        assert status.structured_content is not None and status.structured_content["clean"] is True
        delivered = await client.call_tool("repo_deliver", {"destination": place})
        assert delivered.structured_content is not None
        assert delivered.structured_content["path"] == place
    assert (Path(place) / "f.txt").exists()


async def test_every_tool_is_fit_for_small_models(build: Any) -> None:
    tools = (await build.client.list_tools()).tools
    assert len(tools) == 19
    for tool in tools:
        assert len(tool.name) <= 40
        assert tool.description and tool.annotations is not None
        assert tool.annotations.open_world_hint is False
        assert tool.output_schema is not None, tool.name
        for name, schema in tool.input_schema["properties"].items():
            assert schema["type"] in ("string", "integer", "array"), (tool.name, name)
            assert schema.get("description"), (tool.name, name)


def test_the_registry_entry_names_this_package() -> None:
    entry = json.loads((ROOT / "servers/git/server.json").read_text(encoding="utf-8"))
    readme = (ROOT / "servers/git/README.md").read_text(encoding="utf-8")
    assert f"<!-- mcp-name: {entry['name']} -->" in readme
    assert entry["packages"][0]["identifier"] == "codegod"


async def test_the_readme_names_every_tool(build: Any) -> None:
    readme = (ROOT / "servers/git/README.md").read_text(encoding="utf-8")
    for name in await build.orchestrator.tools():
        assert f"`{name}`" in readme
