"""Thinking in steps, as a host or a build does it."""

import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
import uvicorn
from mcp.client import Client
from mcp_types import CallToolResult, Implementation, TextContent

from codegod_kit import META_KEY, Grant, GrantIssuer, GrantVerifier, ServerSettings
from codegod_kit.http import http_app
from codegod_kit.options import HttpAddress
from codegod_thinking.server import build_server

Think = Callable[..., Awaitable[CallToolResult]]


def said(result: CallToolResult) -> str:
    """The text of a result."""
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


def data(result: CallToolResult) -> dict[str, Any]:
    """The structure of a result that worked; its text says the same."""
    assert not result.is_error, said(result)
    structure = dict(result.structured_content or {})
    assert json.loads(said(result)) == structure
    return structure


def thinking(client: Client) -> Think:
    """A short way to call the tool: `think("text", 2, 3)`, the rest by the tool's own names."""

    async def think(
        thought: str, number: Any, total: Any = 5, more: Any = True, meta: Any = None, **rest: Any
    ) -> CallToolResult:
        arguments = {
            "thought": thought,
            "nextThoughtNeeded": more,
            "thoughtNumber": number,
            "totalThoughts": total,
            **rest,
        }
        with anyio.fail_after(10):
            return await client.call_tool("sequentialthinking", arguments, meta=meta)

    return think


@pytest.fixture
def settings(tmp_path: Path) -> ServerSettings:
    return ServerSettings(tmp_path, tmp_path)


@pytest.fixture
async def client(settings: ServerSettings) -> AsyncIterator[Client]:
    async with Client(build_server(settings)) as connected:
        yield connected


@pytest.fixture
def think(client: Client) -> Think:
    return thinking(client)


async def review(client: Client, **arguments: Any) -> dict[str, Any]:
    return data(await client.call_tool("thinking_review", arguments))


async def test_the_tool_is_the_reference_servers_by_name_arguments_and_result(
    client: Client, think: Think
) -> None:
    tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert set(tools) == {"sequentialthinking", "thinking_review"}
    schema = tools["sequentialthinking"].input_schema
    assert {name: field["type"] for name, field in schema["properties"].items()} == {
        "thought": "string",
        "nextThoughtNeeded": "boolean",
        "thoughtNumber": "integer",
        "totalThoughts": "integer",
        "isRevision": "boolean",
        "revisesThought": "integer",
        "branchFromThought": "integer",
        "branchId": "string",
        "needsMoreThoughts": "boolean",
    }
    assert set(schema["required"]) == {"thought", "nextThoughtNeeded", "thoughtNumber", "totalThoughts"}
    assert data(await think("First", 1, 3)) == {
        "thoughtNumber": 1,
        "totalThoughts": 3,
        "nextThoughtNeeded": True,
        "branches": [],
        "thoughtHistoryLength": 1,
    }


async def test_both_tools_are_allocated_as_read_only(client: Client) -> None:
    for tool in (await client.list_tools()).tools:
        assert tool.annotations is not None
        assert (tool.annotations.read_only_hint, tool.annotations.open_world_hint) == (True, False)


async def test_a_number_beyond_the_total_raises_the_total(think: Think) -> None:
    assert data(await think("x", 1, 1))["totalThoughts"] == 1
    assert data(await think("y", 2, 1))["totalThoughts"] == 2


async def test_words_for_numbers_and_truth_are_understood(think: Think) -> None:
    result = await think("x", "1", "4", "false", isRevision="false", branchId=None, revisesThought=None)
    assert '"nextThoughtNeeded": false' in said(result)
    assert data(result)["totalThoughts"] == 4


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"thoughtNumber": 0}, "thoughtNumber"),
        ({"thoughtNumber": -1}, "thoughtNumber"),
        ({"totalThoughts": 10**30}, "totalThoughts"),
        ({"thoughtNumber": 1.5}, "thoughtNumber"),
        ({"nextThoughtNeeded": "perhaps"}, "nextThoughtNeeded"),
        ({"thought": " \n "}, "empty"),
        ({"thought": "x" * 10_000_000}, "thought"),
        ({"branchId": "b" * 100}, "branchId"),
        ({"thought_number": 1}, "thought_number"),
    ],
)
async def test_wrong_arguments_are_named(client: Client, arguments: dict[str, Any], word: str) -> None:
    good = {"thought": "x", "nextThoughtNeeded": True, "thoughtNumber": 1, "totalThoughts": 1}
    result = await client.call_tool("sequentialthinking", {**good, **arguments})
    assert result.is_error
    assert word in said(result)
    assert len(said(result)) < 1000


