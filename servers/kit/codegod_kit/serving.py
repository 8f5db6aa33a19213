"""An MCP server as Code-God serves it: grants checked, arguments checked, results bounded, every call logged."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from functools import cache
from importlib.metadata import version
from typing import Any

import anyio
from mcp.server import MCPServer
from mcp.server.caching import CacheHint
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, CallToolResult, InputRequiredResult, Tool
from pydantic import ValidationError
from pydantic_core import to_json

from codegod_kit.call_faults import CallTookTooLong, InvalidArguments, ResultTooLarge, UnknownArguments
from codegod_kit.faults import ToolFault
from codegod_kit.grant import (
    META_KEY,
    ForgedGrant,
    Grant,
    GrantRefused,
    GrantVerifier,
    MissingGrant,
    ToolNotGranted,
    current_grant,
    holding,
)
from codegod_kit.logs import log_event
from codegod_kit.running import run_server
from codegod_kit.settings import ServerSettings

__all__ = ["RESULT_LIMIT_BYTES", "ServerSettings", "current_grant", "run_server", "tool_server"]

# A quarter of the 1 MiB that the SDK's HTTP client takes in one event, and about as much as a large model can read.
RESULT_LIMIT_BYTES = 256 * 1024
# Arguments by which a tool of ours gives less, in the order in which an error proposes them.
_PAGING = ("cursor", "offset", "limit", "first_line", "last_line", "max_results", "depth", "paths", "path")

_Lifespan = Callable[[MCPServer[Any]], AbstractAsyncContextManager[Any]]
_log = logging.getLogger("codegod.server")


def tool_server(
    name: str, settings: ServerSettings, *, instructions: str, lifespan: _Lifespan | None = None
) -> MCPServer[Any]:
    """A server called `codegod-<name>`, whose tools grants call `<name>.<tool>`; add them with `@server.tool`."""
    return _ToolServer(name.removeprefix("codegod-"), settings.verifier, instructions, lifespan)


class _ToolServer(MCPServer[Any]):
    def __init__(
        self, short: str, verifier: GrantVerifier | None, instructions: str, lifespan: _Lifespan | None
    ) -> None:
        self._short = short
        self._verifier = verifier
        with _root_logger_kept():
            super().__init__(
                f"codegod-{short}",
                instructions=instructions,
                version=_version(),
                lifespan=lifespan,
                log_level="WARNING",
                middleware=[self._list_granted],
                # The list depends on the caller's grant, so nobody may hand it on to another caller.
                cache_hints={"tools/list": CacheHint(ttl_ms=0, scope="private")},
            )

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Run one tool under the request's grant; refusals and faults are `ToolError`s that a model can act on."""
        started = time.monotonic()
        outcome = "cancelled"
        grant: Grant | None = None
        try:
            grant = self._demand_grant(context)
            tool = await self._find(name, grant)
            _require_known(tool, arguments)
            result = await self._in_time(grant, name, arguments, context)
            _require_bounded(tool, result)
            outcome = "ok"
        except (ToolError, MCPError) as error:
            outcome = type(error).__name__
            raise
        finally:
            self._log_call(name, grant, outcome, time.monotonic() - started)
        return result

    def _demand_grant(self, context: Context[Any, Any] | None) -> Grant | None:
        if self._verifier is None:
            return None
        token = None if context is None else _token(context.request_context.params)
        if token is None:
            raise MissingGrant
        return self._verifier.verify(token)

    async def _find(self, name: str, grant: Grant | None) -> Tool:
        tools = {tool.name: tool for tool in await self.list_tools()}
        available = tuple(known for known in tools if self._allowed(known, grant))
        if name not in tools:
            names = ", ".join(available)
            raise MCPError(INVALID_PARAMS, f"There is no tool {name!r}. The tools here are: {names}.")
        if name not in available:
            raise ToolNotGranted(name, available)
        return tools[name]

    async def _in_time(
        self, grant: Grant | None, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None
    ) -> CallToolResult | InputRequiredResult:
        if grant is None or self._verifier is None:
            return await self._run(name, arguments, context)
        with (
            holding(grant, self._verifier.clock),
            anyio.move_on_after(self._verifier.seconds_left(grant)) as scope,
        ):
            result = await self._run(name, arguments, context)
        # A sync tool cannot be interrupted; what it says after its time is not an answer any more.
        if scope.cancelled_caught or self._verifier.seconds_left(grant) <= 0:
            raise CallTookTooLong(name, grant.attempt)
        return result

    async def _run(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None
    ) -> CallToolResult | InputRequiredResult:
        try:
            return await super().call_tool(name, arguments, context)
        except UnexpectedToolError:
            raise
        except ToolError as error:
            if isinstance(error.__cause__, ValidationError):
                raise InvalidArguments(name, error.__cause__) from error
            if isinstance(error.__cause__, ToolFault):
                # Without the SDK's "Error executing tool": the fault's own words are the answer.
                raise error.__cause__ from None
            raise

    def _allowed(self, tool: str, grant: Grant | None) -> bool:
        return grant is None or grant.allows(self._short, tool)

    async def _list_granted(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Middleware: who sends a grant with `tools/list` sees the tools of that grant."""
        result = await call_next(ctx)
        if ctx.method != "tools/list" or self._verifier is None:
            return result
        if not isinstance(result, dict):
            raise TypeError(f"tools/list came back as {type(result).__name__}, not in its wire form")
        try:
            token = _token(ctx.params)
            grant = None if token is None else self._verifier.verify(token)
        except GrantRefused as error:
            raise MCPError(INVALID_PARAMS, str(error)) from error
        return {**result, "tools": [tool for tool in result["tools"] if self._allowed(tool["name"], grant)]}

    def _log_call(self, tool: str, grant: Grant | None, outcome: str, seconds: float) -> None:
        task = {} if grant is None else {"build": grant.build, "task": grant.task, "attempt": grant.attempt}
        log_event(
            _log,
            "tool_called",
            server=self._short,
            tool=tool,
            outcome=outcome,
            seconds=round(seconds, 4),
            **task,
        )


def _token(params: Mapping[str, Any] | None) -> str | None:
    meta = (params or {}).get("_meta")
    token = meta.get(META_KEY) if isinstance(meta, Mapping) else None
    if token is not None and not isinstance(token, str):
        raise ForgedGrant("it is not text")
    return token


def _require_known(tool: Tool, arguments: Mapping[str, Any]) -> None:
    known = tool.input_schema.get("properties", {})
    unknown = [name for name in arguments if name not in known]
    if unknown:
        raise UnknownArguments(tool.name, unknown, known)


def _require_bounded(tool: Tool, result: CallToolResult | InputRequiredResult) -> None:
    size = len(to_json(result, by_alias=True, exclude_none=True))
    if size > RESULT_LIMIT_BYTES:
        arguments = tool.input_schema.get("properties", {})
        raise ResultTooLarge(
            tool.name, size, RESULT_LIMIT_BYTES, [name for name in _PAGING if name in arguments]
        )


@contextmanager
def _root_logger_kept() -> Iterator[None]:
    """The SDK sets up the root logger when a server is made; in somebody else's process that is not ours to do."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


@cache
def _version() -> str:
    return version("codegod")
