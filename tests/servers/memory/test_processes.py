"""Several server processes on one store: nothing that was acknowledged is lost, whatever ends them."""

import os
import signal
import sqlite3
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult

# Starts processes or installs packages in most of its tests: the everyday suite stays below two minutes without.
pytestmark = pytest.mark.long

ENTRIES = 24


def server(state: Path) -> StdioServerParameters:
    arguments = ["-m", "codegod_memory", "--root", str(state), "--state", str(state)]
    return StdioServerParameters(command=sys.executable, args=arguments)


def server_with_pid(state: Path) -> StdioServerParameters:
    """The same, with the process's id in the file `pid`."""
    plain = server(state)
    script = 'echo $$ > "$0/pid"; exec "$@"'
    return StdioServerParameters(
        command="/bin/sh", args=["-c", script, str(state), plain.command, *plain.args]
    )


async def put(client: Client, writer: int, number: int) -> None:
    text = f"writer{writer} entry{number}\n"
    result = await client.call_tool(
        "memory_put", {"text": text, "type": "note", "source": f"w{writer}.{number}"}
    )
    assert isinstance(result, CallToolResult)
    assert not result.is_error, result.content


async def test_several_processes_write_one_store_and_nothing_is_lost(tmp_path: Path) -> None:
    # The store does not exist yet: making it is part of the race.
    with anyio.fail_after(60):
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(Client(server(tmp_path))) for _ in range(3)]
            async with anyio.create_task_group() as tasks:
                for writer, client in enumerate(clients):
                    for number in range(ENTRIES):
                        tasks.start_soon(put, client, writer, number)
            for writer in range(3):
                for number in range(ENTRIES):
                    result = await clients[(writer + 1) % 3].call_tool(
                        "memory_search", {"query": f"writer{writer} entry{number}", "limit": 1}
                    )
                    assert isinstance(result, CallToolResult)
                    assert result.structured_content is not None
                    assert result.structured_content["hits"][0]["source"] == f"w{writer}.{number}"
            status = await clients[0].call_tool("memory_status", {})
            assert isinstance(status, CallToolResult)
            assert status.structured_content is not None
            assert status.structured_content["entries"] == 3 * ENTRIES


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL and no sh")
async def test_a_killed_server_keeps_every_entry_that_it_acknowledged(tmp_path: Path) -> None:
    acknowledged = 0

    async def write_on(client: Client) -> None:
        nonlocal acknowledged
        for number in range(10_000):
            await put(client, 0, number)
            acknowledged = number + 1
            if acknowledged == ENTRIES:
                pid = int((tmp_path / "pid").read_text(encoding="ascii"))
                os.kill(pid, signal.SIGKILL)

    with anyio.fail_after(60):
        async with Client(server_with_pid(tmp_path)) as client:
            with pytest.raises(MCPError):
                await write_on(client)
        async with Client(server(tmp_path)) as client:
            status = await client.call_tool("memory_status", {})
    assert isinstance(status, CallToolResult)
    assert status.structured_content is not None
    assert status.structured_content["entries"] >= acknowledged >= ENTRIES
    with sqlite3.connect(tmp_path / "memory/default.db") as store:
        assert store.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        store.execute("INSERT INTO words (words) VALUES ('integrity-check')")
    store.close()