async def test_a_chain_reads_in_order_with_its_revisions_and_branches(client: Client, think: Think) -> None:
    await think("Store in memory", 1)
    await think("Serve it over HTTP", 2)
    await think("It must survive a restart:\nstore in SQLite", 3, isRevision=True, revisesThought=1)
    await think("Or in files", 2, branchFromThought=1, branchId="files")
    await think("Files are hard to query", 3, branchId="files", branchFromThought=1)
    result = data(await think("SQLite it is", 4, 4, False, needsMoreThoughts=True))
    assert (result["branches"], result["thoughtHistoryLength"]) == (["files"], 6)
    assert await review(client) == {
        "thoughts": 6,
        "finished": True,
        "branches": ["files"],
        "revised": [1],
        "next_cursor": "",
        "text": (
            "1. (revised later) Store in memory\n"
            "2. Serve it over HTTP\n"
            "3. (revises 1) It must survive a restart:\n"
            "   store in SQLite\n"
            "4. (more thoughts needed) SQLite it is\n"
            "\n"
            "Branch 'files', from thought 1:\n"
            "  2. Or in files\n"
            "  3. Files are hard to query\n"
        ),
    }


async def test_there_is_nothing_to_review_at_first(client: Client) -> None:
    result = await client.call_tool("thinking_review", {})
    assert result.is_error
    assert "`sequentialthinking`" in said(result)


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        ({"isRevision": True, "revisesThought": 99}, ["revisesThought is 99", "1-2"]),
        ({"revisesThought": 99}, ["revisesThought is 99"]),
        ({"isRevision": True}, ["revisesThought is missing"]),
        ({"branchFromThought": 77, "branchId": "b"}, ["branchFromThought is 77", "1-2"]),
        ({"branchFromThought": 1}, ["branchId is missing"]),
        ({"branchId": "nowhere"}, ["'nowhere'", "branchFromThought"]),
    ],
)
async def test_what_refers_to_nothing_is_refused_and_not_kept(
    client: Client, think: Think, rest: dict[str, Any], words: list[str]
) -> None:
    await think("one", 1)
    await think("two", 2)
    result = await think("three", 3, **rest)
    assert result.is_error
    assert [word for word in words if word not in said(result)] == []
    assert (await review(client))["thoughts"] == 2


async def test_a_number_is_not_used_twice_except_to_revise(think: Think) -> None:
    await think("x", 1)
    result = await think("y", 1)
    assert result.is_error
    assert "exists already" in said(result)
    assert "thoughtNumber 2" in said(result)
    assert data(await think("y", 1, isRevision=True, revisesThought=1))["thoughtHistoryLength"] == 2
    assert data(await think("z", 1, branchFromThought=1, branchId="b"))["thoughtHistoryLength"] == 3


async def test_saying_the_same_thought_again_changes_nothing(think: Think) -> None:
    first = data(await think("x", 1))
    assert data(await think("x", 1)) == first
    last = data(await think("done", 2, more=False))
    assert data(await think("done", 2, more=False)) == last


async def test_a_finished_chain_is_followed_by_a_new_one_or_goes_on(client: Client, think: Think) -> None:
    await think("x", 1)
    await think("done", 2, more=False)
    assert data(await think("not yet", 3, more=False))["thoughtHistoryLength"] == 3
    assert data(await think("another matter", 1))["thoughtHistoryLength"] == 1
    assert (await review(client))["text"] == "1. another matter\n"


@pytest.mark.parametrize("branch", ["__proto__", "constructor", "__class__", "toString", "a b", "…"])
async def test_any_name_is_a_branch_name_also_in_the_first_thought(think: Think, branch: str) -> None:
    result = data(await think("x", 1, 2, branchFromThought=1, branchId=branch))
    assert (result["branches"], result["thoughtHistoryLength"]) == ([branch], 1)


async def test_terminal_characters_do_not_leave_the_server(
    client: Client, think: Think, capfd: pytest.CaptureFixture[str]
) -> None:
    await think("\x1b]0;pwn\x07red\u202e", 1, more=False)
    assert "]0;pwnred" in (await review(client))["text"]
    assert "\x1b" not in (await review(client))["text"]
    assert "pwn" not in capfd.readouterr().err


