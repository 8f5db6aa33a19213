"""The two questions that the mesh asks a server, and what the SDK's many failures mean."""

from collections.abc import Mapping
from typing import Any

from mcp import Client, MCPError
from mcp_types import CONNECTION_CLOSED, INTERNAL_ERROR, METHOD_NOT_FOUND, CallToolResult, TextContent, Tool
from pydantic import ValidationError

from codegod_mesh.last_words import LastWords

# A server whose last page never comes is broken; 100 pages are more tools than a model can be shown.
_PAGES_LIMIT = 100
# The SDK gives these with codes that mean other things too, so their words have to be looked at.
_CLOSED = "Connection closed"
_FORGOTTEN = "Session terminated"
_CUT = "SSE stream ended"


class ConnectionLost(Exception):
    """The answer will never come; `whole` says whether the connection went with it."""

    def __init__(self, *, whole: bool) -> None:
        super().__init__(_CLOSED if whole else _CUT)
        self.whole = whole


async def call_tool(
    client: Client, words: LastWords, tool: str, arguments: Mapping[str, Any], meta: Mapping[str, str] | None
) -> CallToolResult:
    """Call `tool`; a refusal in the protocol and an answer against it become results with `is_error`."""
    # The SDK's type for _meta admits only the keys that the specification names.
    extra: Any = None if meta is None else dict(meta)
    try:
        return await client.call_tool(tool, dict(arguments), meta=extra)
    except MCPError as error:
        _raise_if_lost(error)
        said = f" ({words})" if error.code == INTERNAL_ERROR and str(words) else ""
        return error_result(f"{error.message}{said}")
    except (RuntimeError, ValidationError) as error:
        # The SDK's client raises these for answers that are not what the tool's own schema promises.
        return error_result(f"`{tool}` gave an answer that cannot be read: {error}")


class NoToolList(Exception):
    """The server is there, and its list of tools cannot be had."""


async def list_tools(client: Client) -> tuple[Tool, ...]:
    """The tools on all pages; none for a server that serves none, `NoToolList` for one that cannot say."""
    tools: list[Tool] = []
    cursor: str | None = None
    for _ in range(_PAGES_LIMIT):
        try:
            page = await client.list_tools(cursor=cursor, cache_mode="bypass")
        except MCPError as error:
            _raise_if_lost(error)
            if error.code == METHOD_NOT_FOUND:
                return ()
            raise NoToolList(error.message) from error
        except (RuntimeError, ValidationError) as error:
            raise NoToolList(str(error)) from error
        tools += page.tools
        cursor = page.next_cursor
        if cursor is None:
            break
    return tuple(tools)


def error_result(text: str) -> CallToolResult:
    """A result that says what went wrong."""
    return CallToolResult(is_error=True, content=[TextContent(type="text", text=text)])


def reason(error: Exception | None, words: LastWords) -> str:
    """Why a connection ended, in one line and what the server itself said last."""
    first: BaseException | None = error
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    told = "it closed the connection" if first is None else f"{type(first).__name__}: {first}"
    said = str(words)
    return f"{told}; it last said:\n{said}" if said else told


def _raise_if_lost(error: MCPError) -> None:
    if error.message == _FORGOTTEN or (error.code == CONNECTION_CLOSED and error.message == _CLOSED):
        raise ConnectionLost(whole=True) from error
    if error.code == CONNECTION_CLOSED and error.message.startswith(_CUT):
        raise ConnectionLost(whole=False) from error
