import sqlite3
from pathlib import Path

import ollama
import pytest
from mcp.client import Client

from codegod_kit import ServerSettings
from codegod_memory import build_server
from codegod_memory import scopes as scopes_module

from .conftest import Call, Connect


async def test_a_build_sees_its_own_memory_and_no_other(connect: Connect) -> None:
    async with connect("b1") as one, connect("b2") as two:
        stored = await one("memory_put", text="OTHER-TENANT secret", type="note", source="n")
        assert stored["scope"] == "b1"
        assert (await two("memory_search", query="secret"))["hits"] == []
        assert "No entry" in (await two("memory_get", id=stored["id"]))["fault"]
        assert (await two("memory_delete", everything=True))["entries"] == 0
        for tool, arguments in [
            ("memory_search", {"query": "secret"}),
            ("memory_pack", {"query": "secret"}),
            ("memory_get", {"id": stored["id"]}),
            ("memory_list", {}),
            ("memory_status", {}),
            ("memory_delete", {"everything": True}),
            ("memory_put", {"text": "x", "type": "note", "source": "s"}),
            ("memory_index", {"workspace": "b2/main"}),
        ]:
            for scope in ("b1", "../b1", "B1", "default", "b1.db"):
                fault = (await two(tool, scope=scope, **arguments))["fault"]
                assert "not granted" in fault
                assert "OTHER-TENANT" not in fault
        assert (await one("memory_search", query="secret", scope="b1"))["total"] == 1


@pytest.mark.parametrize("scope", ["../x", "a/b", "A", ".hidden", "x" * 65, "a b", "a\0", "ü", "a\n"])
async def test_a_scope_is_a_plain_name(memory: Call, scope: str, tmp_path: Path) -> None:
    assert "is no scope" in (await memory("memory_search", query="x", scope=scope))["fault"]
    assert not (tmp_path / "state").exists()


async def test_scopes_of_a_standalone_server_do_not_mix(memory: Call) -> None:
    await memory("memory_put", text="alpha", type="note", source="n", scope="shop")
    assert (await memory("memory_search", query="alpha"))["total"] == 0
    assert (await memory("memory_search", query="alpha", scope="shop"))["total"] == 1


async def test_more_scopes_than_stay_open_all_keep_what_they_hold(
    memory: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scopes_module, "_OPEN_STORES", 2)
    for number in range(5):
        await memory("memory_put", text=f"alpha {number}", type="note", source="n", scope=f"s{number}")
    for number in range(5):
        hits = (await memory("memory_search", query="alpha", scope=f"s{number}"))["hits"]
        assert [hit["text"] for hit in hits] == [f"alpha {number}"]


async def test_a_damaged_scope_says_so_and_the_others_go_on(memory: Call, tmp_path: Path) -> None:
    await memory("memory_put", text="keep", type="note", source="n", scope="good")
    (tmp_path / "state/memory/bad.db").write_text("{bad json\n" * 1000, encoding="utf-8")
    fault = (await memory("memory_search", query="keep", scope="bad"))["fault"]
    assert "'bad' cannot be read" in fault
    assert "`memory/bad.db`" in fault
    assert (await memory("memory_search", query="keep", scope="good"))["total"] == 1


async def test_a_store_of_a_later_version_is_left_alone(memory: Call, tmp_path: Path) -> None:
    (tmp_path / "state/memory").mkdir(parents=True)
    file = tmp_path / "state/memory/default.db"
    with sqlite3.connect(file) as newer:
        newer.execute("PRAGMA user_version = 99")
    newer.close()
    assert "has format 99" in (await memory("memory_search", query="x"))["fault"]


async def test_what_was_stored_is_there_after_a_restart(tmp_path: Path) -> None:
    settings = ServerSettings(root=tmp_path, state=tmp_path / "state")
    for _ in range(2):
        async with Client(build_server(settings)) as client:
            await client.call_tool("memory_put", {"text": "alpha", "type": "note", "source": "n"})
    async with Client(build_server(settings)) as client:
        result = await client.call_tool("memory_status", {})
    assert result.structured_content is not None
    assert result.structured_content["entries"] == 1


async def test_every_tool_can_be_given_to_a_small_model(tmp_path: Path) -> None:
    async with Client(build_server(ServerSettings(root=tmp_path, state=tmp_path))) as client:
        tools = (await client.list_tools()).tools
    assert [tool.name for tool in tools] == [
        "memory_put", "memory_index", "memory_delete", "memory_search", "memory_pack", "memory_get", "memory_list",
        "memory_status",
    ]  # fmt: skip
    for tool in tools:
        assert tool.annotations is not None
        assert tool.output_schema is not None
        assert (
            "Example:" in (tool.description or "")
            or not tool.input_schema["properties"]
            or tool.name == "memory_status"
        )
        schema = {"type": "function", "function": {"name": tool.name, "parameters": tool.input_schema}}
        survived = ollama.Tool.model_validate(schema).model_dump(exclude_none=True)["function"]["parameters"]
        for name, wanted in tool.input_schema["properties"].items():
            assert survived["properties"][name]["type"] == wanted["type"]
            assert not {"anyOf", "$ref", "oneOf"} & wanted.keys()


async def test_a_store_that_was_moved_away_is_begun_anew(memory: Call, tmp_path: Path) -> None:
    await memory("memory_put", text="alpha", type="note", source="old")
    folder = tmp_path / "state/memory"
    folder.rename(tmp_path / "moved")
    assert (await memory("memory_search", query="alpha"))["hits"] == []
    await memory("memory_put", text="alpha", type="note", source="new")
    (tmp_path / "moved").rename(tmp_path / "moved again")
    assert [hit["source"] for hit in (await memory("memory_search", query="alpha"))["hits"]] == ["new"]
    assert (folder / "default.db").exists()
