"""What was done to other memory servers, done to this one."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters

from .conftest import Call

NOTE = {"type": "note", "source": "n"}
# Half of what a large model reads at once; the whole answer, its text and its data.
ANSWER_CHARS = 50_000


async def test_sixteen_puts_at_once_are_all_kept(memory: Call) -> None:
    async def put(number: int) -> None:
        assert (await memory("memory_put", text=f"entry number{number}", **NOTE))["stored"]

    async with anyio.create_task_group() as tasks:
        for number in range(16):
            tasks.start_soon(put, number)
    assert (await memory("memory_status"))["entries"] == 16


async def test_the_same_text_put_by_many_at_once_is_kept_once(memory: Call) -> None:
    answers: list[dict[str, Any]] = []

    async def put() -> None:
        answers.append(await memory("memory_put", text="entry", **NOTE))

    async with anyio.create_task_group() as tasks:
        for _ in range(16):
            tasks.start_soon(put)
    assert sum(answer["stored"] for answer in answers) == 1
    assert (await memory("memory_status"))["entries"] == 1


@pytest.mark.parametrize(
    "name",
    [
        "__proto__",
        "constructor",
        'a\n{"type":"entity","name":"forged","entityType":"t","observations":[]}',
        "!!python/object/apply:os.system ['touch pwned']",
        "s\0x",
        "'; DROP TABLE documents;--",
        "\x1b[31mred",
        "../../../etc/passwd",
    ],
)
async def test_any_name_is_data(memory: Call, name: str, tree: Path) -> None:
    stored = await memory(
        "memory_put", text=f"about {name}", type="note", source=name, task=name, tags=[name]
    )
    listed = await memory("memory_list", source=name, task=name, tags=[name])
    assert [entry["id"] for entry in listed["entries"]] == [stored["id"]]
    assert listed["entries"][0]["labels"][0]["source"] == name
    assert (await memory("memory_get", id=stored["id"]))["text"] == f"about {name}"
    assert (await memory("memory_status"))["entries"] == 1
    assert os.listdir(tree) == []


async def test_a_broad_query_has_a_bounded_answer(memory: Call) -> None:
    for number in range(120):
        await memory("memory_put", text=f"observation {number} " + "observation " * 300, **NOTE)
    assert len(json.dumps(await memory("memory_search", query="observation"))) < ANSWER_CHARS / 2
    packed = await memory("memory_pack", query="observation")
    assert packed["tokens"] <= 2048
    assert len(json.dumps(await memory("memory_list"))) < ANSWER_CHARS / 2


@pytest.mark.parametrize("field", ["text", "source", "task"])
async def test_a_text_that_is_no_unicode_is_refused_and_harms_nobody(memory: Call, field: str) -> None:
    broken = {"text": "x", **NOTE, field: "lone \ud800 surrogate"}
    assert f"`{field}`" in (await memory("memory_put", **broken))["fault"]
    assert "fault" not in await memory("memory_put", text="fine", **NOTE)


@pytest.mark.long
async def test_ten_megabytes_are_refused_over_a_pipe_and_the_server_goes_on(tmp_path: Path) -> None:
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "codegod_memory", "--root", str(tmp_path), "--state", str(tmp_path)],
    )
    with anyio.fail_after(30):
        async with Client(server) as client:
            huge = await client.call_tool("memory_put", {"text": "x" * 10_485_760, **NOTE})
            assert huge.is_error
            assert "1000000" in str(huge.content)
            fine = await client.call_tool("memory_put", {"text": "fine", **NOTE})
            assert not fine.is_error
