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

from codegod_kit.call_checks import (
    FAULT_LIMIT_CHARS,
    RESULT_LIMIT_BYTES,
    CallTookTooLong,
    FaultTooLong,
    InvalidArguments,
    require_bounded,
    require_known,
)
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

# What a server with a grant key answers to nobody without a grant, beside its tools.
_GUARDED_METHODS = frozenset({"resources/read", "resources/subscribe", "prompts/get", "subscriptions/listen"})
_NAME_SHOWN_CHARS = 100

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
                middleware=[self._check_request],
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
            require_known(tool, arguments)
            result = await self._in_time(grant, name, arguments, context)
            require_bounded(tool, result)
            outcome = "ok"
        except (ToolError, MCPError) as error:
            outcome = type(error).__name__
            if isinstance(error, ToolError) and len(str(error)) > FAULT_LIMIT_CHARS:
                raise FaultTooLong(str(error)) from error
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
            shown = name[:_NAME_SHOWN_CHARS]
            raise MCPError(INVALID_PARAMS, f"There is no tool {shown!r}. The tools here are: {names}.")
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

    async def _check_request(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Middleware: what is no tool needs a grant too, and `tools/list` shows the tools of the one that comes."""
        if self._verifier is None or ctx.method not in (*_GUARDED_METHODS, "tools/list"):
            return await call_next(ctx)
        try:
            token = _token(ctx.params)
            if token is None and ctx.method in _GUARDED_METHODS:
                raise MissingGrant
            grant = None if token is None else self._verifier.verify(token)
        except GrantRefused as error:
            raise MCPError(INVALID_PARAMS, str(error)) from error
        result = await call_next(ctx)
        if ctx.method != "tools/list" or not isinstance(result, dict):
            return result
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
