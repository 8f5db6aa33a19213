"""What the kit does around every tool, seen through the protocol."""

import json
import logging
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from mcp import MCPError
from mcp_types import CallToolResult

from codegod_kit import META_KEY, GrantIssuer, ServerSettings, tool_server
from codegod_kit.logs import JsonFormatter

Said = Callable[[CallToolResult], str]


async def test_a_server_tells_its_name_and_version(demo: Any) -> None:
    async with demo.client(granted=False) as client:
        assert client.server_info.name == "codegod-demo"
        assert client.server_info.version
        assert client.instructions == "For tests."


async def test_an_unknown_tool_is_a_protocol_error_that_names_the_tools(demo: Any) -> None:
    async with demo.client(granted=False) as client:
        with pytest.raises(MCPError) as caught:
            await client.call_tool("demo_shout", {"wrong": 1})
    assert caught.value.code == -32602
    assert "'demo_shout'" in str(caught.value)
    assert "demo_repeat, demo_list" in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"txt": "a"}, "`demo_repeat` has no argument 'txt'. Its arguments are `text`, `times`."),
        ({"text": "a", "workspace": "w"}, "has no argument 'workspace'"),
        ({}, "`text`: Field required"),
        ({"text": "a", "times": "often"}, "`times`: Input should be a valid integer"),
    ],
)
async def test_wrong_arguments_are_named(
    demo: Any, said: Said, arguments: dict[str, Any], words: str
) -> None:
    async with demo.client(granted=False) as client:
        result = await client.call_tool("demo_repeat", arguments)
    assert result.is_error
    assert words in said(result)
    assert "pydantic" not in said(result)


async def test_arguments_written_as_text_are_understood(demo: Any, said: Said) -> None:
    async with demo.client(granted=False) as client:
        result = await client.call_tool("demo_repeat", {"text": "ab", "times": "3"})
    assert said(result) == "ababab"


async def test_a_fault_reaches_the_model_in_its_own_words(demo: Any, said: Said) -> None:
    async with demo.client(granted=False) as client:
        result = await client.call_tool("demo_fail", {})
    assert result.is_error
    assert said(result) == "There is no 'x'. Call `demo_list`."


async def test_a_crash_keeps_its_words_to_itself(demo: Any, said: Said) -> None:
    async with demo.client(granted=False) as client:
        result = await client.call_tool("demo_crash", {})
    assert result.is_error
    assert "secret" not in said(result)


async def test_a_result_that_is_too_large_names_the_paging_arguments(demo: Any, said: Said) -> None:
    async with demo.client(granted=False) as client:
        result = await client.call_tool("demo_list", {})
    assert result.is_error
    assert "262144 is the most. Ask for less with `cursor`, `limit`." in said(result)
    assert len(said(result)) < 500


async def test_a_result_just_below_the_limit_passes(demo: Any, said: Said) -> None:
    async with demo.client(granted=False) as client:
        result = await client.call_tool("demo_repeat", {"text": "x", "times": 262_000})
    assert not result.is_error
    assert len(said(result)) == 262_000


async def test_an_error_is_never_as_long_as_what_it_complains_of(demo: Any, said: Said) -> None:
    long = "x" * 1_000_000
    async with demo.client(granted=False) as client:
        fault = await client.call_tool("demo_echo_fault", {"text": long})
        unknown = await client.call_tool("demo_echo_fault", {long: 1})
        numbers = await client.call_tool("demo_numbers", {"numbers": ["x"] * 10_000})
        with pytest.raises(MCPError) as caught:
            await client.call_tool(long, {})
    for result in (fault, unknown, numbers):
        assert result.is_error
        assert len(said(result)) < 9000
    assert "more characters]" in said(fault)
    assert "`numbers.0`" in said(numbers)
    assert len(str(caught.value)) < 1000


async def test_a_resource_needs_a_grant_too(demo: Any) -> None:
    async with demo.client(granted=True) as client:
        with pytest.raises(MCPError, match="demands a grant"):
            await client.read_resource("demo://secret")
        with pytest.raises(MCPError, match="ended"):
            await client.read_resource("demo://secret", meta=demo.meta(deadline=1.0))
        result = await client.read_resource("demo://secret", meta=demo.meta())
        assert result.contents[0].text == "secret"
    async with demo.client(granted=False) as client:
        assert (await client.read_resource("demo://secret")).contents[0].text == "secret"


async def test_without_a_key_nothing_is_demanded(demo: Any, said: Said) -> None:
    async with demo.client(granted=False) as client:
        result = await client.call_tool("demo_who_async", {}, meta=demo.meta())
    assert said(result) == "None"


async def test_the_grant_is_known_in_async_and_in_sync_tools(demo: Any, said: Said) -> None:
    async with demo.client(granted=True) as client:
        assert said(await client.call_tool("demo_who_async", {}, meta=demo.meta())) == "storage.2"
        assert said(await client.call_tool("demo_who", {}, meta=demo.meta())) == "storage.2 in thread True"


async def test_calls_at_the_same_time_keep_their_own_grants(demo: Any, said: Said) -> None:
    answers: dict[str, str] = {}

    async def ask(client: Any, attempt: str) -> None:
        answers[attempt] = said(await client.call_tool("demo_who", {}, meta=demo.meta(attempt=attempt)))

    async with demo.client(granted=True) as client, anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(ask, client, f"t.{number}")
    assert answers == {f"t.{number}": f"t.{number} in thread True" for number in range(20)}


