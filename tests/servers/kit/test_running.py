"""A server as a program: its transports, and how it ends."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult

# Starts processes or installs packages in most of its tests: the everyday suite stays below two minutes without.
pytestmark = pytest.mark.long

Said = Callable[[CallToolResult], str]
TOKEN = "t" * 40


def key_of(demo: Any) -> str:
    return base64.b64encode(demo.issuer.public_key).decode()


@asynccontextmanager
async def child(demo: Any, *argv: str, mode: str = "auto", log: Path | None = None) -> AsyncIterator[Client]:
    arguments = [str(demo.program), "--root", str(demo.root), *argv]
    program = StdioServerParameters(
        command=sys.executable, args=arguments, env={"CODEGOD_GRANT_KEY": key_of(demo)}
    )
    with (log or Path(os.devnull)).open("w", encoding="utf-8") as stream:
        async with Client(stdio_client(program, stream), mode=mode) as client:
            yield client


@asynccontextmanager
async def web(demo: Any, *argv: str, **environment: str) -> AsyncIterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = start(demo, "--http", f"127.0.0.1:{port}", *argv, **environment)
    base = f"http://127.0.0.1:{port}"
    try:
        async with httpx2.AsyncClient() as http:
            with anyio.fail_after(20):
                while not await answers(http, base):
                    assert process.poll() is None
                    await anyio.sleep(0.05)
        yield base
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) in (130, -signal.SIGTERM)


def start(demo: Any, *argv: str, **environment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, str(demo.program), "--root", str(demo.root), *argv],
        env={**os.environ, "CODEGOD_GRANT_KEY": key_of(demo), **environment},
        stderr=subprocess.DEVNULL,
    )


async def answers(http: httpx2.AsyncClient, base: str) -> bool:
    try:
        return (await http.get(f"{base}/health")).text == '{"status":"ok"}'
    except httpx2.ConnectError:
        return False


@pytest.mark.parametrize(
    ("argv", "mode", "version"),
    [
        ([], "auto", "2026-07-28"),
        ([], "legacy", "2025-11-25"),
        (["--protocol", "legacy"], "auto", "2025-11-25"),
    ],
)
async def test_grants_are_checked_on_stdio(
    demo: Any, said: Said, argv: list[str], mode: str, version: str
) -> None:
    async with child(demo, *argv, mode=mode) as client:
        assert client.protocol_version == version
        refused = await client.call_tool("demo_who", {})
        allowed = await client.call_tool("demo_who", {}, meta=demo.meta())
        listed = await client.list_tools(meta=demo.meta(tools=("demo.demo_who",)))
    assert refused.is_error
    assert said(allowed) == "storage.2 in thread True"
    assert [tool.name for tool in listed.tools] == ["demo_who"]


async def test_a_child_logs_json_lines_without_grants(demo: Any, tmp_path: Path) -> None:
    meta = demo.meta()
    async with child(demo, log=tmp_path / "log") as client:
        await client.call_tool("demo_repeat", {"text": "private"}, meta=meta)
    text = (tmp_path / "log").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert [line["event"] for line in lines] == ["tool_called"]
    assert "private" not in text
    assert next(iter(meta.values())) not in text
    assert text.endswith("lifespan left\n")


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_http_demands_the_token_and_checks_grants(demo: Any, said: Said, mode: str) -> None:
    async with web(demo, CODEGOD_TOKEN=TOKEN) as base:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with httpx2.AsyncClient() as http:
            for wrong in ({}, {"Authorization": TOKEN}, {"Authorization": f"Bearer {TOKEN}x"}):
                answer = await http.post(f"{base}/mcp", json={}, headers=wrong)
                assert answer.status_code == 401
            foreign = await http.post(f"{base}/mcp", json={}, headers={**headers, "Host": "evil.example"})
            assert foreign.status_code == 421
            browser = await http.post(
                f"{base}/mcp", json={}, headers={**headers, "Origin": "http://evil.example"}
            )
            assert browser.status_code == 403
        async with (
            httpx2.AsyncClient(headers=headers) as http,
            Client(streamable_http_client(f"{base}/mcp", http_client=http), mode=mode) as client,
        ):
            refused = await client.call_tool("demo_who", {})
            allowed = await client.call_tool("demo_who", {}, meta=demo.meta())
            listed = await client.list_tools(meta=demo.meta(tools=("demo.demo_who",)))
    assert refused.is_error
    assert "demands a grant" in said(refused)
    assert said(allowed) == "storage.2 in thread True"
    assert [tool.name for tool in listed.tools] == ["demo_who"]


async def test_an_allowed_host_is_answered(demo: Any) -> None:
    async with web(demo, "--allowed-host", "git:*") as base, httpx2.AsyncClient() as http:
        answer = await http.post(f"{base}/mcp", json={}, headers={"Host": "git:80"})
        assert answer.status_code not in (401, 421)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent differently there")
def test_a_signal_ends_a_waiting_child_quietly(demo: Any, number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, str(demo.program), "--root", str(demo.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin and process.stdout
    process.stdin.write(
        '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18",'
        '"capabilities":{},"clientInfo":{"name":"t","version":"1"}}}\n'
    )
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["result"]["serverInfo"]["name"] == "codegod-demo"
    process.send_signal(number)
    # Its stdin stays open: a host that sends a signal need not close it first.
    assert process.wait(10) == 130
    assert process.stderr and process.stderr.read() == "lifespan left\n"
    for stream in (process.stdin, process.stdout, process.stderr):
        stream.close()


@pytest.mark.parametrize(
    ("argv", "environment", "words"),
    [
        (["--http", "0.0.0.0:1"], {}, "codegod-demo: --http '0.0.0.0:1' is not loopback"),
        (["--nonsense"], {}, "codegod-demo: unrecognized arguments: --nonsense"),
        ([], {"DEMO_BROKEN": "1"}, "codegod-demo: DEMO_BROKEN is set"),
    ],
)
def test_a_wrong_start_is_one_line_and_exit_status_2(
    demo: Any, argv: list[str], environment: dict[str, str], words: str
) -> None:
    ended = subprocess.run(
        [sys.executable, str(demo.program), *argv],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith(words)
    assert ended.stderr.count("\n") == 1


async def test_a_servers_own_flag_reaches_it(demo: Any, said: Said) -> None:
    async with child(demo, "--greeting", "good morning") as client:
        assert said(await client.call_tool("demo_greet", {}, meta=demo.meta())) == "good morning"
