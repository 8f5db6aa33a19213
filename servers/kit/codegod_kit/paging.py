"""Long texts and long lists, a piece at a time.

A cursor is opaque to the caller. It holds where to go on and a mark of what is being paged, so that a cursor of
another text, or of one that has changed since, is refused instead of giving lines that do not follow.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from codegod_kit.faults import ToolFault

# About 8,000 tokens, which the smallest window we serve can take beside its task; also well under the result cap
# when every character takes six bytes.
PAGE_CHARS = 32_000
PAGE_ITEMS = 100

_Item = TypeVar("_Item")
_CURSOR = re.compile(r"([0-9]{1,15})\.([0-9a-f]{12})")


class BadCursor(ToolFault):
    """The cursor is none of ours, or belongs to something else."""

    def __init__(self, cursor: str) -> None:
        super().__init__(
            f"The cursor {cursor!r} does not continue this. Leave `cursor` empty to begin, then pass on `next_cursor`."
        )
        self.cursor = cursor


@dataclass(frozen=True, slots=True)
class TextPage:
    """A piece of a text; `next_cursor` is empty at its end."""

    text: str
    next_cursor: str
    total_chars: int


@dataclass(frozen=True, slots=True)
class ListPage(Generic[_Item]):
    """Some of the items; `next_cursor` is empty after the last."""

    items: tuple[_Item, ...]
    next_cursor: str
    total: int


def page_text(text: str, cursor: str = "", *, limit: int = PAGE_CHARS) -> TextPage:
    """The piece of `text` that `cursor` points at, at most `limit` characters, cut after a line where there is one."""
    mark = _mark(text)
    start = _offset(cursor, mark, len(text))
    end = min(start + limit, len(text))
    if end < len(text):
        end = text.rfind("\n", start, end) + 1 or end
    return TextPage(text[start:end], _cursor(end, mark, len(text)), len(text))


def page_list(
    items: Sequence[_Item], cursor: str = "", *, of: str = "", limit: int = PAGE_ITEMS
) -> ListPage[_Item]:
    """The `items` that `cursor` points at; `of` says what is listed (a query, a revision), so that cursors do not mix."""
    mark = _mark(of)
    start = _offset(cursor, mark, len(items))
    end = min(start + limit, len(items))
    return ListPage(tuple(items[start:end]), _cursor(end, mark, len(items)), len(items))


def _mark(of: str) -> str:
    return hashlib.sha256(of.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _cursor(end: int, mark: str, total: int) -> str:
    return f"{end}.{mark}" if end < total else ""


def _offset(cursor: str, mark: str, total: int) -> int:
    if not cursor:
        return 0
    found = _CURSOR.fullmatch(cursor)
    if found is None or found[2] != mark or int(found[1]) > total:
        raise BadCursor(cursor)
    return int(found[1])
