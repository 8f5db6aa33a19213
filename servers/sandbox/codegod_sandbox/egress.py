"""The only way out of a sandbox: a proxy that connects to named hosts, on port 443, and records whom it refused.

It speaks CONNECT and nothing else, so that what passes is encrypted end to end. A host is resolved once and the
address that was checked is the one that is dialled.
"""

import asyncio
import hmac
import logging
import os
import re
import secrets
import socket
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import anyio
from anyio.abc import ByteStream

from codegod_kit.logs import log_event
from codegod_sandbox.addresses import forbidden, is_literal
from codegod_sandbox.socket_stream import serve
from codegod_sandbox.upstream import Upstream, UpstreamRefused

PORT: Final = 443
SOCKET_NAME: Final = "egress.sock"
_USER: Final = "codegod"
_HEAD_BYTES = 8 << 10  # a CONNECT request is a few hundred bytes
_HEAD_SECONDS = 10
_CONNECT_SECONDS = 20
_IDLE_SECONDS = 120  # an index that sends nothing for so long is not going to
_CONNECTIONS = 64  # at once; uv opens fifty
_REMEMBERED = 50  # refusals that are told by name
_CHUNK_BYTES = 1 << 16
_REQUEST = re.compile(rb"CONNECT ([\x21-\x7e]{1,300}) HTTP/1\.[01]")
_LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_log = logging.getLogger("codegod.sandbox.egress")


class Network(Protocol):
    """How the proxy reaches the world."""

    async def resolve(self, host: str, port: int) -> list[str]:
        """The addresses of `host`, best first."""
        ...

    async def connect(self, address: str, port: int) -> ByteStream:
        """A connection to an address."""
        ...


class SystemNetwork:
    """The machine's own resolver and routes."""

    async def resolve(self, host: str, port: int) -> list[str]:
        """The addresses of `host`, best first."""
        found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(place[0]) for *_, place in found))

    async def connect(self, address: str, port: int) -> ByteStream:
        """A connection to an address."""
        return await anyio.connect_tcp(address, port)


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """Which hosts a run may reach, and how they are reached."""

    hosts: frozenset[str]
    upstream: Upstream | None = None  # the proxy that this machine itself needs
    network: Network = field(default_factory=SystemNetwork)


class _Refused(Exception):
    """A request that is not passed on; the message is what the client is told."""

    def __init__(self, status: int, reason: str, target: str = "") -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.target = target


