"""Looks at what a store holds. Every function runs inside the caller's read transaction."""

import re
import sqlite3
from dataclasses import dataclass

from codegod_memory.filters import Filter
from codegod_memory.records import Entry, Label

_ID = re.compile(r"([0-9a-f]{16})(?:\.([0-9]{1,9}))?")
# An error that every attempt repeats gathers many labels; who needs them all filters by task.
_LABELS = 20


@dataclass(frozen=True, slots=True)
class Text:
    """What an id stands for."""

    text: str
    labels: list[Label]


def read(connection: sqlite3.Connection, entry: str) -> Text | None:
    """The text of an entry, or of one piece of it; None when there is none."""
    found = _ID.fullmatch(entry)
    if found is None:
        return None
    key, ordinal = found.groups()
    rows = connection.execute(
        "SELECT c.document, c.text FROM chunks AS c JOIN documents AS d ON d.id = c.document "
        "WHERE d.key = ? AND (? IS NULL OR c.ordinal = ?) ORDER BY c.ordinal",
        (key, ordinal, ordinal),
    ).fetchall()
    if not rows:
        return None
    return Text("".join(row["text"] for row in rows), _labels(connection, rows[0]["document"], Filter()))


def entries(
    connection: sqlite3.Connection, wanted: Filter, after: int, limit: int
) -> tuple[list[Entry], int]:
    """Up to `limit` entries stored after the row `after`, and the row to go on after (0: there are no more)."""
    conditions, values = wanted.where()
    rows = connection.execute(
        f"""SELECT d.id, d.key, d.created, count(c.id) AS chunks, sum(length(c.text)) AS chars
            FROM documents AS d JOIN chunks AS c ON c.document = d.id
            WHERE d.id > ? AND EXISTS (
                SELECT 1 FROM labels AS l WHERE l.document = d.id {"AND " + conditions if conditions else ""}
            ) GROUP BY d.id ORDER BY d.id LIMIT ?""",  # noqa: S608
        (after, *values, limit + 1),
    ).fetchall()
    shown = [
        Entry(
            id=row["key"],
            created=row["created"],
            chunks=row["chunks"],
            chars=row["chars"],
            labels=_labels(connection, row["id"], wanted),
        )
        for row in rows[:limit]
    ]
    return shown, rows[limit - 1]["id"] if len(rows) > limit else 0


def tags_of(connection: sqlite3.Connection, label: int) -> list[str]:
    """The tags of one label, in order."""
    return [
        row["tag"]
        for row in connection.execute("SELECT tag FROM tags WHERE label = ? ORDER BY tag", (label,))
    ]


def indexed_keys(connection: sqlite3.Connection, task: str) -> dict[str, str]:
    """Path -> key of every file that is indexed for `task`."""
    rows = connection.execute(
        "SELECT l.source, d.key FROM labels AS l JOIN documents AS d ON d.id = l.document "
        "WHERE l.origin = 'indexed' AND l.task = ?",
        (task,),
    )
    return {row["source"]: row["key"] for row in rows}


def count_by_type(connection: sqlite3.Connection) -> dict[str, int]:
    """Type -> how many texts are stored as that."""
    rows = connection.execute("SELECT type, count(DISTINCT document) FROM labels GROUP BY type ORDER BY type")
    return {row[0]: row[1] for row in rows}


def count_all(connection: sqlite3.Connection) -> tuple[int, int, int]:
    """How many entries and chunks there are, and how many bytes the database has."""
    documents, chunks = connection.execute(
        "SELECT (SELECT count(*) FROM documents), (SELECT count(*) FROM chunks)"
    ).fetchone()
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    size = connection.execute("PRAGMA page_size").fetchone()[0]
    return documents, chunks, pages * size


def _labels(connection: sqlite3.Connection, document: int, wanted: Filter) -> list[Label]:
    conditions, values = wanted.where()
    rows = connection.execute(
        f"""SELECT l.id, l.type, l.source, l.task, l.platform, l.origin FROM labels AS l
            WHERE l.document = ? {"AND " + conditions if conditions else ""} ORDER BY l.id LIMIT ?""",  # noqa: S608
        (document, *values, _LABELS),
    )
    return [
        Label(
            type=row["type"],
            source=row["source"],
            task=row["task"],
            platform=row["platform"],
            origin=row["origin"],
            tags=tags_of(connection, row["id"]),
        )
        for row in rows
    ]
