"""Cursors of results that are computed anew for each page: how many rows were given, and of what."""

import hashlib
import re

from codegod_kit import BadCursor

_CURSOR = re.compile(r"([0-9]{1,12})\.([0-9a-f]{12})")


def rows_before(cursor: str, of: str) -> int:
    """How many rows the pages before held; 0 at the beginning. A cursor of something else is a `BadCursor`."""
    if not cursor:
        return 0
    found = _CURSOR.fullmatch(cursor)
    if found is None or found[2] != _mark(of):
        raise BadCursor(cursor)
    return int(found[1])


def cursor_at(rows: int, of: str) -> str:
    """The cursor that goes on after `rows` rows."""
    return f"{rows}.{_mark(of)}"


def _mark(of: str) -> str:
    return hashlib.sha256(of.encode("utf-8", "surrogatepass")).hexdigest()[:12]
