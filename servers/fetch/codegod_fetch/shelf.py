"""The documents fetched lately. Each is downloaded once and read once, however many ask for it and for its pieces."""

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

import anyio

from codegod_fetch.download import Download, Downloader
from codegod_fetch.faults import PageForgotten
from codegod_fetch.pages import Cursor
from codegod_fetch.reading import Api, Page, Reader
from codegod_fetch.target import Target

# Long enough to page through a manual, short enough for a page that is being edited.
KEPT_SECONDS = 900.0
# A few large descriptions, or some hundred pages.
_KEPT_BYTES = 64 * 1024 * 1024
_KEPT = 256


@dataclass(slots=True)
class Document:
    """One download and what was read from it. Its name is new with each download."""

    url: str
    download: Download
    expires: float
    name: str = field(default_factory=lambda: secrets.token_hex(6))
    page: Page | None = None
    api: Api | None = None
    reading: anyio.Lock = field(default_factory=anyio.Lock)

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes."""
        text = 0 if self.page is None else len(self.page.text)
        return len(self.download.body) + text


class Shelf:
    """Downloads and reads what is not here yet, and forgets what was not asked for longest."""

    def __init__(
        self, downloader: Downloader, reader: Reader, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._downloader = downloader
        self._reader = reader
        self._clock = clock
        self._documents: OrderedDict[str, Document] = OrderedDict()
        self._fetching: WeakValueDictionary[str, anyio.Lock] = WeakValueDictionary()

    async def page(self, url: str, cursor: str = "") -> tuple[Document, Page]:
        """The document at `url` as text; with a cursor, only the one that the cursor names."""
        document = await self._document(url, cursor)
        async with document.reading:
            if document.page is None:
                document.page = await self._reader.page(document.url, document.download)
                self._forget_oldest()
        return document, document.page

    async def api(self, url: str, cursor: str = "") -> tuple[Document, Api]:
        """The document at `url` as an API description; with a cursor, only the one that the cursor names."""
        document = await self._document(url, cursor)
        async with document.reading:
            if document.api is None:
                document.api = await self._reader.api(document.url, document.download)
        return document, document.api

    async def _document(self, url: str, cursor: str) -> Document:
        target = Target.parse(url)
        if cursor:
            return self._named(target.url, Cursor.parse(cursor).document)
        async with self._only_once(target.url):
            known = self._documents.get(target.url)
            if known is None or self._clock() >= known.expires:
                download = await self._downloader.download(target)
                known = Document(target.url, download, self._clock() + KEPT_SECONDS)
                self._documents[target.url] = known
        self._documents.move_to_end(target.url)
        self._forget_oldest()
        return known

    def _named(self, url: str, name: str) -> Document:
        document = self._documents.get(url)
        if document is None or document.name != name:
            raise PageForgotten(url)
        self._documents.move_to_end(url)
        return document

    def _only_once(self, url: str) -> AbstractAsyncContextManager[None]:
        """Whoever asks for the same page meanwhile waits for it instead of asking for it again."""
        return self._fetching.setdefault(url, anyio.Lock())

    def _forget_oldest(self) -> None:
        size = sum(document.size for document in self._documents.values())
        while len(self._documents) > 1 and (len(self._documents) > _KEPT or size > _KEPT_BYTES):
            _, forgotten = self._documents.popitem(last=False)
            size -= forgotten.size
