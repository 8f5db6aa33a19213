"""What an installation may reach: the hosts and folders that the configured indexes themselves point to."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final

import anyio

from codegod_sandbox.egress import PORT, EgressPolicy, Network, SystemNetwork
from codegod_sandbox.execution_faults import BadSetting
from codegod_sandbox.index_page import https_host, links_of, read_page
from codegod_sandbox.indexes import Indexes, IndexUnusable, local_folder, require_showable
from codegod_sandbox.upstream import Upstream

_REDIRECTS = 4
_SAMPLES = 5  # pages that are looked at until one has links
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
    certificates = await anyio.to_thread.run_sync(trusted_certificates, environment)
    links = await anyio.to_thread.run_sync(_local_links, indexes)
    remote = [url for url in (*indexes.urls, *indexes.find_links) if local_folder(url) is None]
    hosts = frozenset([*map(_host, remote), *_https_hosts(links)])
    policy = EgressPolicy(hosts, Upstream.from_environment(environment), network or SystemNetwork())
    for url in remote:
        samples = [f"{url.rstrip('/')}/{name}/" for name in packages[:_SAMPLES]]
        found = await _learn([url] if url in indexes.find_links else samples, policy, certificates)
        policy = replace(policy, hosts=policy.hosts | found)
    folders = await anyio.to_thread.run_sync(_folders, indexes, links)
    return Reach(policy if policy.hosts else None, folders, certificates)


async def _learn(pages: Sequence[str], policy: EgressPolicy, certificates: bytes) -> frozenset[str]:
    """The hosts that the first page with links leads to; asked through the same proxy as everything else."""
    found: set[str] = set()
    for page in pages:
        place = page
        for _ in range(_REDIRECTS):
            reach = replace(policy, hosts=policy.hosts | found)
            redirect, links = await read_page(place, reach, certificates)
            if redirect:
                place = redirect
                found.add(_host(redirect))
                continue
            found.update(_https_hosts(links))
            break
        if found:
            break
    return frozenset(found)


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
            found += links_of(page.as_uri(), "text/html", page.read_bytes())
    return found


def _folders(indexes: Indexes, links: Iterable[str]) -> tuple[Path, ...]:
    own = [
        folder for url in (*indexes.urls, *indexes.find_links) if (folder := local_folder(url)) is not None
    ]
    linked = [file.parent for link in links if (file := local_folder(link)) is not None]
    return tuple(require_showable(folder) for folder in dict.fromkeys([*own, *linked]))


def _https_hosts(links: Iterable[str]) -> Iterator[str]:
    return (host for link in links if (host := https_host(link)))


def _host(url: str) -> str:
    host = https_host(url)
    if not host:
        raise IndexUnusable(url, f"only https on port {PORT} is passed on")
    return host


def trusted_certificates(environment: Mapping[str, str]) -> bytes:
    """The authorities that this machine trusts."""
    if chosen := environment.get("SSL_CERT_FILE"):
        try:
            return Path(chosen).read_bytes()
        except OSError as error:
            raise BadSetting("SSL_CERT_FILE", chosen, "a file that can be read") from error
    for bundle in _BUNDLES:
        if Path(bundle).is_file():
            return Path(bundle).read_bytes()
    import certifi  # httpx brings it

    return Path(certifi.where()).read_bytes()