async def test_a_chain_has_an_end_in_number_and_a_new_one_can_begin(client: Client, think: Think) -> None:
    for number in range(1, 501):
        result = await think("x", number)
    assert data(result)["thoughtHistoryLength"] == 500
    refused = await think("x", 501)
    assert refused.is_error
    assert "full" in said(refused)
    assert data(await think("What I concluded", 1))["thoughtHistoryLength"] == 1


async def test_a_chain_has_an_end_in_size_and_its_review_comes_in_pieces(
    client: Client, think: Think
) -> None:
    started = time.monotonic()
    for number in range(1, 60):
        result = await think(f"{number} " + "x" * 50_000, number)
    assert result.is_error
    assert "full" in said(result)
    pieces, cursor = [], ""
    while True:
        part = await review(client, cursor=cursor)
        pieces.append(part["text"])
        if not (cursor := part["next_cursor"]):
            break
    assert len("".join(pieces)) < 600_000
    assert time.monotonic() - started < 10


async def test_branches_have_an_end_and_an_answer_stays_short(think: Think) -> None:
    await think("x", 1)
    for number in range(100):
        result = await think("y", 2, branchFromThought=1, branchId=f"branch {number} {'x' * 50}")
        assert len(said(result)) < 5000
    assert result.is_error
    assert "32 branches" in said(result)


async def test_two_connections_do_not_share_their_thoughts(settings: ServerSettings) -> None:
    server = build_server(settings)
    async with Client(server) as one, Client(server) as other:
        await thinking(one)("secret", 1)
        assert data(await thinking(other)("mine", 1))["thoughtHistoryLength"] == 1
        assert "secret" not in (await review(other))["text"]
        assert (await review(one))["text"] == "1. secret\n"


async def test_the_tasks_of_a_build_share_one_chain_and_no_other_build_sees_it(tmp_path: Path) -> None:
    issuer = GrantIssuer.new()
    settings = ServerSettings(tmp_path, tmp_path, verifier=GrantVerifier(issuer.public_key))

    def meta(build: str, task: str) -> dict[str, Any]:
        grant = Grant(
            build=build, task=task, attempt=f"{task}.1", tools=("thinking.*",), deadline=time.time() + 60
        )
        return {META_KEY: issuer.issue(grant)}

    server = build_server(settings)
    async with Client(server) as one:
        await thinking(one)("planned", 1, meta=meta("b1", "plan"))
    async with Client(server) as other:
        result = await thinking(other)("went on", 2, meta=meta("b1", "api"))
        assert data(result)["thoughtHistoryLength"] == 2
        result = await thinking(other)("elsewhere", 1, meta=meta("b2", "plan"))
        assert data(result)["thoughtHistoryLength"] == 1
        assert (await thinking(other)("no grant", 1)).is_error


@pytest.fixture
async def url(settings: ServerSettings) -> AsyncIterator[str]:
    """The server over HTTP, on a port of its own."""
    server = _Quiet(
        uvicorn.Config(
            http_app(build_server(settings), HttpAddress("127.0.0.1", 0, "", ())),
            port=0,
            log_config=None,
            timeout_graceful_shutdown=1,
        )
    )
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.serve)
        with anyio.fail_after(10):
            await server.up.wait()
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/mcp"
        server.should_exit = True


class _Quiet(uvicorn.Server):
    """Says when it listens, and leaves the signals to pytest."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = anyio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def test_two_sessions_over_http_do_not_share_their_thoughts(url: str) -> None:
    async with Client(url, mode="legacy") as one, Client(url, mode="legacy") as other:
        await thinking(one)("secret", 1)
        assert data(await thinking(one)("more", 2))["thoughtHistoryLength"] == 2
        assert data(await thinking(other)("mine", 1))["thoughtHistoryLength"] == 1


async def test_over_http_without_sessions_a_client_is_known_by_its_name(url: str) -> None:
    async with (
        Client(url, client_info=Implementation(name="one", version="1")) as one,
        Client(url, client_info=Implementation(name="other", version="1")) as other,
    ):
        await thinking(one)("secret", 1)
        assert data(await thinking(one)("more", 2))["thoughtHistoryLength"] == 2
        assert data(await thinking(other)("mine", 1))["thoughtHistoryLength"] == 1
