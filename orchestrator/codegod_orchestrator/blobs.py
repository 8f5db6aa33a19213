"""Texts too big for a row: files named by the SHA-256 of what they hold, written whole or not at all."""

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

# Most arguments and findings are shorter and stay in their row, where one read finds them; file contents are longer.
INLINE_LIMIT_CHARS = 2048

# A kept text says by its first character where the rest is.
_HERE = "="
_BLOB = "@"


class BlobMissing(Exception):
    def __init__(self, digest: str) -> None:
        super().__init__(f"The blob {digest!r} is not in the state folder any more.")
        self.digest = digest


class BlobDamaged(Exception):
    def __init__(self, digest: str) -> None:
        super().__init__(f"The blob {digest!r} does not hold what was written to it.")
        self.digest = digest


class Blobs:
    """A folder of blobs; the same bytes are kept once. Safe to use from several threads and processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, data: bytes) -> str:
        """Keep `data`; returns its digest."""
        digest = hashlib.sha256(data).hexdigest()
        path = self._path(digest)
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_whole(path, data)
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes of that digest; raise `BlobMissing` or, after a power cut for instance, `BlobDamaged`."""
        try:
            data = self._path(digest).read_bytes()
        except FileNotFoundError as error:
            raise BlobMissing(digest) from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise BlobDamaged(digest)
        return data

    def keep(self, text: str) -> str:
        """Any text in a form fit for a row: itself when it is short and storable, else the name of its blob."""
        if len(text) <= INLINE_LIMIT_CHARS and _storable(text):
            return _HERE + text
        return _BLOB + self.put(text.encode("utf-8", "surrogatepass"))

    def kept(self, stored: str) -> str:
        """The text that `keep` made `stored` from."""
        if stored.startswith(_HERE):
            return stored[1:]
        return self.get(stored[1:]).decode("utf-8", "surrogatepass")

    def _path(self, digest: str) -> Path:
        return self._folder / digest[:2] / digest[2:]


def is_long(text: str) -> bool:
    """Whether `keep` would write a file, so that a caller on an event loop leaves it to a thread."""
    return len(text) > INLINE_LIMIT_CHARS or not _storable(text)


def _storable(text: str) -> bool:
    """Databases take neither NUL nor half a surrogate pair, and output of hostile programs holds both."""
    if "\0" in text:
        return False
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _write_whole(path: Path, data: bytes) -> None:
    """Nobody ever reads half a blob: the name appears when the content is complete.

    Not synced: a blob is progress, like the row that names it, and what a power cut damages is found by its digest.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise
