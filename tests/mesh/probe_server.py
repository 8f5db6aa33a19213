"""A server like ours, which the tests install under the name `probe` and reach in every way there is."""

import os
import signal
from pathlib import Path
from typing import Any

import anyio
from mcp.server import MCPServer
from mcp_types import ToolAnnotations

from codegod_kit import ServerSettings, ToolFault, current_grant, tool_server

READS = ToolAnnotations(read_only_hint=True)
AGAIN = ToolAnnotations(idempotent_hint=True)


def create(settings: ServerSettings) -> MCPServer[Any]:
    """The probe."""
    server = tool_server("probe", settings, instructions="For tests.")

    @server.tool(annotations=READS)
    def probe_pid() -> int:
        """The number of the process that serves."""
        return os.getpid()

    @server.tool(annotations=READS, structured_output=False)
    def probe_who() -> str:
        """Whose grant this is."""
        grant = current_grant()
        return "nobody" if grant is None else grant.attempt

    @server.tool(structured_output=False)
    def probe_write(path: str, workspace: str = "") -> str:
        """Say where something would be written."""
        return f"{workspace}:{path}"

    @server.tool(structured_output=False)
    def probe_environment(name: str) -> str:
        """A variable that the server was told of."""
        return settings.environment.get(name, "unset")

    @server.tool(structured_output=False)
    def probe_fail() -> str:
        """Fail as foreseen."""
        raise ToolFault("There is no such thing.")

    @server.tool(structured_output=False)
    async def probe_hang() -> str:
        """Never answer."""
        await anyio.sleep_forever()
        raise AssertionError

    @server.tool(structured_output=False)
    def probe_die(words: str) -> str:
        """Die in the middle of the call."""
        return _die(words)

    @server.tool(annotations=AGAIN, structured_output=False)
    def probe_die_once(marker: str) -> str:
        """Die in the first call, answer in the second."""
        if Path(marker).exists():
            return "survived"
        Path(marker).touch()
        return _die("first time")

    return server


def broken(settings: ServerSettings) -> MCPServer[Any]:
    """A server that cannot be made."""
    raise RuntimeError("no such library")


def _die(words: str) -> str:
    os.write(2, f"{words}\n".encode())
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError
