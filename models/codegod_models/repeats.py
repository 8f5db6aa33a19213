"""Hears when a model says the same thing for ever, so that it is stopped after a page instead of at its limit.

A small model that has lost its thread repeats a line, a function or a whole file until the answer is full. What counts
as a loop is a table of three rows; ordinary code, data tables and rulers stay below all of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

CHECK_CHARS = 1_000  # looking takes a millisecond, and a loop is none before it is longer than that
SHOWN_CHARS = 60  # of what is repeated, in the note about it


@dataclass(frozen=True, slots=True)
class Loop:
    """The last `chars` of an answer are one unit of `longest` characters or fewer, again and again."""

    chars: int
    longest: int
    numbers_alike: bool = False
    """Whether `item_1, item_2, …` counts as the same again."""


LOOPS = (
    Loop(3_000, 375),  # a line or two: at least eight times, where hand-written code has two or three
    Loop(12_000, 4_000),  # a function or a whole file: at least three times
    Loop(12_000, 1_500, numbers_alike=True),  # counting: longer than any table in a file of 200 lines
)
_KEPT_CHARS = max(loop.chars for loop in LOOPS)
_MARK_CHARS = 32  # a unit is searched by the last characters of the text
_NUMBER = re.compile(r"\d+")


class RepeatWatch:
    """Listens to one answer. It keeps no more of it than the longest loop needs."""

    def __init__(self) -> None:
        self._tail = ""
        self._unheard = 0

    def hear(self, text: str) -> str:
        """A line of what is being repeated, or nothing."""
        self._tail = (self._tail + text)[-_KEPT_CHARS:]
        self._unheard += len(text)
        if self._unheard < CHECK_CHARS:
            return ""
        self._unheard = 0
        return next(filter(None, (_repeated(self._tail, loop) for loop in LOOPS)), "")


def _repeated(text: str, loop: Loop) -> str:
    tail = text[-loop.chars :]
    if len(tail) < loop.chars:
        return ""
    if loop.numbers_alike:
        tail = _NUMBER.sub("0", tail)
    period = _period(tail, loop.longest)
    return _shown(tail[-period:]) if period else ""


def _shown(unit: str) -> str:
    """The longest line of what is repeated, wherever the unit happens to begin."""
    return max((unit * 2).splitlines(), key=len).strip()[:SHOWN_CHARS] or "white space"


def _period(tail: str, longest: int) -> int:
    """The length of the unit that `tail` repeats from its first to its last character; 0 when it repeats none."""
    mark = tail[-_MARK_CHARS:]
    at = len(tail) - len(mark)
    while (at := tail.rfind(mark, 0, at + len(mark) - 1)) >= 0:
        period = len(tail) - len(mark) - at
        if period > longest:
            return 0
        if tail.startswith(tail[period:]):
            return period
    return 0
