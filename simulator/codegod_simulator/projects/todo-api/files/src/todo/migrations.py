"""Brings a database to the newest schema, one numbered SQL file after the other."""

import re
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

FILE_NAME = re.compile(r"\d{4}_[a-z0-9_]+\.sql")
UP = "-- migrate:up"
DOWN = "-- migrate:down"


class BrokenMigration(Exception):
    """A migration cannot be read or fails; nothing of it was kept."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name}: {why}")
        self.name = name


def apply_migrations(connection: sqlite3.Connection, folder: Path) -> list[str]:
    """Apply what is new in `folder` and return the names; raises BrokenMigration.

    `connection` must be in autocommit mode (isolation_level=None): each migration
    is a transaction of its own.
    """
    connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_migrations"
        " (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL)"
    )
    applied = []
    for path in _files(folder):
        if _apply(connection, path):
            applied.append(path.name)
    return applied


def statements_up(name: str, text: str) -> str:
    """The SQL between the marks for up and down; raises BrokenMigration."""
    before, up, rest = text.partition(UP)
    if before.strip() or not up:
        raise BrokenMigration(name, f"it has to begin with {UP!r}")
    return rest.partition(DOWN)[0].strip()


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise BrokenMigration(str(folder), "there is no such folder")
    return sorted(path for path in folder.iterdir() if FILE_NAME.fullmatch(path.name))


def _apply(connection: sqlite3.Connection, path: Path) -> bool:
    """Apply one file unless it was before; whether it was applied now."""
    script = statements_up(path.name, path.read_text(encoding="utf-8"))
    connection.execute("BEGIN IMMEDIATE")  # two processes may start at once
    try:
        known = connection.execute(
            "SELECT 1 FROM schema_migrations WHERE name = ?", (path.name,)
        ).fetchone()
        if known is None:
            for statement in _split(script):
                connection.execute(statement)
            connection.execute(
                "INSERT INTO schema_migrations VALUES (?, ?)",
                (path.name, datetime.now(UTC).isoformat()),
            )
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        connection.execute("ROLLBACK")
        raise BrokenMigration(path.name, str(error)) from error
    return known is None


def _split(script: str) -> list[str]:
    """The single statements: `executescript` would commit before it begins."""
    statements, current = [], ""
    for line in script.splitlines(keepends=True):
        current += line
        if sqlite3.complete_statement(current):
            statements.append(current)
            current = ""
    return [*statements, current] if current.strip() else statements
