"""What is kept of a program's output, and how it is shown."""

import re
from typing import Final

FLOOD_BYTES: Final = (
    64 << 20
)  # a program that writes more than this to a stream is stopped; no build log is longer

# Controls (also the C1 ones), and marks that reorder or hide what a person reads. Tab and newline stay.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


class Kept:
    """The beginning and the end of a stream; what lies between is counted and forgotten."""

    def __init__(self, limit: int) -> None:
        self._half = max(1, limit // 2)
        self._head = bytearray()
        self._tail = bytearray()
        self.total = 0

    def add(self, chunk: bytes) -> None:
        """Take the next piece of the stream."""
        self.total += len(chunk)
        room = self._half - len(self._head)
        self._head += chunk[:room]
        self._tail += chunk[room:]
        if len(self._tail) > 2 * self._half:  # cut rarely: each cut moves what is kept
            del self._tail[: -self._half]

    @property
    def left_out(self) -> int:
        """How many bytes are missing in the middle."""
        return max(0, self.total - len(self._head) - self._half)

    def content(self) -> bytes:
        """What was kept, with a line in the middle that says how much is missing."""
        if not self.left_out:
            return bytes(self._head + self._tail)
        gap = f"\n[... {self.left_out} bytes left out ...]\n".encode()
        return bytes(self._head) + gap + bytes(self._tail[-self._half :])


def printable(content: bytes) -> str:
    """Program output as text that cannot do anything to a terminal or hide from a reader."""
    text = content.decode("utf-8", errors="backslashreplace").replace("\r\n", "\n")
    return _UNPRINTABLE.sub(_escape, text)


def shorten(text: str, limit: int) -> str:
    """At most about `limit` characters of `text`: its beginning and its end."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters left out ...]\n{text[-half:]}"


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
