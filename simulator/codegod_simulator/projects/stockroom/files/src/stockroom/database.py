"""The database file and its schema."""

from __future__ import annotations

import sqlite3
from pathlib import Path

BUSY_SECONDS = 5.0  # how long a writer waits for another one
UP = "-- migrate:up"
DOWN = "-- migrate:down"


def open_database(path: Path, migrations: Path) -> sqlite3.Connection:
    """A connection to the file `path`, brought to the schema of the folder `migrations`.

    The caller closes it and begins its own transactions. Raises sqlite3.Error when a migration fails; those before
    it stay applied.
    """
    connection = connect(path)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE IF NOT EXISTS applied (name TEXT PRIMARY KEY)")
        for file in sorted(migrations.glob("*.sql")):
            _apply(connection, file)
    except BaseException:
        connection.close()
        raise
    return connection


def connect(path: Path) -> sqlite3.Connection:
    """A connection without a transaction, with rows by name and foreign keys on."""
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _apply(connection: sqlite3.Connection, file: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        known = connection.execute(
            "SELECT 1 FROM applied WHERE name = ?", (file.name,)
        ).fetchone()
        if known is None:
            for statement in _statements(file.read_text(encoding="utf-8")):
                connection.execute(statement)
            connection.execute("INSERT INTO applied (name) VALUES (?)", (file.name,))
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _statements(text: str) -> list[str]:
    """The statements of the way up, each whole: a semicolon may stand inside of one."""
    up = text.partition(UP)[2].partition(DOWN)[0]
    statements: list[str] = []
    pending = ""
    for line in up.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            statements.append(pending)
            pending = ""
    return [*statements, pending] if pending.strip() else statements
