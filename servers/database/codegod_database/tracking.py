"""Which migrations a database has: a table of its own, which no migration may touch."""

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime

TRACKING_TABLE = "codegod_migrations"


@dataclass(frozen=True, slots=True)
class Applied:
    """A migration that a database has."""

    file: str
    checksum: str


def applied(connection: sqlite3.Connection) -> list[Applied]:
    """The migrations of a database in their order; none for one that was never migrated."""
    known = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (TRACKING_TABLE,)).fetchone()
    if known is None:
        return []
    rows = connection.execute(f"SELECT file, checksum FROM {TRACKING_TABLE} ORDER BY file")  # noqa: S608
    return [Applied(*row) for row in rows]


def record(connection: sqlite3.Connection, file: str, checksum: str) -> None:
    """Note that a migration was applied."""
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS {TRACKING_TABLE} "
        "(file TEXT PRIMARY KEY, checksum TEXT NOT NULL, applied_at TEXT NOT NULL)"
    )
    connection.execute(
        f"INSERT INTO {TRACKING_TABLE} VALUES (?, ?, ?)",  # noqa: S608
        (file, checksum, datetime.now(UTC).isoformat(timespec="seconds")),
    )


def forget(connection: sqlite3.Connection, file: str) -> None:
    """Note that a migration was taken back."""
    connection.execute(f"DELETE FROM {TRACKING_TABLE} WHERE file = ?", (file,))  # noqa: S608
