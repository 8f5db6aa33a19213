"""What a task sees and may call, and what is written down of it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest
from mcp import Client, MCPError
from mcp.server import MCPServer
from mcp.server.lowlevel import Server
from mcp_types import ListToolsResult, PaginatedRequestParams, Tool

from codegod_kit import META_KEY
from codegod_mesh import AllocationFault, Builtin, Endpoint, ServerDown, ToolCall, View
from codegod_mesh.view import shown_name
from codegod_mesh.wire import list_tools

PROBE = Endpoint("probe", Builtin())


def spec(view: View, name: str) -> Mapping[str, Any]:
    (found,) = [tool for tool in view.tools if tool.name == name]
    return found.schema


async def test_a_view_holds_the_allocated_tools_in_order(world: Any) -> None:
    async with world.mesh(PROBE).open() as mesh:
        view = await mesh.view(world.allocation("probe.probe_w*", "probe.probe_pid", "other.*"))
    assert [(tool.name, tool.server, tool.tool) for tool in view.tools] == [
        ("probe__probe_pid", "probe", "probe_pid"),
        ("probe__probe_who", "probe", "probe_who"),
        ("probe__probe_write", "probe", "probe_write"),
    ]
    assert view.tools[1].description == "Whose grant this is."


async def test_a_pinned_argument_is_gone_from_the_schema_and_wins(world: Any) -> None:
    async with world.mesh(PROBE).open() as mesh:
        view = await mesh.view(world.allocation("probe.*", pin={"workspace": "b1/storage.2", "path": "p"}))
        result = await view.call("probe.probe_write", {"path": "x", "workspace": "/etc"})
        await view.call("probe.probe_who", {})
    assert spec(view, "probe__probe_write")["properties"] == {}
    assert spec(view, "probe__probe_write")["required"] == []
    assert result.text == "b1/storage.2:p"
    # A tool without the argument is not given it, and the record shows what was really sent.
    assert [call.arguments for call in world.kept.calls] == [{"path": "p", "workspace": "b1/storage.2"}, {}]


async def test_an_argument_that_is_not_pinned_stays(world: Any) -> None:
    async with world.mesh(PROBE).open() as mesh:
        view = await mesh.view(world.allocation("probe.*", pin={"workspace": "b1/storage.2"}))
    assert set(spec(view, "probe__probe_write")["properties"]) == {"path"}
    assert spec(view, "probe__probe_write")["required"] == ["path"]


@pytest.mark.parametrize(
    ("name", "server", "tool"),
    [
        ("probe.probe_write", "probe", "probe_write"),
        ("probe__probe_write", "probe", "probe_write"),
        ("other.thing", "other", "thing"),
        ("nonsense", "", "nonsense"),
        ("", "", ""),
    ],
)
async def test_a_tool_outside_the_view_is_refused_with_the_tools_inside(
    world: Any, name: str, server: str, tool: str
) -> None:
    async with world.mesh(PROBE).open() as mesh:
        view = await mesh.view(world.allocation("probe.probe_who", "probe.probe_pid"))
        result = await view.call(name, {"a": 1})
    assert result.is_error
    assert (
        result.text == f"There is no tool {name!r} here. The tools are: probe__probe_pid, probe__probe_who."
    )
    assert (world.kept.last.server, world.kept.last.tool, world.kept.last.is_error) == (server, tool, True)


async def test_every_call_is_recorded_with_whose_it_was(world: Any) -> None:
    before = datetime.now(UTC)
    async with world.mesh(PROBE).open() as mesh:
        view = await mesh.view(world.allocation("probe.*"))
        await view.call("probe.probe_pid", {})
        await view.call("probe.probe_fail", {})
        await view.call("probe.probe_write", {"wrong": 1})
    worked, failed, wrong = world.kept.calls
    assert (worked.build, worked.task, worked.attempt) == ("b1", "storage", "storage.2")
    assert (worked.server, worked.tool, worked.is_error) == ("probe", "probe_pid", False)
    assert worked.data is not None
    assert worked.text == str(worked.data["result"])
    assert before <= worked.started <= datetime.now(UTC)
    assert 0 < worked.seconds < 30
    assert (failed.is_error, failed.text, failed.data) == (True, "There is no such thing.", None)
    assert "no argument 'wrong'" in wrong.text


async def test_a_call_is_recorded_before_its_result_is_handed_on(world: Any) -> None:
    class Refusing:
        async def tool_called(self, call: ToolCall) -> None:
            raise OSError("the disk is full")

    async with world.mesh(PROBE, recorder=Refusing()).open() as mesh:
        view = await mesh.view(world.allocation("probe.*"))
        with pytest.raises(OSError, match="disk is full"):
            await view.call("probe.probe_pid", {})


async def test_a_call_that_was_cancelled_is_recorded(world: Any) -> None:
    async with world.mesh(PROBE).open() as mesh:
        view = await mesh.view(world.allocation("probe.*"))
        with anyio.move_on_after(0.1):
            await view.call("probe.probe_hang", {})
    assert world.kept.last.is_error
    assert "whether it had an effect is not known" in world.kept.last.text


async def test_a_call_has_its_time_and_no_more(world: Any) -> None:
    async with world.mesh(PROBE).open() as mesh:
        view = await mesh.view(world.allocation("probe.*"))
        with anyio.fail_after(5):
            result = await view.call("probe.probe_hang", {}, within=0.1)
    assert result.is_error
    assert result.text == "`probe_hang` gave no answer within 0.1 s and was stopped."
    assert world.kept.last.text == result.text


async def test_calls_run_beside_each_other(world: Any) -> None:
    async with world.mesh(PROBE).open() as mesh:
        view = await mesh.view(world.allocation("probe.*"))
        async with anyio.create_task_group() as group:
            group.start_soon(view.call, "probe.probe_hang", {})
            await anyio.wait_all_tasks_blocked()
            assert (await view.call("probe.probe_who", {})).text == "storage.2"
            group.cancel_scope.cancel()


async def test_too_many_tools_are_refused(world: Any) -> None:
    async with world.mesh(PROBE).open() as mesh:
        with pytest.raises(AllocationFault, match="3 at most"):
            await mesh.view(world.allocation("probe.*", max_tools=3))


def _open_server(name: str) -> MCPServer[Any]:
    server: MCPServer[Any] = MCPServer(name, log_level="ERROR")

    @server.tool(name="a.b", structured_output=False)
    def dotted() -> str:
        """A name that models cannot say."""
        return "dotted"

    @server.tool(name="a_b", structured_output=False)
    def plain() -> str:
        """A name that it must not fall together with."""
        return "plain"

    return server


async def test_a_server_object_may_be_an_endpoint_and_odd_names_stay_apart(world: Any) -> None:
    async with world.mesh(Endpoint("odd", _open_server("odd"))).open() as mesh:
        view = await mesh.view(world.allocation("odd.*"))
        answers = [(await view.call(tool.name, {})).text for tool in view.tools]
        qualified = (await view.call("odd.a.b", {})).text
    assert answers == ["dotted", "plain"]
    assert qualified == "dotted"


@pytest.mark.parametrize(
    ("server", "tool"),
    [("s", "t"), ("sandbox", "file_read_many"), ("s" * 32, "t" * 128), ("a", "b/c"), ("a", "é")],
)
def test_a_shown_name_suits_every_provider(server: str, tool: str) -> None:
    name = shown_name(server, tool)
    assert 1 <= len(name) <= 64
    assert all(char.isascii() and (char.isalnum() or char in "_-") for char in name)


def test_long_names_that_begin_alike_stay_apart() -> None:
    assert shown_name("s", "t" * 100 + "a") != shown_name("s", "t" * 100 + "b")
    assert shown_name("s", "a.b") != shown_name("s", "a_b")


async def test_all_pages_of_a_list_are_read() -> None:
    async def page(_: Any, params: PaginatedRequestParams | None) -> ListToolsResult:
        number = int((params and params.cursor) or 0)
        tool = Tool(name=f"tool_{number}", input_schema={"type": "object"})
        return ListToolsResult(tools=[tool], next_cursor=str(number + 1) if number < 4 else None)

    async with Client(Server("paged", on_list_tools=page)) as client:
        tools = await list_tools(client)
    assert [tool.name for tool in tools] == [f"tool_{number}" for number in range(5)]


async def test_a_list_without_an_end_is_cut_off() -> None:
    async def page(_: Any, params: PaginatedRequestParams | None) -> ListToolsResult:
        number = int((params and params.cursor) or 0)
        tool = Tool(name=f"tool_{number}", input_schema={"type": "object"})
        return ListToolsResult(tools=[tool], next_cursor=str(number + 1))

    async with Client(Server("endless", on_list_tools=page)) as client:
        with anyio.fail_after(10):
            assert len(await list_tools(client)) == 100


async def test_a_server_without_tools_has_none() -> None:
    async with Client(Server("toolless")) as client:
        assert await list_tools(client) == ()


def _odd(tools: list[Tool]) -> Server[Any]:
    async def page(_: Any, params: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=tools)

    return Server("odd", on_list_tools=page)


async def test_odd_schemas_of_somebody_else_are_shown_as_far_as_they_go(world: Any) -> None:
    tools = [
        Tool(name="bare", input_schema={"type": "object"}),
        Tool(name="null", input_schema={"type": "object", "properties": None, "required": "x"}),
        Tool(name="wordy", description="w" * 100_000, input_schema={"type": "object"}),
    ]
    async with world.mesh(Endpoint("odd", _odd(tools)), PROBE).open() as mesh:
        view = await mesh.view(world.allocation("*", pin={"workspace": "w"}))
    assert spec(view, "odd__bare")["properties"] == {}
    assert spec(view, "odd__null")["properties"] == {}
    assert max(len(tool.description) for tool in view.tools) == 4000


async def test_somebody_elses_server_that_cannot_list_is_left_out(world: Any) -> None:
    async def page(_: Any, params: PaginatedRequestParams | None) -> ListToolsResult:
        raise MCPError(-32099, "out to lunch")

    async with world.mesh(Endpoint("odd", Server("odd", on_list_tools=page)), PROBE).open() as mesh:
        view = await mesh.view(world.allocation("*"))
        assert {tool.server for tool in view.tools} == {"probe"}
        with pytest.raises(ServerDown, match="does not list its tools: out to lunch"):
            await mesh.servers["odd"].tools(within=5)


async def test_the_token_of_a_view_is_never_recorded(world: Any) -> None:
    async with world.mesh(PROBE).open() as mesh:
        view = await mesh.view(world.allocation("probe.*"))
        await view.call("probe.probe_who", {})
    assert META_KEY not in json.dumps([str(call) for call in world.kept.calls])
    assert "." in (token := world.issuer.issue(world.allocation("x").grant))
    assert token.split(".")[1] not in str(world.kept.calls)
