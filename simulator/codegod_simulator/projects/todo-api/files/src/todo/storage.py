"""Todos in one SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

from todo.errors import TodoNotFound
from todo.migrations import apply_migrations
from todo.models import Todo, TodoChanges, TodoDraft

BUSY_SECONDS = 5.0  # how long a writer waits for another one
LARGEST_ID = 2**63 - 1  # SQLite's integers end here


def utc_now() -> datetime:
    """The current time, with its zone."""
    return datetime.now(UTC)


class TodoStore:
    """Todos by id. Every operation has a connection of its own: any thread may call."""

    def __init__(self, path: Path, now: Callable[[], datetime] = utc_now) -> None:
        self._path = path
        self._now = now

    @classmethod
    def open(cls, path: Path, migrations: Path) -> TodoStore:
        """The store in the file `path`, brought to the schema in `migrations`."""
        store = cls(path)
        with store._connection() as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            apply_migrations(connection, migrations)
        return store

    def add(self, draft: TodoDraft) -> Todo:
        """Store a new todo."""
        now = self._now().isoformat()
        values = (draft.title, draft.notes, _stored(draft.due), now, now)
        with self._transaction() as connection:
            row = connection.execute(
                "INSERT INTO todos (title, notes, due, created_at, updated_at)"
                " VALUES (?, ?, ?, ?, ?) RETURNING *",
                values,
            ).fetchone()
        return _todo(row)

    def get(self, todo_id: int) -> Todo:
        """The todo with this id; raises TodoNotFound."""
        with self._connection() as connection:
            return _find(connection, todo_id)

    def page(
        self, *, done: bool | None = None, limit: int, after: int = 0
    ) -> list[Todo]:
        """The next `limit` todos behind the id `after`, all or those with this state."""
        with self._connection() as connection:
            rows = connection.execute(
                "SELECT * FROM todos WHERE id > ? AND (? IS NULL OR done = ?)"
                " ORDER BY id LIMIT ?",
                (min(after, LARGEST_ID), done, done, limit),
            ).fetchall()
        return [_todo(row) for row in rows]

    def change(self, todo_id: int, changes: TodoChanges) -> Todo:
        """Change a todo and return what it is now; raises TodoNotFound."""
        with self._transaction() as connection:
            todo = changes.apply(_find(connection, todo_id), self._now())
            connection.execute(
                "UPDATE todos SET title = ?, notes = ?, done = ?, due = ?, updated_at = ?"
                " WHERE id = ?",
                (
                    todo.title,
                    todo.notes,
                    todo.done,
                    _stored(todo.due),
                    todo.updated_at.isoformat(),
                    todo.id,
                ),
            )
        return todo

    def remove(self, todo_id: int) -> None:
        """Forget a todo; raises TodoNotFound."""
        with self._transaction() as connection:
            _find(connection, todo_id)
            connection.execute("DELETE FROM todos WHERE id = ?", (todo_id,))

    def ping(self) -> None:
        """Raise sqlite3.Error if the todos cannot be read."""
        with self._connection() as connection:
            connection.execute("SELECT 1 FROM todos LIMIT 1").fetchone()

    @contextmanager
    def _connection(self) -> Generator[sqlite3.Connection, None, None]:
        connection = sqlite3.connect(
            self._path, timeout=BUSY_SECONDS, isolation_level=None
        )
        try:
            connection.row_factory = sqlite3.Row
            yield connection
        finally:
            connection.close()

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection, None, None]:
        """A connection whose work counts as a whole, or not at all."""
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")


def _find(connection: sqlite3.Connection, todo_id: int) -> Todo:
    if todo_id > LARGEST_ID:
        raise TodoNotFound(todo_id)
    row = connection.execute("SELECT * FROM todos WHERE id = ?", (todo_id,)).fetchone()
    if row is None:
        raise TodoNotFound(todo_id)
    return _todo(row)


def _todo(row: sqlite3.Row) -> Todo:
    return Todo(
        id=row["id"],
        title=row["title"],
        notes=row["notes"],
        done=bool(row["done"]),
        due=date.fromisoformat(row["due"]) if row["due"] else None,
        created_at=datetime.fromisoformat(row["created_at"]),
        updated_at=datetime.fromisoformat(row["updated_at"]),
    )


def _stored(due: date | None) -> str | None:
    return due.isoformat() if due else None
