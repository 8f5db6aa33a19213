"""What the bytes of a file are: text in some encoding with some line ends, or not text at all."""

import hashlib
import mimetypes
from dataclasses import dataclass
from typing import Literal

from codegod_kit.beneath import PathFault

Newline = Literal["", "lf", "crlf", "mixed"]
# As git does: a NUL this early means that no editor should touch it.
_SNIFFED_BYTES = 8000


class BinaryFile(PathFault):
    """The file holds something other than text."""

    def __init__(self, path: str, content: bytes) -> None:
        super().__init__(
            path,
            f"{path!r} is not text: {mime(path)}, {len(content)} bytes, sha256 {sha256(content)}. "
            "Work on it with `file_copy`, `file_move` or `exec_run`.",
        )


@dataclass(frozen=True, slots=True)
class Text:
    """A decoded file. `exact` says whether encoding `text` as UTF-8 gives the file's bytes again."""

    text: str
    exact: bool


def is_binary(content: bytes) -> bool:
    """Whether `content` is no text in any encoding that tools here edit."""
    return b"\0" in content[:_SNIFFED_BYTES]


def decode(path: str, content: bytes) -> Text:
    """The text of a file, or `BinaryFile`; what is not UTF-8 is shown as Latin-1."""
    if is_binary(content):
        raise BinaryFile(path, content)
    try:
        return Text(content.decode(), exact=True)
    except UnicodeDecodeError:
        return Text(content.decode("latin-1"), exact=False)


def lines_of(text: str) -> list[str]:
    """The lines as compilers count them, with their ends; an empty text is one empty line."""
    *whole, rest = text.split("\n")
    lines = [f"{line}\n" for line in whole]
    return [*lines, rest] if rest or not lines else lines


def newline_of(content: bytes) -> Newline:
    """How lines end."""
    pairs, ends = content.count(b"\r\n"), content.count(b"\n")
    if not ends:
        return ""
    return "lf" if not pairs else "crlf" if pairs == ends else "mixed"


def sha256(content: bytes) -> str:
    """The mark that `if_match` compares."""
    return hashlib.sha256(content).hexdigest()


def mime(path: str) -> str:
    """The media type that the file's name suggests."""
    return mimetypes.guess_type(path)[0] or "application/octet-stream"
