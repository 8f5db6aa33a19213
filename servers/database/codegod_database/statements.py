"""Runs one statement and gives what came of it."""

import json
import math
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from codegod_database.engine import Budget, Mode, opened
from codegod_database.faults import BadParameter, GivesNoRows, NothingToRun, RowTooLarge, StatementFailed
from codegod_database.guard import Access, Guard
from codegod_database.records import ColumnInfo, QueryPlan, Step

# Characters of a page's rows as JSON. They are sent twice, as text and as data, and a page should fit a small window.
PAGE_CHARS = 48_000
# What RETURNING gives back beyond this can be read with a query.
_RETURNED_ROWS = 100
# SQLite's integers.
_INTEGERS = range(-(2**63), 2**63)
_KINDS = {int: "integer", float: "real", str: "text", bytes: "blob", type(None): "null"}

Value = str | int | float | None


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with the values for its `?` marks."""

    sql: str
    parameters: Sequence[Value]


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a result."""

    columns: list[ColumnInfo]
    rows: list[list[Value]]
    more: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a statement changed, and what its RETURNING gave."""

    changes: int
    last_row_id: int
    page: Page


def statement(sql: str, parameters: Sequence[Any]) -> Statement:
    """`sql` with its parameters, each checked to be a value that SQLite knows."""
    if not sql.strip().strip(";"):
        raise NothingToRun
    return Statement(sql, [_parameter(position, value) for position, value in enumerate(parameters, 1)])


def query(file: Path, wanted: Statement, skip: int, limit: int, budget: Budget) -> Page:
    """The rows from `skip` on, at most `limit`, of a statement that only reads."""
    with opened(file, "ro", Guard(Access.READ), budget) as connection:
        cursor = _run(connection, wanted)
        if cursor.description is None:
            raise GivesNoRows
        for _ in islice(cursor, skip):
            pass
        return _page(cursor, skip, limit)


def execute(file: Path, mode: Mode, wanted: Statement, *, destructive: bool, budget: Budget) -> Outcome:
    """Run a statement that writes, in a transaction of its own."""
    guard = Guard(Access.DESTROY if destructive else Access.WRITE)
    with opened(file, mode, guard, budget) as connection:
        with guard.off():
            connection.execute("BEGIN IMMEDIATE")
        before = connection.total_changes
        cursor = _run(connection, wanted)
        page = _page(cursor, 0, _RETURNED_ROWS)
        cursor.close()
        with guard.off():
            connection.execute("COMMIT")
        return Outcome(connection.total_changes - before, cursor.lastrowid or 0, page)


def explain(file: Path, wanted: Statement, budget: Budget) -> QueryPlan:
    """How SQLite would run a statement of any kind; it is not run."""
    asked = Statement(f"EXPLAIN QUERY PLAN {wanted.sql}", wanted.parameters)
    with opened(file, "ro", Guard(Access.DESTROY), budget) as connection:
        rows = _run(connection, asked).fetchall()
    steps = [Step(id=row[0], parent=row[1], detail=row[3]) for row in rows]
    return QueryPlan(steps=steps, scans=[step.detail for step in steps if step.detail.startswith("SCAN ")])


def _parameter(position: int, value: Any) -> Value:
    match value:
        case bool():
            return int(value)
        case int() if value not in _INTEGERS:
            raise BadParameter(position, "an integer of more than 64 bits")
        case None | int() | float() | str():
            return value
        case _:
            raise BadParameter(position, "a list" if isinstance(value, list) else "an object")


def _run(connection: sqlite3.Connection, wanted: Statement) -> sqlite3.Cursor:
    try:
        return connection.execute(wanted.sql, wanted.parameters)
    except (
        ValueError
    ) as error:  # a NUL in the statement; newer versions of Python raise an error of the module
        raise StatementFailed(str(error)) from error


def _page(cursor: sqlite3.Cursor, skip: int, limit: int) -> Page:
    """Up to `limit` of the rows that are left, fewer when they are long."""
    names = [column[0] for column in cursor.description or ()]
    kinds: list[set[str]] = [set() for _ in names]
    rows: list[list[Value]] = []
    left = PAGE_CHARS
    more = False
    for row in cursor:
        shown = [_shown(value) for value in row]
        size = len(json.dumps(shown, ensure_ascii=False))
        if size > PAGE_CHARS:
            raise RowTooLarge(skip + len(rows) + 1, size, PAGE_CHARS)
        more = len(rows) == limit or size > left
        if more:
            break
        rows.append(shown)
        left -= size
        for kind, value in zip(kinds, row, strict=True):
            kind.add(_KINDS[type(value)])
    columns = [
        ColumnInfo(name=name, type="|".join(sorted(kind))) for name, kind in zip(names, kinds, strict=True)
    ]
    return Page(columns, rows, more)


def _shown(value: Any) -> Value:
    """A value as JSON can hold it."""
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value  # type: ignore[no-any-return]
