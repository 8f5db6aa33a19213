"""The proxy that this machine itself needs to reach the world, as its environment names it."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import unquote, urlsplit

import anyio
from anyio.abc import ByteStream

from codegod_kit.faults import ToolFault

_HEAD_BYTES = 16 << 10


class UpstreamRefused(Exception):
    """The machine's own proxy did not connect us."""


class BadProxySetting(ToolFault):
    """HTTPS_PROXY cannot be used. Its value may hold a password, so it is not repeated."""

    def __init__(self, scheme: str) -> None:
        super().__init__(
            f"HTTPS_PROXY (scheme {scheme!r}) is not the URL of an HTTP proxy. Set it to http://HOST:PORT or remove it."
        )
        self.scheme = scheme


@dataclass(frozen=True, slots=True)
class Upstream:
    """An HTTP proxy that is asked to CONNECT; it resolves names by itself."""

    host: str
    port: int
    tls: bool = False
    authorization: str = ""
    direct: tuple[str, ...] = ()  # hosts and domains that are reached without it

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self | None:
        """Read HTTPS_PROXY and NO_PROXY, in either case; None when there is no such proxy."""
        url = _either(environment, "https_proxy") or _either(environment, "all_proxy")
        if not url:
            return None
        parts = urlsplit(url if "//" in url else f"http://{url}")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadProxySetting(parts.scheme)
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else ""
        direct = _either(environment, "no_proxy").replace(",", " ").lower().split()
        return cls(
            host=parts.hostname,
            port=parts.port or (443 if parts.scheme == "https" else 80),
            tls=parts.scheme == "https",
            authorization=b64encode(user.encode()).decode() if user else "",
            direct=tuple(name.lstrip("*").lstrip(".") if name != "*" else name for name in direct),
        )

    def serves(self, host: str) -> bool:
        """Whether `host` is reached through this proxy."""
        return not any(name == "*" or host == name or host.endswith(f".{name}") for name in self.direct)

    async def connect(self, host: str, port: int) -> ByteStream:
        """A connection to `host` through this proxy."""
        stream: ByteStream
        if self.tls:
            stream = await anyio.connect_tcp(self.host, self.port, tls=True, tls_standard_compatible=False)
        else:
            stream = await anyio.connect_tcp(self.host, self.port)
        try:
            await self._ask(stream, host, port)
        except BaseException:
            await anyio.aclose_forcefully(stream)
            raise
        return stream

    async def _ask(self, stream: ByteStream, host: str, port: int) -> None:
        authorization = f"Proxy-Authorization: Basic {self.authorization}\r\n" if self.authorization else ""
        await stream.send(
            f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n{authorization}\r\n".encode()
        )
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            if len(head) > _HEAD_BYTES:
                raise UpstreamRefused("its answer is too long")
            head += await stream.receive(1)  # not a byte of what follows may be taken
        words = head.split(b"\r\n", 1)[0].split(b" ", 2)
        if len(words) < 2 or words[1] != b"200":
            raise UpstreamRefused(words[1].decode("ascii", "replace") if len(words) > 1 else "no HTTP answer")


def _either(environment: Mapping[str, str], name: str) -> str:
    return environment.get(name.upper(), "") or environment.get(name, "")