@dataclass(slots=True)
class EgressProxy:
    """One run's proxy."""

    policy: EgressPolicy
    port: int = 0  # on loopback; 0: it listens on a Unix socket
    token: str = ""  # what a client must know; on a Unix socket the file's mode decides
    refused: dict[str, str] = field(default_factory=dict)  # target -> why

    @property
    def url(self) -> str:
        """The proxy as clients are told, when it listens on loopback."""
        return f"http://{_USER}:{self.token}@127.0.0.1:{self.port}"

    async def handle(self, client: ByteStream) -> None:
        """Serve one connection; whatever a client or a server does ends with it."""
        async with aclosing(client):
            try:
                await self._serve(client)
            except (OSError, anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
                return

    async def _serve(self, client: ByteStream) -> None:
        try:
            with anyio.fail_after(_HEAD_SECONDS):
                host, port = self._wanted(await _head(client))
            server = await self._connect(host, port)
        except _Refused as refusal:
            self._remember(refusal)
            await client.send(_answer(refusal.status, refusal.reason))
            return
        async with aclosing(server):
            await client.send(b"HTTP/1.1 200 OK\r\n\r\n")
            await _join(client, server)

    def _wanted(self, head: bytes) -> tuple[str, int]:
        first, *headers = head.split(b"\r\n")
        if self.token and not self._knows_token(headers):
            raise _Refused(407, "the proxy's password is wrong")
        if b"\0" in head:
            raise _Refused(400, "not a request")
        match = _REQUEST.fullmatch(first)
        if match is None:
            raise _Refused(405, "only CONNECT is served", first.decode("ascii", "replace")[:200])
        target = match.group(1).decode()
        host, _, port = target.rpartition(":")
        name = host.lower().removesuffix(".")
        if is_literal(name) or host.startswith("["):
            raise _Refused(403, "addresses are not served, only names", target)
        if not _HOST.fullmatch(name):
            raise _Refused(400, "not a host name", target)
        if port != str(PORT):
            raise _Refused(403, f"only port {PORT} is served", target)
        if name not in self.policy.hosts:
            raise _Refused(403, "not a host of the configured package indexes", name)
        return name, PORT

    def _knows_token(self, headers: list[bytes]) -> bool:
        wanted = b"Basic " + b64encode(f"{_USER}:{self.token}".encode())
        given = [
            value.strip()
            for name, _, value in (line.partition(b":") for line in headers)
            if name.lower() == b"proxy-authorization"
        ]
        return any(hmac.compare_digest(value, wanted) for value in given)

    async def _connect(self, host: str, port: int) -> ByteStream:
        upstream = self.policy.upstream
        try:
            with anyio.fail_after(_CONNECT_SECONDS):
                if upstream is not None and upstream.serves(host):
                    return await upstream.connect(host, port)
                return await self._dial(host, port)
        except (
            OSError,
            TimeoutError,
            UpstreamRefused,
            anyio.EndOfStream,
            anyio.BrokenResourceError,
        ) as error:
            raise _Refused(502, f"no connection: {type(error).__name__}: {error}"[:200], host) from error

    async def _dial(self, host: str, port: int) -> ByteStream:
        problem = "it has no address"
        for address in await self.policy.network.resolve(host, port):
            problem = forbidden(address)
            if not problem:
                return await self.policy.network.connect(address, port)
            problem = f"it resolves to {problem}"
        raise _Refused(403, problem, host)

    def _remember(self, refusal: _Refused) -> None:
        log_event(_log, "egress_refused", level=logging.WARNING, target=refusal.target, reason=refusal.reason)
        if refusal.target and len(self.refused) < _REMEMBERED:
            self.refused[refusal.target] = refusal.reason


@asynccontextmanager
async def open_proxy(policy: EgressPolicy, folder: Path | None = None) -> AsyncIterator[EgressProxy]:
    """A proxy for one run: on a socket in `folder`, which only that run can reach, or on loopback with a password."""
    if folder is None:
        ours = socket.create_server(("127.0.0.1", 0))
        proxy = EgressProxy(policy, ours.getsockname()[1], secrets.token_urlsafe(24))
    else:
        ours = _unix_socket(folder)
        proxy = EgressProxy(policy)
    ours.setblocking(False)
    with ours:
        # Not a task group of this context: it would wrap whatever fails inside the context in a group.
        serving = asyncio.create_task(serve(ours, proxy.handle, at_once=_CONNECTIONS))
        try:
            yield proxy
        finally:
            serving.cancel()
            with anyio.CancelScope(shield=True):
                await asyncio.wait([serving])
    if not serving.cancelled():
        serving.result()


def _unix_socket(folder: Path) -> socket.socket:
    ours = socket.socket(socket.AF_UNIX)
    # A socket's path may have 107 bytes, the state folder's any number: reach it through a descriptor.
    place = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        ours.bind(f"/proc/self/fd/{place}/{SOCKET_NAME}")
    finally:
        os.close(place)
    (folder / SOCKET_NAME).chmod(0o666)  # the folder itself is the run's own
    ours.listen(_CONNECTIONS)
    return ours


async def _head(client: ByteStream) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head:
        if len(head) > _HEAD_BYTES:
            raise _Refused(431, "the request is too long")
        head += await client.receive(_CHUNK_BYTES)
    head, _, early = head.partition(b"\r\n\r\n")
    if early:  # a second request hidden behind the first; TLS waits for our answer
        raise _Refused(400, "bytes after the request")
    return head


async def _join(client: ByteStream, server: ByteStream) -> None:
    """Carry bytes both ways until one side ends or both are silent for too long."""
    with anyio.move_on_after(_IDLE_SECONDS) as idle:
        async with anyio.create_task_group() as tasks:

            async def carry(source: ByteStream, sink: ByteStream) -> None:
                try:
                    async for chunk in source:
                        idle.deadline = anyio.current_time() + _IDLE_SECONDS
                        await sink.send(chunk)
                except (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
                    pass  # a side that breaks ends the connection as one that closes does
                tasks.cancel_scope.cancel()

            tasks.start_soon(carry, client, server)
            tasks.start_soon(carry, server, client)


def _answer(status: int, reason: str) -> bytes:
    body = f"{reason}\n".encode()
    challenge = 'Proxy-Authenticate: Basic realm="codegod"\r\n' if status == 407 else ""
    head = (
        f"HTTP/1.1 {status} Refused\r\nContent-Type: text/plain\r\n{challenge}Content-Length: {len(body)}\r\n"
    )
    return head.encode() + b"Connection: close\r\n\r\n" + body
