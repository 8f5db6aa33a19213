"""One server, kept connected by a task of its own, so that a dying transport harms nobody else."""

import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import anyio
from mcp import Client
from mcp_types import CallToolResult, Tool

from codegod_kit import log_event, log_warning
from codegod_mesh.connect import MeshSettings, open_client
from codegod_mesh.endpoints import Endpoint
from codegod_mesh.last_words import LastWords
from codegod_mesh.wire import ConnectionLost, NoToolList, call_tool, error_result, list_tools, reason

# A server that was restarted is back in a second or two; one that cannot start is asked again every ten.
_FIRST_PAUSE_SECONDS = 0.05
_LAST_PAUSE_SECONDS = 10.0
# A connection that lasted this long was a good one; one that did not is followed by a longer pause.
_GOOD_SECONDS = 10.0
# How long a call waits for a server that is being reconnected, when the caller has that long.
_RECONNECT_WAIT_SECONDS = 10.0
# How long a caller waits to learn what the server died of.
_REASON_WAIT_SECONDS = 1.0

_Answer = TypeVar("_Answer")
_log = logging.getLogger("codegod.mesh")


class ServerDown(Exception):
    """A server of the mesh cannot be reached; `reason` is what is known of why."""

    def __init__(self, server: str, reason: str) -> None:
        super().__init__(f"The server {server!r} is down: {reason}")
        self.server = server
        self.reason = reason


class _Connection:
    """One life of a client: `broken` when it is of no use any more, `over` when the reason is known."""

    def __init__(self, client: Client, words: LastWords) -> None:
        self.client = client
        self.words = words
        self.begun = anyio.current_time()
        self.broken = anyio.Event()
        self.over = anyio.Event()
        self.reason = ""


