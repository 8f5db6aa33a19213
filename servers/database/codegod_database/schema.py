"""What a database looks like."""

import re
import sqlite3
from pathlib import Path

from codegod_database.engine import Budget, opened
from codegod_database.faults import UnknownTable
from codegod_database.guard import Access, Guard
from codegod_database.records import Column, ForeignKey, Index, Table
from codegod_database.tracking import TRACKING_TABLE

_TOKEN = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`|\[[^\]]*\]|--[^\n]*|/\*.*?\*/|\w+|[^\w\s]", re.DOTALL)
_OWN = "name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name != ?"


def tables_of(file: Path, table: str, budget: Budget) -> list[Table]:
    """Every table and view of a database, or the one called `table`."""
    with opened(file, "ro", Guard(Access.READ), budget) as connection:
        rows = connection.execute(
            f"SELECT name, type, coalesce(sql, '') FROM sqlite_schema WHERE type IN ('table', 'view') AND {_OWN} "  # noqa: S608
            "AND name NOT IN (SELECT name FROM pragma_table_list WHERE type = 'shadow') ORDER BY name",
            (TRACKING_TABLE,),
        ).fetchall()
        known = [name for name, _, _ in rows]
        if table and table.lower() not in (name.lower() for name in known):
            raise UnknownTable(table, known)
        return [_table(connection, *row) for row in rows if not table or row[0].lower() == table.lower()]


def snapshot(connection: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    """Kind and name of everything in the schema -> its definition without its spelling, for comparing."""
    rows = connection.execute(
        f"SELECT type, name, coalesce(sql, '') FROM sqlite_schema WHERE {_OWN} AND tbl_name != ?",  # noqa: S608
        (TRACKING_TABLE, TRACKING_TABLE),
    )
    return {f"{kind} {name!r}": _spelled_alike(sql) for kind, name, sql in rows}


def _spelled_alike(sql: str) -> tuple[str, ...]:
    """The tokens of a definition: blanks, comments, quotes around names and the case of words do not matter."""
    tokens = (found.group() for found in _TOKEN.finditer(sql))
    return tuple(_token(token) for token in tokens if not token.startswith(("--", "/*")))


def _token(token: str) -> str:
    if token.startswith("'"):
        return token
    quoted = len(token) > 1 and token[0] in '"`['
    return (token[1:-1] if quoted else token).lower()


def _table(connection: sqlite3.Connection, name: str, kind: str, sql: str) -> Table:
    virtual = sql.lstrip()[:14].upper() == "CREATE VIRTUAL"
    return Table(
        name=name,
        kind="virtual" if virtual else "view" if kind == "view" else "table",
        columns=_columns(connection, name),
        indexes=_indexes(connection, name),
        foreign_keys=_foreign_keys(connection, name),
        triggers=[
            row[0]
            for row in connection.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ? ORDER BY name",
                (name,),
            )
        ],
        sql=sql,
    )


def _columns(connection: sqlite3.Connection, table: str) -> list[Column]:
    rows = connection.execute(
        'SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_xinfo(?)', (table,)
    )
    return [
        Column(name=name, type=kind, not_null=bool(not_null), default=default, primary_key=key)
        for name, kind, not_null, default, key in rows
    ]


def _indexes(connection: sqlite3.Connection, table: str) -> list[Index]:
    rows = connection.execute(
        'SELECT name, "unique" FROM pragma_index_list(?) ORDER BY name', (table,)
    ).fetchall()
    return [
        Index(
            name=name,
            unique=bool(unique),
            # An expression has no name.
            columns=[
                row[0] or "(expression)"
                for row in connection.execute("SELECT name FROM pragma_index_info(?)", (name,))
            ],
        )
        for name, unique in rows
    ]


def _foreign_keys(connection: sqlite3.Connection, table: str) -> list[ForeignKey]:
    keys: dict[int, ForeignKey] = {}
    rows = connection.execute(
        'SELECT id, "table", "from", "to", on_delete FROM pragma_foreign_key_list(?) ORDER BY id, seq',
        (table,),
    )
    for number, parent, column, reference, on_delete in rows:
        key = keys.setdefault(
            number, ForeignKey(columns=[], table=parent, references=[], on_delete=on_delete)
        )
        key.columns.append(column)
        if reference is not None:
            key.references.append(reference)
    return list(keys.values())
