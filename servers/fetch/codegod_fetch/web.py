"""One GET request: guarded, bounded in bytes on the wire and unpacked, without cookies, credentials or proxies."""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property

import certifi
import httpcore

from codegod_fetch.faults import BodyTooLarge, NotReached, UnknownEncoding
from codegod_fetch.guard import GuardedNetwork
from codegod_fetch.inflate import BadPacking, inflater
from codegod_fetch.target import Target

AGENT = "codegod-fetch"
_HEADERS: Mapping[bytes | str, bytes | str] = {
    "User-Agent": f"{AGENT} (Model Context Protocol server)",
    "Accept": "text/markdown, text/html;q=0.9, application/json;q=0.9, text/plain;q=0.8, */*;q=0.1",
    "Accept-Language": "en, *;q=0.5",
    "Accept-Encoding": "gzip, deflate",
}
# Each step; all of them together have the download's own limit.
_STEP_SECONDS = {"connect": 8.0, "read": 10.0, "write": 8.0, "pool": 8.0}
_HTTP_FAILURES = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException)


@dataclass(frozen=True, slots=True)
class Response:
    """What a server answered. `headers` have lower-case names; `body` is unpacked."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Web:
    """Requests over one guarded network. Holds no connection: `visit` does, for as long as it lasts."""

    network: GuardedNetwork
    certificates: tuple[str | None, str | None] = (None, None)
    """A file and a folder of certificate authorities, as SSL_CERT_FILE and SSL_CERT_DIR name them."""

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        file, folder = self.certificates
        if file or folder:
            return ssl.create_default_context(cafile=file, capath=folder)
        return ssl.create_default_context(cafile=certifi.where())

    @asynccontextmanager
    async def visit(self) -> AsyncIterator["Visit"]:
        """A few requests that belong together, e.g. a page, its redirects and their robots.txt."""
        async with httpcore.AsyncConnectionPool(
            ssl_context=self._tls, max_connections=1, network_backend=self.network
        ) as pool:
            yield Visit(self.network, pool)


@dataclass(frozen=True, slots=True)
class Visit:
    """An open connection, kept while the next request goes to the same place."""

    network: GuardedNetwork
    pool: httpcore.AsyncConnectionPool

    async def get(self, target: Target, *, limit: int, cut: bool = False) -> Response:
        """The answer at `target`. A body of more than `limit` bytes is a fault, or is cut there when `cut`."""
        self.network.require_port(target.host, target.port)
        # In parts: nobody takes the address apart a second time, and differently.
        url = httpcore.URL(
            scheme=target.scheme.encode(),
            host=target.host.encode(),
            port=target.port,
            target=target.path.encode(),
        )
        headers_sent = {"Host": target.authority, **_HEADERS}
        try:
            async with self.pool.stream(
                "GET", url, headers=headers_sent, extensions={"timeout": _STEP_SECONDS}
            ) as answer:
                headers = {name.decode("latin-1").lower(): _text(value) for name, value in answer.headers}
                body = await _body(target, headers, answer, limit, cut=cut)
                return Response(answer.status, headers, body)
        except _HTTP_FAILURES as error:
            raise NotReached(target.origin, _reason(error)) from error


async def _body(
    target: Target, headers: Mapping[str, str], answer: httpcore.Response, limit: int, *, cut: bool
) -> bytes:
    body = bytearray()
    received = 0
    try:
        packing = inflater(headers.get("content-encoding", ""))
        async for piece in answer.aiter_stream():
            received += len(piece)
            body += packing.feed(piece, limit + 1 - len(body))
            if max(len(body), received) > limit:
                if cut:
                    return bytes(body[:limit])
                raise BodyTooLarge(target.origin, limit)
        packing.finish()
    except BadPacking as error:
        raise UnknownEncoding(target.origin) from error
    return bytes(body)


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _reason(error: Exception) -> str:
    """Our words for what went wrong: the library's may quote the server."""
    if isinstance(error.__cause__, ssl.SSLError) or isinstance(error.__context__, ssl.SSLError):
        return "its certificate or its encryption is not in order"
    if isinstance(error, httpcore.TimeoutException):
        return "it did not answer in time"
    if isinstance(error, httpcore.ProtocolError):
        return "it does not speak proper HTTP"
    return "the connection failed"
