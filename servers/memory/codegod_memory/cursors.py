"""Cursors of a list that grows while it is read: they hold the row to go on after, and what is listed."""

import hashlib
import re

from codegod_kit import BadCursor

_CURSOR = re.compile(r"([0-9]{1,18})\.([0-9a-f]{12})")


def row_of(cursor: str, of: str) -> int:
    """The row to go on after; 0 at the beginning. A cursor of another list is a `BadCursor`."""
    if not cursor:
        return 0
    found = _CURSOR.fullmatch(cursor)
    if found is None or found[2] != _mark(of):
        raise BadCursor(cursor)
    return int(found[1])


def cursor_after(row: int, of: str) -> str:
    """The cursor that goes on after `row`; empty for 0, when there is no more."""
    return f"{row}.{_mark(of)}" if row else ""


def _mark(of: str) -> str:
    return hashlib.sha256(of.encode("utf-8", "surrogatepass")).hexdigest()[:12]
