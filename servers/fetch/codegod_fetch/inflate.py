"""Unpacking a body a little at a time, so that what it unpacks to is never more than was allowed."""

import zlib
from typing import Protocol

# zlib reads gzip and zlib headers by itself with this window.
_ANY_HEADER = 32 + zlib.MAX_WBITS
_NO_HEADER = -zlib.MAX_WBITS


class BadPacking(Exception):
    """The body is not packed as it says, is cut off, or is packed in more than one layer."""


class Inflater(Protocol):
    """Unpacks one body."""

    def feed(self, piece: bytes, limit: int) -> bytes:
        """What `piece` adds, up to `limit` bytes. A caller who gets that many must stop: the rest is lost."""
        ...

    def finish(self) -> None:
        """Raise `BadPacking` unless the body ended where it said."""
        ...


def inflater(encoding: str) -> Inflater:
    """What unpacks a body with this Content-Encoding; raises `BadPacking` for one that was not asked for."""
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return _Plain()
    if name in ("gzip", "x-gzip", "deflate"):
        return _Packed()
    raise BadPacking(name)


class _Plain:
    def feed(self, piece: bytes, limit: int) -> bytes:
        return piece[:limit]

    def finish(self) -> None:
        return


class _Packed:
    def __init__(self) -> None:
        self._stream = zlib.decompressobj(_ANY_HEADER)
        self._begun = False
        self._ended = False

    def feed(self, piece: bytes, limit: int) -> bytes:
        out = bytearray()
        while piece and len(out) < limit:
            out += self._unpack(piece, limit - len(out))
            piece = self._stream.unused_data
            self._ended = self._stream.eof
            if self._ended:
                # A gzip body may be several files in a row.
                self._stream = zlib.decompressobj(_ANY_HEADER)
        return bytes(out)

    def finish(self) -> None:
        if self._begun and not self._ended:
            raise BadPacking("cut off")

    def _unpack(self, piece: bytes, limit: int) -> bytes:
        try:
            unpacked = self._stream.decompress(piece, limit)
        except zlib.error as error:
            if self._begun:
                raise BadPacking("broken") from error
            # Some servers send "deflate" without its header.
            self._stream = zlib.decompressobj(_NO_HEADER)
            unpacked = self._raw(piece, limit)
        self._begun = True
        return unpacked

    def _raw(self, piece: bytes, limit: int) -> bytes:
        try:
            return self._stream.decompress(piece, limit)
        except zlib.error as error:
            raise BadPacking("broken") from error
