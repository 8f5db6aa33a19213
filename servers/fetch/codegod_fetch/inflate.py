"""Unpacking a body a little at a time, so that what it unpacks to is never more than was allowed."""

import zlib
from collections.abc import Callable

# zlib reads gzip and zlib headers by itself with this window.
_ANY_HEADER = 32 + zlib.MAX_WBITS
_NO_HEADER = -zlib.MAX_WBITS

Inflate = Callable[[bytes, int], bytes]


class BadPacking(Exception):
    """The body is not packed as it says, or in more than one layer."""


def inflater(encoding: str) -> Inflate:
    """What unpacks the pieces of a body with this Content-Encoding, each to at most the given number of bytes."""
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return lambda piece, limit: piece[:limit]
    if name in ("gzip", "x-gzip", "deflate"):
        return _Inflater().feed
    raise BadPacking(name)


class _Inflater:
    def __init__(self) -> None:
        self._stream = zlib.decompressobj(_ANY_HEADER)
        self._begun = False

    def feed(self, piece: bytes, limit: int) -> bytes:
        """What `piece` adds, up to `limit` bytes. A caller who gets that many must stop: the rest is lost."""
        out = bytearray()
        while piece and len(out) < limit:
            out += self._unpack(piece, limit - len(out))
            piece = self._stream.unused_data
            if self._stream.eof:
                # A gzip body may be several files in a row.
                self._stream = zlib.decompressobj(_ANY_HEADER)
        return bytes(out)

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
