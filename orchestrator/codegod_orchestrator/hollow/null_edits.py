"""Puts other text in place of some places of a source, and leaves the rest as its author wrote it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edit:
    """New text for the bytes from `start` to `end`; the two are the same where something is put in between."""

    start: int
    end: int
    text: str


def edited(text: str, edits: Iterable[Edit]) -> str:
    """`text` with all of `edits`, which do not overlap."""
    source = text.encode("utf-8", "surrogatepass")
    for edit in sorted(edits, key=lambda one: -one.start):
        source = source[: edit.start] + edit.text.encode() + source[edit.end :]
    return source.decode("utf-8", "surrogatepass")