async def test_a_call_without_a_grant_is_refused(demo: Any, said: Said) -> None:
    async with demo.client(granted=True) as client:
        result = await client.call_tool("demo_who_async", {})
    assert result.is_error
    assert "demands a grant" in said(result)


@pytest.mark.parametrize("token", ["", "junk", 5, {"a": 1}, None])
async def test_a_call_with_something_else_for_a_grant_is_refused(demo: Any, said: Said, token: Any) -> None:
    async with demo.client(granted=True) as client:
        result = await client.call_tool("demo_who_async", {}, meta={META_KEY: token})
    assert result.is_error
    assert "grant" in said(result)


async def test_a_forged_grant_is_refused(demo: Any, said: Said) -> None:
    forged = GrantIssuer.new().issue(demo.grant())
    async with demo.client(granted=True) as client:
        result = await client.call_tool("demo_who_async", {}, meta={META_KEY: forged})
    assert result.is_error
    assert "signature is not the orchestrator's" in said(result)


async def test_an_expired_grant_is_refused(demo: Any, said: Said) -> None:
    async with demo.client(granted=True) as client:
        result = await client.call_tool("demo_who_async", {}, meta=demo.meta(deadline=1.0))
    assert result.is_error
    assert "'storage.2' ended" in said(result)


async def test_a_tool_outside_the_grant_is_refused_with_the_tools_inside(demo: Any, said: Said) -> None:
    meta = demo.meta(tools=("demo.demo_who*", "git.*"))
    async with demo.client(granted=True) as client:
        result = await client.call_tool("demo_repeat", {"text": "a"}, meta=meta)
    assert result.is_error
    assert said(result).endswith("Use one of: demo_who, demo_who_async.")


async def test_an_unknown_tool_names_only_granted_ones(demo: Any) -> None:
    async with demo.client(granted=True) as client:
        with pytest.raises(MCPError, match=r"The tools here are: demo_who, demo_who_async\."):
            await client.call_tool("nope", {}, meta=demo.meta(tools=("demo.demo_who*",)))


async def test_a_list_with_a_grant_holds_the_tools_of_that_grant(demo: Any) -> None:
    async with demo.client(granted=True) as client:
        everything = await client.list_tools()
        mine = await client.list_tools(meta=demo.meta(tools=("demo.demo_who*",)))
    assert len(everything.tools) > 5
    assert [tool.name for tool in mine.tools] == ["demo_who", "demo_who_async"]
    assert mine.cache_scope == everything.cache_scope == "private"
    assert mine.ttl_ms == 0


async def test_a_list_with_a_bad_grant_is_an_error(demo: Any) -> None:
    async with demo.client(granted=True) as client:
        with pytest.raises(MCPError, match="refused"):
            await client.list_tools(meta={META_KEY: "junk"})


async def test_a_call_ends_with_its_grant(demo: Any, said: Said) -> None:
    start = anyio.current_time()
    # The server's clock runs with the event loop's: the grant has 0.2 s left.
    async with demo.client(granted=True, clock=lambda: anyio.current_time() - start) as client:
        with anyio.fail_after(5):
            result = await client.call_tool("demo_sleep", {}, meta=demo.meta(deadline=0.2))
    assert result.is_error
    assert said(result) == "`demo_sleep` was stopped: the time of attempt 'storage.2' is over."


async def test_what_a_sync_tool_says_after_its_time_is_no_answer(demo: Any, said: Said) -> None:
    ticks = iter([0.0, 0.0])
    async with demo.client(granted=True, clock=lambda: next(ticks, 99.0)) as client:
        result = await client.call_tool("demo_block", {"seconds": 0.01}, meta=demo.meta(deadline=50.0))
    assert result.is_error
    assert "is over" in said(result)


async def test_every_call_is_logged_with_fields_and_without_its_grant(
    demo: Any, caplog: pytest.LogCaptureFixture
) -> None:
    meta = demo.meta()
    with caplog.at_level(logging.INFO, "codegod.server"):
        async with demo.client(granted=True) as client:
            await client.call_tool("demo_repeat", {"text": "private"}, meta=meta)
            await client.call_tool("demo_repeat", {"text": "private"})
    lines = [
        json.loads(JsonFormatter().format(record))
        for record in caplog.records
        if record.name == "codegod.server"
    ]
    assert [line["outcome"] for line in lines] == ["ok", "MissingGrant"]
    assert {"server": "demo", "tool": "demo_repeat", "attempt": "storage.2"}.items() <= lines[0].items()
    assert "private" not in str(lines)
    assert meta[META_KEY] not in str(lines)


async def test_a_name_with_our_prefix_is_the_same_server(demo: Any) -> None:
    server = tool_server("codegod-git", ServerSettings(demo.root, demo.root), instructions="")
    assert server.name == "codegod-git"


def test_making_a_server_leaves_the_root_logger_alone(demo: Any) -> None:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    tool_server("x", ServerSettings(demo.root, demo.root), instructions="")
    assert (root.handlers, root.level) == before
