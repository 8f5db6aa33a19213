"""A server with a tool for each thing that the kit does around tools; also run as a child by the tests."""

import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from mcp.server import MCPServer

from codegod_kit import (
    Flag,
    ServerSettings,
    ToolFault,
    UsageFault,
    Workspaces,
    current_grant,
    require_write,
    run_server,
    seconds_left,
    tool_server,
)

FLAG = Flag("--greeting", "DEMO_GREETING", "what demo_greet says")


@asynccontextmanager
async def _lifespan(_: MCPServer[Any]) -> AsyncIterator[None]:
    try:
        yield
    finally:
        sys.stderr.write("lifespan left\n")


def create(settings: ServerSettings) -> MCPServer[Any]:
    """The demo server."""
    if settings.environment.get("DEMO_BROKEN"):
        raise UsageFault("DEMO_BROKEN is set")
    server = tool_server("demo", settings, instructions="For tests.", lifespan=_lifespan)
    workspaces = Workspaces(settings)

    @server.tool(structured_output=False)
    def demo_repeat(text: str, times: int = 1) -> str:
        """Repeat a text."""
        return text * times

    @server.tool(structured_output=False)
    def demo_list(cursor: str = "", limit: int = 10) -> str:
        """Too much, whatever the limit."""
        return "x" * 300_000

    @server.tool(structured_output=False)
    def demo_greet() -> str:
        """What the command line says."""
        return settings.environment.get("DEMO_GREETING", "hello")

    @server.tool(structured_output=False)
    def demo_who() -> str:
        """Whose grant a sync tool runs under, and where."""
        grant = current_grant()
        return (
            f"{grant and grant.attempt} in thread {threading.current_thread() is not threading.main_thread()}"
        )

    @server.tool(structured_output=False)
    async def demo_who_async() -> str:
        """Whose grant an async tool runs under."""
        grant = current_grant()
        return f"{grant and grant.attempt}"

    @server.tool(structured_output=False)
    async def demo_sleep() -> str:
        """Never answer."""
        await anyio.sleep_forever()
        raise AssertionError

    @server.tool(structured_output=False)
    def demo_block(seconds: float) -> str:
        """Block a thread, no longer than the grant allows."""
        threading.Event().wait(seconds)
        return f"{seconds_left(60):.0f}"

    @server.tool(structured_output=False)
    def demo_fail() -> str:
        """Fail as foreseen."""
        raise ToolFault("There is no 'x'. Call `demo_list`.")

    @server.tool(structured_output=False)
    def demo_echo_fault(text: str) -> str:
        """Fail, and say what was said."""
        raise ToolFault(f"No {text!r} here.")

    @server.tool(structured_output=False)
    def demo_numbers(numbers: list[int]) -> int:
        """Add numbers up."""
        return sum(numbers)

    @server.resource("demo://secret")
    def secret() -> str:
        """What only a granted caller may read."""
        return "secret"

    @server.tool(structured_output=False)
    def demo_crash() -> str:
        """Fail as not foreseen."""
        raise RuntimeError("secret detail")

    @server.tool(structured_output=False)
    def demo_path(workspace: str = "", write: str = "") -> str:
        """Where a workspace lies."""
        if write:
            require_write(write)
        return str(workspaces.path(workspace))

    return server


if __name__ == "__main__":
    sys.exit(run_server("demo", create, flags=[FLAG]))
