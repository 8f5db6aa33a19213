"""What an installation may reach: the hosts and folders that the configured indexes themselves point to."""

import json
import ssl
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

import anyio

from codegod_sandbox.egress import PORT, EgressPolicy, Network, SystemNetwork, open_proxy
from codegod_sandbox.indexes import Indexes, IndexUnusable, local_folder, require_showable
from codegod_sandbox.upstream import Upstream

if TYPE_CHECKING:
    import httpx

_PAGE_SECONDS = 30
_PAGE_BYTES = 32 << 20  # the longest pages of public indexes have a few megabytes
_REDIRECTS = 4
_SAMPLES = 5  # pages that are looked at until one has links
_TYPES: Final = (
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
)
_BUNDLES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


@dataclass(frozen=True, slots=True)
class Reach:
    """The way to the packages."""

    policy: EgressPolicy | None  # None: everything lies on this machine
    folders: tuple[Path, ...]
    certificates: bytes


async def find_reach(
    indexes: Indexes, packages: Sequence[str], environment: Mapping[str, str], network: Network | None = None
) -> Reach:
    """Learn from the indexes where their files lie; `packages` are names to look up, likely ones first."""
    certificates = await anyio.to_thread.run_sync(_certificates, environment)
    links = await anyio.to_thread.run_sync(_local_links, indexes)
    remote = [url for url in (*indexes.urls, *indexes.find_links) if local_folder(url) is None]
    hosts = frozenset([*map(_host, remote), *_https_hosts(links)])
    policy = EgressPolicy(hosts, Upstream.from_environment(environment), network or SystemNetwork())
    for url in remote:
        pages = (
            [url]
            if url in indexes.find_links
            else [f"{url.rstrip('/')}/{name}/" for name in packages[:_SAMPLES]]
        )
        policy = EgressPolicy(
            policy.hosts | await _learn(pages, policy, certificates), policy.upstream, policy.network
        )
    folders = await anyio.to_thread.run_sync(_folders, indexes, links)
    return Reach(policy if policy.hosts else None, folders, certificates)


async def _learn(pages: Sequence[str], policy: EgressPolicy, certificates: bytes) -> frozenset[str]:
    """The hosts that the first page with links leads to; asked through the same proxy as everything else."""
    found: set[str] = set()
    for page in pages:
        place = page
        for _ in range(_REDIRECTS):
            hosts = EgressPolicy(policy.hosts | found, policy.upstream, policy.network)
            redirect, links = await _page(place, hosts, certificates)
            if redirect:
                place = redirect
                found.add(_host(redirect))
                continue
            found.update(_https_hosts(links))
            break
        if found:
            break
    return frozenset(found)


async def _page(url: str, policy: EgressPolicy, certificates: bytes) -> tuple[str, list[str]]:
    """Where a page redirects to, and the links on it; a page that is not there has none."""
    import httpx

    try:
        async with _client(policy, certificates) as client, client.stream("GET", url) as response:
            if response.is_redirect:
                return urljoin(url, response.headers["location"]), []
            if response.status_code == httpx.codes.NOT_FOUND:
                return "", []
            response.raise_for_status()
            content = bytearray()
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > _PAGE_BYTES:
                    raise IndexUnusable(url, f"its page is longer than {_PAGE_BYTES} bytes")
            return "", list(_links(url, response.headers.get("content-type", ""), bytes(content)))
    except httpx.HTTPError as error:
        raise IndexUnusable(url, f"{type(error).__name__}: {error}") from error


@asynccontextmanager
async def _client(policy: EgressPolicy, certificates: bytes) -> AsyncIterator["httpx.AsyncClient"]:
    import httpx

    context = ssl.create_default_context(cadata=certificates.decode("ascii", "ignore"))
    async with (
        open_proxy(policy) as proxy,
        httpx.AsyncClient(
            proxy=proxy.url,
            verify=context,
            trust_env=False,
            timeout=_PAGE_SECONDS,
            headers={"Accept": _TYPES},
        ) as client,
    ):
        yield client


def _links(url: str, kind: str, content: bytes) -> Iterator[str]:
    if "json" in kind:
        for file in json.loads(content).get("files", []):
            yield urljoin(url, file["url"])
        return
    page = _Page()
    page.feed(content.decode("utf-8", "replace"))
    for link in page.links:
        yield urljoin(page.base or url, link)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.base = ""
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        target = dict(attributes).get("href")
        if target and tag == "base":
            self.base = target
        elif target and tag == "a":
            self.links.append(target)


def _local_links(indexes: Indexes) -> list[str]:
    """The links of a few pages of every index that lies in a folder here."""
    found: list[str] = []
    for folder in filter(None, map(local_folder, indexes.urls)):
        pages = (
            page
            for name in sorted(require_showable(folder).iterdir())
            if (page := name / "index.html").is_file()
        )
        for page in islice(pages, _SAMPLES):
            found += _links(page.as_uri(), "text/html", page.read_bytes())
    return found


def _folders(indexes: Indexes, links: Iterable[str]) -> tuple[Path, ...]:
    own = [
        folder for url in (*indexes.urls, *indexes.find_links) if (folder := local_folder(url)) is not None
    ]
    linked = [file.parent for link in links if (file := local_folder(link)) is not None]
    return tuple(require_showable(folder) for folder in dict.fromkeys([*own, *linked]))


def _https_hosts(links: Iterable[str]) -> Iterator[str]:
    for link in links:
        parts = urlsplit(link)
        if parts.scheme == "https" and parts.hostname and parts.port in (None, PORT):
            yield parts.hostname.rstrip(".")


def _host(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.port not in (None, PORT):
        raise IndexUnusable(url, f"only https on port {PORT} is passed on")
    return parts.hostname.rstrip(".")


def _certificates(environment: Mapping[str, str]) -> bytes:
    """The authorities that this machine trusts."""
    if chosen := environment.get("SSL_CERT_FILE"):
        return Path(chosen).read_bytes()
    for bundle in _BUNDLES:
        if Path(bundle).is_file():
            return Path(bundle).read_bytes()
    import certifi  # httpx brings it

    return Path(certifi.where()).read_bytes()
