"""The pages of a package index: where they lead to."""

import json
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from codegod_sandbox.egress import PORT, EgressPolicy, open_proxy
from codegod_sandbox.indexes import IndexUnusable

if TYPE_CHECKING:
    import httpx

_PAGE_SECONDS = 30
_PAGE_BYTES = 32 << 20  # the longest pages of public indexes have a few megabytes
_TYPES: Final = (
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
)


async def read_page(url: str, policy: EgressPolicy, certificates: bytes) -> tuple[str, list[str]]:
    """Where a page redirects to, and the links on it; a page that is not there has none."""
    import httpx

    try:
        async with _client(policy, certificates) as client, client.stream("GET", url) as response:
            if response.is_redirect:
                return urljoin(url, response.headers["location"]), []
            if response.status_code == httpx.codes.NOT_FOUND:
                return "", []
            if not response.is_success:
                raise IndexUnusable(url, f"it answers {response.status_code}")
            content = bytearray()
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > _PAGE_BYTES:
                    raise IndexUnusable(url, f"its page is longer than {_PAGE_BYTES} bytes")
            return "", list(links_of(url, response.headers.get("content-type", ""), bytes(content)))
    except httpx.HTTPError as error:
        raise IndexUnusable(url, f"{type(error).__name__}: {error}") from error


def links_of(url: str, kind: str, content: bytes) -> Iterator[str]:
    """The links of a page, absolute."""
    if "json" in kind:
        try:
            document = json.loads(content)
            # One version of an npm package says where its own file lies.
            listed = [document["dist"]["tarball"]] if "dist" in document else None
            found = listed or [str(file["url"]) for file in document["files"]]
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise IndexUnusable(url, "its page is not one of a package index") from error
    else:
        page = _Page(url)
        page.feed(content.decode("utf-8", "replace"))
        url, found = page.base, page.links
    for link in found:
        with suppress(ValueError):  # an address in brackets that is none
            yield urljoin(url, link)


def https_host(url: str) -> str:
    """The host that `url` leads to by https on the usual port; empty for any other URL."""
    try:
        parts = urlsplit(url)
        usual = parts.scheme == "https" and parts.port in (None, PORT)
    except ValueError:  # a port or an address that is none
        return ""
    return (parts.hostname or "").rstrip(".") if usual else ""


class _Page(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__()
        self.base = url
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        target = dict(attrs).get("href")
        if target and tag == "base":
            self.base = urljoin(self.base, target)
        elif target and tag == "a":
            self.links.append(target)


@asynccontextmanager
async def _client(policy: EgressPolicy, certificates: bytes) -> AsyncIterator["httpx.AsyncClient"]:
    """A client that goes the same way as the sandbox's programs, so that the same rules hold for it."""
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