class Link:
    """Calls one server. `run` must be running in a task beside its callers."""

    def __init__(self, endpoint: Endpoint, settings: MeshSettings) -> None:
        self.endpoint = endpoint
        self.problem = "it is still being connected"
        """Why the server is not there now; empty while it is."""
        self.connections = 0
        self._settings = settings
        self._connection: _Connection | None = None
        self._up = anyio.Event()
        self._settled = anyio.Event()
        self._stopping = anyio.Event()
        self._scope = anyio.CancelScope()

    async def run(self) -> None:
        """Connect, and connect again whenever the connection ends, until `stop`."""
        pause = _FIRST_PAUSE_SECONDS
        with self._scope:
            while not self._stopping.is_set():
                pause = next_pause(pause, lasted=await self._live_once())
                await anyio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - spreads load, hides nothing

    def stop(self) -> None:
        """Close the connection as it should be closed; calls in flight end with `ServerDown`."""
        self._stopping.set()
        if self._connection is None:
            self._scope.cancel()
        else:
            self._connection.broken.set()

    async def settled(self) -> bool:
        """Wait until the first attempt to connect has ended; whether the server is there now."""
        await self._settled.wait()
        return self._connection is not None

    async def tools(self, *, within: float) -> tuple[Tool, ...]:
        """The server's tools, or `ServerDown`."""

        async def ask(connection: _Connection) -> tuple[Tool, ...]:
            return await list_tools(connection.client)

        with anyio.move_on_after(within):
            try:
                return await self._ask(ask, within)
            except NoToolList as error:
                raise ServerDown(self.endpoint.name, f"it does not list its tools: {error}") from error
        raise ServerDown(self.endpoint.name, f"it did not list its tools within {within:g} s")

    async def call(
        self,
        tool: str,
        arguments: Mapping[str, Any],
        *,
        within: float,
        again: bool,
        meta: Mapping[str, str] | None = None,
    ) -> CallToolResult:
        """Call `tool`; `ServerDown` if the server is or goes away, after a second try when `again` allows one.

        A call that takes longer than `within`, and a refusal in the protocol, are results with `is_error`.
        """

        async def ask(connection: _Connection) -> CallToolResult:
            return await call_tool(connection.client, connection.words, tool, arguments, meta)

        with anyio.move_on_after(within):
            try:
                return await self._ask(ask, within)
            except ServerDown as error:
                if not again or self._stopping.is_set():
                    raise
                log_event(_log, "call_tried_again", server=self.endpoint.name, tool=tool, reason=error.reason)
                return await self._ask(ask, within)
        return error_result(f"`{tool}` gave no answer within {within:g} s and was stopped.")

    async def _live_once(self) -> float:
        """Be connected once; how many seconds that lasted."""
        words = LastWords()
        connection: _Connection | None = None
        ended: Exception | None = None
        try:
            async with open_client(self.endpoint, self._settings, words) as client:
                connection = self._begin(client, words)
                await connection.broken.wait()
        except Exception as error:  # noqa: BLE001 - a transport dies of whatever its library raises, in groups of groups
            ended = error
        finally:
            # Also when the mesh itself is cancelled: nobody may wait for this connection any more.
            self._end(connection, reason(ended, words))
        return 0.0 if connection is None else anyio.current_time() - connection.begun

    def _begin(self, client: Client, words: LastWords) -> _Connection:
        self._connection = connection = _Connection(client, words)
        self.connections += 1
        self.problem = ""
        self._up.set()
        self._settled.set()
        log_event(_log, "server_connected", server=self.endpoint.name, connections=self.connections)
        return connection

    def _end(self, connection: _Connection | None, why: str) -> None:
        if self._stopping.is_set():
            why = "the mesh is closed"
        elif connection is not None or why != self.problem:
            log_warning(_log, "server_down", server=self.endpoint.name, reason=why)
        self.problem = why
        self._connection = None
        self._up = anyio.Event()
        self._settled.set()
        if connection is not None:
            connection.reason = why
            connection.broken.set()
            connection.over.set()

    async def _ask(self, question: Callable[[_Connection], Awaitable[_Answer]], within: float) -> _Answer:
        """The answer to `question`, or `ServerDown` as soon as it is known that none will come."""
        connection = await self._connected(within)
        answers: list[_Answer] = []
        errors: list[Exception] = []
        async with anyio.create_task_group() as group:
            group.start_soon(_cancel_when, connection.broken, group.cancel_scope)
            try:
                answers.append(await question(connection))
            except Exception as error:  # noqa: BLE001 - carried over the edge of the group, which would wrap it
                errors.append(error)
            group.cancel_scope.cancel()
        if answers:
            return answers[0]
        failure = errors[0] if errors else ConnectionLost(whole=True)
        if isinstance(failure, ConnectionLost):
            raise await self._down(connection, failure) from failure
        raise failure

    async def _connected(self, within: float) -> _Connection:
        if self.connections:
            with anyio.move_on_after(min(within / 2, _RECONNECT_WAIT_SECONDS)):
                await self._up.wait()
        else:
            # What could not be started once will not be there in a moment: no caller waits for a second attempt.
            await self._settled.wait()
        connection = self._connection
        if connection is None or connection.broken.is_set():
            raise ServerDown(self.endpoint.name, self.problem)
        return connection

    async def _down(self, connection: _Connection, lost: ConnectionLost) -> ServerDown:
        if lost.whole:
            connection.broken.set()
            with anyio.move_on_after(_REASON_WAIT_SECONDS):
                await connection.over.wait()
        return ServerDown(self.endpoint.name, connection.reason or str(lost))


def next_pause(pause: float, *, lasted: float) -> float:
    """How long to wait before the next connection, after `pause` before one that lasted so many seconds."""
    return _FIRST_PAUSE_SECONDS if lasted >= _GOOD_SECONDS else min(pause * 2, _LAST_PAUSE_SECONDS)


async def _cancel_when(event: anyio.Event, scope: anyio.CancelScope) -> None:
    await event.wait()
    scope.cancel()
