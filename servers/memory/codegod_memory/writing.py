"""Puts texts into a store, and takes them out. Every function runs inside the caller's write transaction."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from codegod_memory.documents import Document, Labelled, text_hash
from codegod_memory.filters import Filter
from codegod_memory.lexical import add_words


@dataclass(frozen=True, slots=True)
class Removed:
    """How many labels went, and how many texts with their last label."""

    labels: int
    documents: int


def put(connection: sqlite3.Connection, document: Document, *, pieces_too: bool) -> tuple[str, int]:
    """Store a written text unless this scope holds it; its id and how many chunks were added (0: it was known).

    A text that is known under another name gets this name too. With `pieces_too`, a text that is a piece of a stored
    one is known as well: whoever stores a piece of memory gives back what was recalled.
    """
    same = connection.execute(
        "SELECT id, key FROM documents WHERE text_hash = ? ORDER BY id LIMIT 1", (document.text_hash,)
    ).fetchone()
    if same is not None:
        _label(connection, same["id"], document.label)
        return same["key"], 0
    piece = connection.execute(
        "SELECT d.key FROM chunks AS c JOIN documents AS d ON d.id = c.document WHERE c.text_hash = ? LIMIT 1",
        (document.text_hash,),
    ).fetchone()
    if piece is not None and pieces_too:
        return piece["key"], 0
    return document.key, _insert(connection, document)


def put_file(connection: sqlite3.Connection, document: Document) -> int:
    """Make a file's text the only one indexed for its path and task; how many chunks were added."""
    label = document.label
    known = connection.execute("SELECT id FROM documents WHERE key = ?", (document.key,)).fetchone()
    added = 0
    if known is None:
        added = _insert(connection, document)
    else:
        _label(connection, known["id"], label)
    remove_file(connection, label.source, label.task, keep=document.key)
    return added


def remove_file(connection: sqlite3.Connection, source: str, task: str, *, keep: str = "") -> Removed:
    """Take out what was indexed for a path and task, except the text whose key is `keep`."""
    return _remove(
        connection,
        "l.origin = 'indexed' AND l.source = ? AND l.task = ? "
        "AND l.document IS NOT (SELECT id FROM documents WHERE key = ?)",
        (source, task, keep),
    )


def remove_older(connection: sqlite3.Connection, label: Labelled, *, keep: str) -> Removed:
    """Take out written texts with the same type, source, task and platform, except the one whose key is `keep`."""
    return _remove(
        connection,
        "l.origin = 'written' AND l.type = ? AND l.source = ? AND l.task = ? AND l.platform = ? "
        "AND l.document IS NOT (SELECT id FROM documents WHERE key = ?)",
        (label.type, label.source, label.task, label.platform, keep),
    )


def remove_entry(connection: sqlite3.Connection, key: str) -> Removed:
    """Take out one text with all its labels."""
    return _remove(connection, "l.document = (SELECT id FROM documents WHERE key = ?)", (key,))


def remove_matching(connection: sqlite3.Connection, wanted: Filter) -> Removed:
    """Take out the labels that `wanted` is about; a filter without conditions is about all."""
    conditions, values = wanted.where()
    return _remove(connection, conditions or "TRUE", values)


def _insert(connection: sqlite3.Connection, document: Document) -> int:
    created = datetime.now(UTC).isoformat(timespec="seconds")
    row = connection.execute(
        "INSERT INTO documents (key, text_hash, created) VALUES (?, ?, ?)",
        (document.key, document.text_hash, created),
    ).lastrowid
    if row is None:
        raise AssertionError("an insert has a row id")
    _label(connection, row, document.label)
    for ordinal, chunk in enumerate(document.chunks):
        chunk_row = connection.execute(
            """INSERT INTO chunks (document, ordinal, name, text, text_hash, first_line, last_line)
               VALUES (?, ?, ?, ?, ?, ?, ?)""",
            (row, ordinal, chunk.name, chunk.text, text_hash(chunk.text), chunk.first_line, chunk.last_line),
        ).lastrowid
        if chunk_row is None:
            raise AssertionError("an insert has a row id")
        add_words(connection, chunk_row, document.label.source, chunk)
    return len(document.chunks)


def _label(connection: sqlite3.Connection, document: int, label: Labelled) -> None:
    row = connection.execute(
        """INSERT INTO labels (document, type, source, task, platform, origin) VALUES (?, ?, ?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET origin = excluded.origin RETURNING id""",
        (document, label.type, label.source, label.task, label.platform, label.origin),
    ).fetchone()
    connection.executemany(
        "INSERT OR IGNORE INTO tags (label, tag) VALUES (?, ?)", [(row["id"], tag) for tag in label.tags]
    )


def _remove(connection: sqlite3.Connection, condition: str, values: Sequence[object]) -> Removed:
    """Delete the labels that meet `condition` (one of ours, on `l`), then the texts that have none left."""
    rows = connection.execute(
        f"SELECT l.id, l.document FROM labels AS l WHERE {condition}",  # noqa: S608
        values,
    ).fetchall()
    connection.executemany("DELETE FROM labels WHERE id = ?", [(row["id"],) for row in rows])
    documents = 0
    for document in {row["document"] for row in rows}:
        documents += connection.execute(
            "DELETE FROM documents WHERE id = ? AND NOT EXISTS (SELECT 1 FROM labels WHERE document = documents.id)",
            (document,),
        ).rowcount
    return Removed(len(rows), documents)
