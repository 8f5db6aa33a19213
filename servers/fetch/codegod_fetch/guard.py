"""The one way out: every connection is made here, to an address that was checked, and to no other.

A name is resolved once per connection. The address that was checked is the one connected to, so a name that changes its
mind in between (DNS rebinding) changes nothing. TLS and the Host header keep the name.
"""

import ipaddress
import socket
import typing
from collections.abc import Awaitable, Callable, Iterable, Sequence

import anyio
import httpcore

from codegod_fetch.address import why_not_public
from codegod_fetch.faults import AddressRefused, BadAllowance, BadUrl, PortRefused, UnknownHost
from codegod_fetch.target import Target

# Where public pages are; everything else is somebody's database or mail server.
PORTS = (80, 443, 8080, 8443)
# More addresses than this are not tried: the download has one time limit for all of them.
_ADDRESSES_TRIED = 4

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
Exempt = frozenset[tuple[str, int]]


def read_allowance(text: str) -> Exempt:
    """The host:port pairs that `text` (CODEGOD_FETCH_ALLOW) exempts; raises `BadAllowance`."""
    return frozenset(_pair(entry) for entry in text.replace(",", " ").split())


def _pair(entry: str) -> tuple[str, int]:
    try:
        target = Target.parse(f"http://{entry}/")
    except BadUrl as error:
        raise BadAllowance(entry) from error
    if target.path != "/" or not entry.endswith(f":{target.port}"):
        raise BadAllowance(entry)
    return target.host, target.port


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of `host` as this machine sees them."""
    try:
        found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UnknownHost(host) from error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to public addresses and to exempt pairs; raises a `FetchFault` for everything else."""

    def __init__(self, exempt: Exempt, resolve: Resolve, connect: httpcore.AsyncNetworkBackend) -> None:
        self._exempt = exempt
        self._resolve = resolve
        self._connect = connect

    def require_port(self, host: str, port: int) -> None:
        """Raise `PortRefused` unless pages may be fetched from `port` of `host`."""
        if port not in PORTS and (host, port) not in self._exempt:
            raise PortRefused(host, port, PORTS)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        self.require_port(host, port)
        addresses = await self._checked(host, port)
        failure: Exception = UnknownHost(host)
        for address in addresses[:_ADDRESSES_TRIED]:
            try:
                return await self._connect.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def connect_unix_socket(self, *_: typing.Any, **__: typing.Any) -> httpcore.AsyncNetworkStream:
        raise NotImplementedError("pages are not fetched from sockets of this machine")

    async def sleep(self, seconds: float) -> None:
        await self._connect.sleep(seconds)

    async def _checked(self, host: str, port: int) -> Sequence[str]:
        addresses = [host] if _is_address(host) else await self._resolve(host, port)
        if (host, port) not in self._exempt:
            for address in addresses:
                # One bad address among good ones is a trap, not a mistake.
                if kind := why_not_public(address) or _why_not_elsewhere(address, port):
                    raise AddressRefused(host, port, kind)
        return addresses


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _why_not_elsewhere(address: str, port: int) -> str:
    """A public address may still be this very machine's. Asking for a route sends nothing."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, port))
            own = str(probe.getsockname()[0])
    except OSError:
        return ""  # No route: the connection itself will say so.
    return "this machine" if own == address else ""
