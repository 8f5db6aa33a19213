"""What is to be fetched: an address taken apart once, by one parser, so that nobody later reads it differently."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Self

import httpx
import idna

from codegod_fetch.faults import BadRedirect, BadUrl

# Browsers and servers agree on about this much.
_URL_LIMIT_CHARS = 2048
_FORBIDDEN = re.compile(r"[\s\\\x00-\x1f\x7f]")
_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LAST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Target:
    """One page: `host` is an ASCII name or an IP address in its usual form, without brackets."""

    scheme: str
    host: str
    port: int
    path: str
    """Path and query, percent-encoded."""

    @classmethod
    def parse(cls, url: str) -> Self:
        """The parts of `url`, which must be a plain http or https address; raises `BadUrl`."""
        if len(url) > _URL_LIMIT_CHARS:
            raise BadUrl(url, f"it is longer than {_URL_LIMIT_CHARS} characters")
        if _FORBIDDEN.search(url):
            raise BadUrl(url, "it has a space, a backslash or a control character in it")
        try:
            parsed = httpx.URL(url)
        except (httpx.InvalidURL, idna.IDNAError) as error:
            raise BadUrl(url, "it is not an address") from error
        if parsed.scheme not in _DEFAULT_PORTS:
            raise BadUrl(url, "it is neither http nor https")
        if parsed.userinfo:
            raise BadUrl(url, "it has a user name or a password in it")
        port = _DEFAULT_PORTS[parsed.scheme] if parsed.port is None else parsed.port
        if not 0 < port <= _LAST_PORT:
            raise BadUrl(url, "its port is out of range")
        return cls(parsed.scheme, _host(url, parsed), port, parsed.raw_path.decode("ascii"))

    def join(self, reference: str) -> "Target":
        """Where `reference`, a redirect's target, leads from here; raises `BadRedirect`."""
        if len(reference) > _URL_LIMIT_CHARS or _FORBIDDEN.search(reference):
            raise BadRedirect(self.origin, "it is not an address")
        try:
            return Target.parse(str(httpx.URL(self.url).join(reference)))
        except (httpx.InvalidURL, idna.IDNAError) as error:
            raise BadRedirect(self.origin, "it is not an address") from error
        except BadUrl as error:
            raise BadRedirect(self.origin, error.reason) from error

    @property
    def authority(self) -> str:
        """What a Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{self.scheme}://{self.authority}"

    @property
    def url(self) -> str:
        """The whole address, without a fragment: two spellings of one page become one."""
        return f"{self.origin}{self.path}"


def _host(url: str, parsed: httpx.URL) -> str:
    host = parsed.raw_host.decode("ascii").lower()
    try:
        if ":" in host:
            return str(IPv6Address(_without_scope(url, host)))
        host = host.removesuffix(".")
        if host.rpartition(".")[2][:1].isdigit():
            # Decimal, octal, hexadecimal and shortened forms are used by nobody who means well.
            return str(IPv4Address(host))
    except ValueError as error:
        raise BadUrl(url, "its host is not an IP address in the usual form") from error
    if not _NAME.fullmatch(host):
        raise BadUrl(url, "its host is not a name")
    return host


def _without_scope(url: str, host: str) -> str:
    if "%" in host:
        raise BadUrl(url, "its host names a network interface")
    return host
