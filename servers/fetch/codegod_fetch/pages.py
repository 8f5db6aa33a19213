"""Where the pieces of a long document begin, and the cursors that name them.

A cursor names the kept document and a piece of it. It never makes the document be fetched again: what it continues is
there as it was, or the cursor has ended.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from codegod_kit import BadCursor

# About 2,500 tokens, which the smallest window we serve can take beside its task.
PAGE_CHARS = 10_000

_CURSOR = re.compile(r"([0-9a-f]{12})\.([0-9]{1,6})")


@dataclass(frozen=True, slots=True)
class Cursor:
    """The piece `index` of the document `document`."""

    document: str
    index: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """The cursor that `text` is; raises `BadCursor`."""
        found = _CURSOR.fullmatch(text)
        if found is None:
            raise BadCursor(text)
        return cls(found[1], int(found[2]))

    def __str__(self) -> str:
        return f"{self.document}.{self.index}"


@dataclass(frozen=True, slots=True)
class Pieces:
    """The pieces of one document: each begins at one of `starts`, in characters or in entries."""

    document: str
    starts: tuple[int, ...]
    total: int

    @classmethod
    def of_text(cls, document: str, text: str, limit: int = PAGE_CHARS) -> Self:
        """Pieces of at most `limit` characters, cut after a line where one ends in their second half."""
        starts = [0]
        while len(text) - starts[-1] > limit:
            start = starts[-1]
            line = text.rfind("\n", start + limit // 2, start + limit) + 1
            starts.append(line or start + limit)
        return cls(document, tuple(starts), len(text))

    @classmethod
    def of_entries(cls, document: str, sizes: Iterable[int], limit: int = PAGE_CHARS) -> Self:
        """Pieces whose entries have at most `limit` characters together; a longer entry stands alone."""
        starts, filled, total = [0], 0, 0
        for size in sizes:
            if filled and filled + size > limit:
                starts.append(total)
                filled = 0
            filled += size
            total += 1
        return cls(document, tuple(starts), total)

    def piece(self, cursor: str) -> tuple[slice, str]:
        """What `cursor` names, the beginning when it is empty, and the cursor of what follows."""
        index = Cursor.parse(cursor).index if cursor else 0
        if index >= len(self.starts):
            raise BadCursor(cursor)
        if index + 1 == len(self.starts):
            return slice(self.starts[index], self.total), ""
        return slice(self.starts[index], self.starts[index + 1]), str(Cursor(self.document, index + 1))

    def cursor_at(self, position: int) -> str:
        """The cursor of the piece that holds `position`."""
        index = next(number for number, start in reversed(list(enumerate(self.starts))) if start <= position)
        return str(Cursor(self.document, index))
