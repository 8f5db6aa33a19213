"""A web of one machine: names and addresses of our own, and a connector that reaches nothing but the fixture."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import anyio
import httpcore
import pytest
from mcp.client import Client
from mcp_types import CallToolResult, TextContent

from codegod_fetch.faults import UnknownHost
from codegod_fetch.limits import Limits
from codegod_fetch.server import build_server
from codegod_kit import ServerSettings

# An address that is public by every rule; the connector takes it to the fixture.
PUBLIC = "93.184.216.34"

Reply = bytes | Callable[[str, asyncio.StreamWriter], Awaitable[None]]


def page(
    body: bytes | str,
    content_type: str = "text/html",
    status: str = "200 OK",
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """A whole HTTP response."""
    data = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(data)}", "Connection: close"]
    if content_type:
        lines.append(f"Content-Type: {content_type}")
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode() + data


def redirect(location: str, status: str = "302 Found") -> bytes:
    """A response that leads on."""
    return page("", "", status, {"Location": location})


@dataclass
class Site:
    """An HTTP server on loopback that answers from `replies` and keeps what it was asked."""

    replies: dict[str, Reply] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    port: int = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def close(self) -> None:
        """End the replies that never end by themselves."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def paths(self) -> list[str]:
        """What was asked for, without robots.txt."""
        return [path for path, _ in self.asked if path != "/robots.txt"]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if task := asyncio.current_task():
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.rstrip().split("\r\n")
            path = first.split()[1]
            headers = {
                name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
            }
            self.asked.append((path, headers))
            reply = (
                self.replies.get(path)
                or self.replies.get(urlsplit(path).path)
                or page("", "", "404 Not Found")
            )
            if callable(reply):
                await reply(path, writer)
            else:
                writer.write(reply)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()


class Connector(httpcore.AsyncNetworkBackend):
    """Leads every loopback address and the public one to the fixture, whatever the port; any other is refused."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._inner = httpcore.AnyIOBackend()
        self.reached: list[tuple[str, int]] = []

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        self.reached.append((host, port))
        address = ip_address(host)
        mapped = getattr(address, "ipv4_mapped", None)
        if host != PUBLIC and not (mapped or address).is_loopback:
            raise httpcore.ConnectError(f"the tests reach no {host}")
        return await self._inner.connect_tcp("127.0.0.1", self._port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)


@dataclass
class Names:
    """A name server: each look-up of a name takes the next of its answers, and stays with the last."""

    answers: dict[str, list[Sequence[str]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        left = self.answers.get(host, [[PUBLIC]] if host.endswith(".test") else [])
        if not left:
            raise UnknownHost(host)
        return left.pop(0) if len(left) > 1 else left[0]


@dataclass
class Web:
    """The fixture, its names, and a client of a fetch server that sees nothing else."""

    site: Site
    names: Names
    connector: Connector
    client: Client
    seconds: list[float]
    """The server's clock stands at the sum."""

    async def call(self, tool: str, **arguments: Any) -> CallToolResult:
        with anyio.fail_after(30):
            return await self.client.call_tool(tool, arguments)

    async def page(self, url: str, **arguments: Any) -> dict[str, Any]:
        return data(await self.call("fetch_page", url=url, **arguments))


class OpenWeb(Protocol):
    """Opens a web whose fetch server has this certificate, these limits and this environment, in which PORT is the fixture's."""

    def __call__(
        self, tls: ssl.SSLContext | None = None, limits: Limits | None = None, **environment: str
    ) -> AbstractAsyncContextManager["Web"]: ...


def said(result: CallToolResult) -> str:
    """The text of a result."""
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


def data(result: CallToolResult) -> dict[str, Any]:
    """The structure of a result that worked; its text says the same."""
    assert not result.is_error, said(result)
    assert result.structured_content is not None
    structure = dict(result.structured_content)
    assert json.loads(said(result)) == structure
    return structure


@pytest.fixture
def open_web(tmp_path: Path) -> OpenWeb:
    @asynccontextmanager
    async def opened(
        tls: ssl.SSLContext | None = None, limits: Limits | None = None, **environment: str
    ) -> AsyncIterator[Web]:
        site, names, seconds = Site(), Names(), [0.0]
        server = await asyncio.start_server(site.serve, "127.0.0.1", 0, ssl=tls)
        site.port = server.sockets[0].getsockname()[1]
        connector = Connector(site.port)
        settings = ServerSettings(
            tmp_path,
            tmp_path,
            environment={name: text.replace("PORT", str(site.port)) for name, text in environment.items()},
        )
        fetch = build_server(
            settings,
            limits=limits,
            clock=lambda: sum(seconds),
            resolve_names=names.resolve,
            connect=connector,
        )
        async with server, Client(fetch) as client:
            try:
                yield Web(site, names, connector, client, seconds)
            finally:
                await site.close()

    return opened


@pytest.fixture
async def web(open_web: OpenWeb) -> AsyncIterator[Web]:
    """A web where `http://site.test/` and every other name under .test is the fixture."""
    async with open_web() as opened:
        yield opened
