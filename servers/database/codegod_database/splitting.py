"""Parts SQL into statements, with the line on which each begins.

Python's own `executescript` would do, but it commits whatever transaction is open, and names no line when one fails.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

# What may hide a semicolon (comments, texts, quoted names), then words, then any single character. A doubled quote
# inside a text makes two texts of it, which parts statements just as well.
_TOKEN = re.compile(
    r"--[^\n]*|/\*.*?(?:\*/|\Z)|'[^']*(?:'|\Z)|\"[^\"]*(?:\"|\Z)|`[^`]*(?:`|\Z)|\[[^\]]*(?:\]|\Z)|\w+|\s+|.",
    re.DOTALL,
)
_TRIGGER = re.compile(r"create (?:(?:temp|temporary) )?trigger", re.IGNORECASE)
# CREATE, TEMP, TRIGGER: the words that tell a trigger from everything else.
_HEAD_WORDS = 3


class Sql(NamedTuple):
    """One statement."""

    line: int
    text: str


def split(script: str, first_line: int = 1) -> Iterator[Sql]:
    """The statements of `script`, whose first line is `first_line`; the last one need not end with a semicolon."""
    start = position = 0
    words: list[str] = []
    for piece in _TOKEN.findall(script):
        position += len(piece)
        if piece.isspace() or piece.startswith(("--", "/*")):
            # What stands before a statement is not part of it.
            start = start if words else position
            continue
        ends = piece == ";" and not _inside_trigger(words)
        words.append(piece)
        if ends:
            if len(words) > 1:
                yield Sql(first_line + script.count("\n", 0, start), script[start:position])
            start, words = position, []
    if words:
        yield Sql(first_line + script.count("\n", 0, start), script[start:])


def _inside_trigger(words: list[str]) -> bool:
    """Whether a semicolon after `words` is one of those in a trigger's body, which ends with `; END`."""
    if not _TRIGGER.match(" ".join(words[:_HEAD_WORDS])):
        return False
    return not (words[-1].upper() == "END" and words[-2] == ";")
