"""`text_search`: which lines of which files hold a text.

A plain text is looked for here. A regular expression is not: Python's engine can need time without end for a line of
fifty letters, and would hold every thread of the server meanwhile. It runs in a process of its own that is given the
texts, has no files open and is killed when its time is over. (An engine without backtracking would know neither
look-around nor back references, which models write, and would be one more compiled dependency.)
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from mcp.server import MCPServer
from pydantic import Field

from codegod_kit import ToolFault
from codegod_kit.beneath import NotAFolder, PathFault
from codegod_kit.paging import page_list
from codegod_sandbox.files import regex_child
from codegod_sandbox.files.content import is_binary
from codegod_sandbox.files.glob import matcher
from codegod_sandbox.files.listing import FILLED_FOLDERS, Cursor, Limit, left_out
from codegod_sandbox.files.places import FolderPath, Tree, Trees, Workspace
from codegod_sandbox.files.reading import READS
from codegod_sandbox.files.shown import shown, shown_line

# Sources are smaller; what is larger is data, and would fill the answer.
FILE_LIMIT_BYTES = 1 << 20
# All that one search reads: five thousand files of a usual size.
TOTAL_LIMIT_BYTES = 64 << 20
# Nobody pages through more; a search that finds more is not narrow enough.
HIT_LIMIT = 2000
QUERY_LIMIT_CHARS = 1000
# A search of a large tree takes a second; a pattern that needs longer is one that never ends.
REGEX_SECONDS = 5.0


class BadRegex(ToolFault):
    """The text is no regular expression."""

    def __init__(self, pattern: str, reason: str) -> None:
        super().__init__(f"{pattern!r} is no regular expression: {reason}. Mend it, or leave `regex` false.")
        self.pattern = pattern


class RegexTooSlow(ToolFault):
    """The expression did not come to an end."""

    def __init__(self, pattern: str, seconds: float) -> None:
        super().__init__(
            f"The search for {pattern!r} was stopped after {seconds:g} s. Use a simpler expression, or a plain text."
        )
        self.pattern = pattern


class QueryTooLong(ToolFault):
    """The text is longer than any line."""

    def __init__(self, length: int) -> None:
        super().__init__(
            f"The text has {length} characters; {QUERY_LIMIT_CHARS} is the most. Search for part of it."
        )


@dataclass(frozen=True, slots=True)
class Hit:
    """One line that matches."""

    path: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class _Texts:
    files: list[tuple[str, str]]
    note: str


def register_searching(server: MCPServer[Any], trees: Trees) -> None:
    """Add `text_search` to `server`."""

    @server.tool(annotations=READS, structured_output=False)
    def text_search(
        text: Annotated[str, Field(min_length=1, description="What to look for, e.g. `def create_app`")],
        path: FolderPath = "",
        glob: Annotated[
            str, Field(description="Only files with such a name, e.g. `*.py`; empty is all")
        ] = "",
        regex: Annotated[bool, Field(description="`text` is a Python regular expression")] = False,
        ignore_case: Annotated[bool, Field(description="Treat `A` and `a` alike")] = False,
        limit: Limit = 100,
        cursor: Cursor = "",
        workspace: Workspace = "",
    ) -> str:
        """Find lines that hold a text: one line `path:line: text` for each. Dependencies and caches are left out.

        Example: text_search(text="TODO", glob="*.py")
        """
        if len(text) > QUERY_LIMIT_CHARS:
            raise QueryTooLong(len(text))
        with trees.open(workspace) as tree:
            texts = _read(tree, tree.to_read(path), glob)
        search = _regex_hits if regex else _literal_hits
        hits = search(texts.files, text, ignore_case)
        page = page_list(
            hits, cursor, of=f"text_search {path} {glob} {text} {regex} {ignore_case}", limit=limit
        )
        lines = [f"{shown(hit.path)}:{hit.line}: {shown_line(hit.text)}" for hit in page.items]
        return "\n".join(lines + _notes(len(hits), page.next_cursor, texts.note))


def _notes(hits: int, next_cursor: str, note: str) -> list[str]:
    notes = []
    if not hits:
        notes.append("[nothing found]")
    if hits >= HIT_LIMIT:
        notes.append(f"[more than {HIT_LIMIT} lines match: search below a `path` or with a `glob`]")
    if next_cursor:
        notes.append(f"[{hits} lines match; go on with cursor={next_cursor!r}]")
    if note:
        notes.append(f"[{note}]")
    return notes


def _read(tree: Tree, place: str, glob: str) -> _Texts:
    """The text files below `place`; a `place` that is a file is searched alone."""
    try:
        walk = tree.files.walk(place, skip=FILLED_FOLDERS)
    except NotAFolder:
        return _Texts([(place, _text(tree.files.read(place, limit=FILE_LIMIT_BYTES)) or "")], "")
    matches = matcher(glob) if glob else None
    files: list[tuple[str, str]] = []
    room = TOTAL_LIMIT_BYTES
    unread = 0
    start = len(place) + 1 if place else 0
    for path, kind in walk:
        if kind != "file" or (matches is not None and not matches(path[start:])):
            continue
        try:
            content = tree.files.read(path, limit=min(FILE_LIMIT_BYTES, room))
        except PathFault:
            unread += 1
            continue
        text = _text(content)
        if text is None:
            unread += 1
            continue
        room -= len(content)
        files.append((path, text))
    notes = [left_out(walk)]
    if unread:
        notes.append(f"{unread} files not searched: too large, not text, or not readable")
    return _Texts(files, "; ".join(note for note in notes if note))


def _text(content: bytes) -> str | None:
    return None if is_binary(content) else content.decode("utf-8", "replace")


def _literal_hits(files: list[tuple[str, str]], wanted: str, ignore_case: bool) -> list[Hit]:
    hits: list[Hit] = []
    needle = wanted.lower() if ignore_case else wanted
    for path, text in files:
        if needle not in (text.lower() if ignore_case else text):
            continue
        for number in _lines_with(text.lower() if ignore_case else text, needle):
            if len(hits) >= HIT_LIMIT:
                return hits
            hits.append(Hit(path, number, text.split("\n", number)[number - 1].rstrip("\r")))
    return hits


def _lines_with(text: str, needle: str) -> list[int]:
    """Numbers of the lines in which `needle` begins."""
    numbers: list[int] = []
    number, start = 1, 0
    while (at := text.find(needle, start)) >= 0 and len(numbers) < HIT_LIMIT:
        number += text.count("\n", start, at)
        numbers.append(number)
        end = text.find("\n", at)
        if end < 0:
            break
        number, start = number + 1, end + 1
    return numbers


def _regex_hits(files: list[tuple[str, str]], pattern: str, ignore_case: bool) -> list[Hit]:
    request = {
        "pattern": pattern,
        "ignore_case": ignore_case,
        "limit": HIT_LIMIT,
        "texts": [text for _, text in files],
    }
    child = [sys.executable, "-I", "-S", str(Path(regex_child.__file__))]
    try:
        done = subprocess.run(
            child,
            input=json.dumps(request).encode(),
            capture_output=True,
            timeout=REGEX_SECONDS,
            check=False,
            env={},
        )
    except subprocess.TimeoutExpired as error:
        raise RegexTooSlow(pattern, REGEX_SECONDS) from error
    if done.returncode != 0:
        # Killed by its own limits on memory or processor time.
        raise RegexTooSlow(pattern, REGEX_SECONDS)
    answer = json.loads(done.stdout)
    if "error" in answer:
        raise BadRegex(pattern, answer["error"])
    return [Hit(files[index][0], number, line) for index, number, line in answer["hits"]]
