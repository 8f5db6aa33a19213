"""Cuts a text into the pieces that memory keeps: a function, a method, a section at a time.

The pieces of a text, put together in order, are the text again, and none is longer than `CHUNK_CHARS`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath

from codegod_memory.syntax import Mark, has_grammar, symbol_marks

# About 700 tokens: two or three pieces fit a small model's 2,048-token pack, and nearly every function is one piece.
CHUNK_CHARS = 2_500
# A text with more symbols than the largest hand-written file is data that looks like code, and is cut by size alone.
_SYMBOLS = 5_000
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_WORD = re.compile(r"\w")
_HEADING = re.compile(r"(#{1,6})[ \t]+(.+?)[ \t#]*$")
_FENCE = re.compile(r" {0,3}(```+|~~~+)")
_MARKDOWN = frozenset({".md", ".markdown", ".mdx", ""})


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a text; `name` is its symbol (`Store.add`) or its headings, "" for what has none."""

    name: str
    text: str
    first_line: int
    last_line: int


def cut(source: str, text: str) -> tuple[Chunk, ...]:
    """The pieces of `text`, which came from `source`: its name decides how it is cut."""
    lines = lines_of(text)
    marks = _marks(source, text, lines)
    if len(marks) > _SYMBOLS:
        marks = [Mark(0, "")]
    marks.append(Mark(len(lines), ""))
    pieces = [(mark.name, mark.row, lines[mark.row : after.row]) for mark, after in pairwise(marks)]
    return tuple(chunk for name, row, part in _joined(pieces) for chunk in _bounded(name, row, part))


def lines_of(text: str) -> list[str]:
    """The lines with their ends; only a line feed ends one, as in every tool that counts lines of code."""
    return _LINE.findall(text)


def _marks(source: str, text: str, lines: list[str]) -> list[Mark]:
    if has_grammar(source):
        return symbol_marks(source, text) or [Mark(0, "")]
    if PurePosixPath(source).suffix.lower() in _MARKDOWN or "://" in source:
        return list(_headings(lines))
    return [Mark(0, "")]


def _headings(lines: list[str]) -> Iterator[Mark]:
    """A mark for each Markdown section, named by the headings above it."""
    trail: list[tuple[int, str]] = []
    fence = ""
    yield Mark(0, "")
    for row, line in enumerate(lines):
        fenced = _FENCE.match(line)
        if fenced:
            fence = "" if fence and line.strip().startswith(fence) else fence or fenced[1]
        elif not fence and (heading := _HEADING.match(line.rstrip("\r\n"))):
            level = len(heading[1])
            trail = [*(part for part in trail if part[0] < level), (level, heading[2])]
            yield Mark(row, " > ".join(title for _, title in trail))


def _joined(pieces: list[tuple[str, int, list[str]]]) -> list[tuple[str, int, list[str]]]:
    """The same lines, with pieces that hold no word (blank lines, a closing brace) put to the piece before them."""
    joined: list[tuple[str, int, list[str]]] = []
    for name, row, lines in pieces:
        if not lines:
            continue
        if joined and not _WORD.search("".join(lines)):
            joined[-1][2].extend(lines)
        elif joined and not _WORD.search("".join(joined[-1][2])):
            _, first, before = joined.pop()
            joined.append((name, first, before + lines))
        else:
            joined.append((name, row, list(lines)))
    return joined


def _bounded(name: str, row: int, lines: list[str]) -> Iterator[Chunk]:
    """The lines of one piece as chunks of at most `CHUNK_CHARS`, parted at blank lines where there are some."""
    start = 0
    while start < len(lines):
        end = _end(lines, start)
        text = "".join(lines[start:end])
        for offset in range(0, len(text), CHUNK_CHARS):
            yield Chunk(name, text[offset : offset + CHUNK_CHARS], row + start + 1, row + end)
        start = end


def _end(lines: list[str], start: int) -> int:
    """Where the chunk that begins at `start` ends: one line at least, even when that alone is too long."""
    size, end, blank = 0, start, start
    while end < len(lines) and size + len(lines[end]) <= CHUNK_CHARS:
        size += len(lines[end])
        end += 1
        if not lines[end - 1].strip() and size > CHUNK_CHARS // 2:
            blank = end
    if end == len(lines):
        return end
    return max(blank, start + 1) if blank > start else max(end, start + 1)
