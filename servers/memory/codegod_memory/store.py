"""The file of one scope: SQLite in WAL mode, which several processes may read and write at once."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from codegod_kit import ToolFault
from codegod_memory.faults import (
    FullTextSearchMissing,
    MemoryBusy,
    MemoryDamaged,
    MemoryTooNew,
    MemoryUnavailable,
)

# Writers queue on one lock; each holds it for milliseconds, so whoever waits this long waits for something stuck.
_BUSY_SECONDS = 15.0
# Kept open between calls: as many as calls usually run at once. More are opened when needed, and closed after.
_IDLE_CONNECTIONS = 4
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_UNAVAILABLE = (
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
)
_FORMAT = 1
_SCHEMA = """
CREATE TABLE documents (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    text_hash TEXT NOT NULL,
    created TEXT NOT NULL
);
CREATE INDEX documents_text ON documents (text_hash);
CREATE TABLE labels (
    id INTEGER PRIMARY KEY,
    document INTEGER NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    type TEXT NOT NULL,
    source TEXT NOT NULL,
    task TEXT NOT NULL,
    platform TEXT NOT NULL,
    origin TEXT NOT NULL,
    UNIQUE (document, type, source, task, platform, origin)
);
CREATE INDEX labels_source ON labels (source, task);
CREATE INDEX labels_task ON labels (task);
CREATE TABLE tags (
    label INTEGER NOT NULL REFERENCES labels (id) ON DELETE CASCADE,
    tag TEXT NOT NULL,
    PRIMARY KEY (label, tag)
) WITHOUT ROWID;
CREATE TABLE chunks (
    id INTEGER PRIMARY KEY,
    document INTEGER NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    name TEXT NOT NULL,
    text TEXT NOT NULL,
    text_hash TEXT NOT NULL,
    first_line INTEGER NOT NULL,
    last_line INTEGER NOT NULL,
    UNIQUE (document, ordinal)
);
CREATE INDEX chunks_text ON chunks (text_hash);
CREATE VIRTUAL TABLE words USING fts5 (path, name, body);
CREATE VIRTUAL TABLE word_counts USING fts5vocab (words, row);
CREATE TRIGGER chunks_gone AFTER DELETE ON chunks BEGIN
    DELETE FROM words WHERE rowid = old.id;
END;
"""


class Store:
    """One scope's database; connections are lent to a thread at a time."""

    def __init__(self, scope: str, file: Path) -> None:
        self.scope = scope
        self._file = file
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._closed = False
        self._identity: tuple[int, int] | None = None

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one state of the store throughout the block."""
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A connection that alone writes; all of the block is kept, or nothing. Keep it short."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    def close(self) -> None:
        """Close what is idle now; what is lent closes when it comes back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self._named_faults():
            connection = self._borrow()
            try:
                connection.execute(begin)
                yield connection
                connection.execute("COMMIT")
            except sqlite3.DatabaseError:
                # Whatever is wrong with the file, the next call looks at it afresh.
                connection.close()
                raise
            except BaseException:
                connection.execute("ROLLBACK")
                self._give_back(connection)
                raise
            self._give_back(connection)

    def _borrow(self) -> sqlite3.Connection:
        with self._lock:
            if self._identity == _identity(self._file) and self._idle:
                return self._idle.pop()
            # Somebody moved the file away: what is open would write to where nobody reads.
            outdated, self._idle = self._idle, []
        for connection in outdated:
            connection.close()
        return self._open()

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            if not self._closed and len(self._idle) < _IDLE_CONNECTIONS:
                self._idle.append(connection)
                return
        connection.close()

    def _open(self) -> sqlite3.Connection:
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self._file, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA foreign_keys = ON")
            _use_wal(connection)
            # What a caller was told is stored survives a power cut too; a commit costs a fraction of a millisecond.
            connection.execute("PRAGMA synchronous = FULL")
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._identity = _identity(self._file)
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        if _format(connection) == _FORMAT:
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            found = _format(connection)
            if found not in (0, _FORMAT):
                raise MemoryTooNew(self.scope, found, _FORMAT)
            if found == 0:
                for statement in _statements(_SCHEMA):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {_FORMAT}")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    @contextmanager
    def _named_faults(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise self._fault(error) or error from error

    def _fault(self, error: sqlite3.DatabaseError) -> ToolFault | None:
        """What a caller is told about `error`; None when it is a bug of ours."""
        kind = _kind(error)
        if kind in _BUSY:
            return MemoryBusy(self.scope, _BUSY_SECONDS)
        if kind in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return MemoryDamaged(self.scope, str(error))
        if kind in _UNAVAILABLE:
            return MemoryUnavailable(self.scope, str(error))
        if "no such module: fts5" in str(error):
            return FullTextSearchMissing(sqlite3.sqlite_version)
        return None


def _identity(file: Path) -> tuple[int, int] | None:
    """What tells a file from another that has its name later; None when there is none."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _format(connection: sqlite3.Connection) -> int:
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    return int(found)


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switching to WAL does not wait for its lock as other statements do, so waiting is ours."""
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if _kind(error) not in _BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _kind(error: sqlite3.Error) -> int:
    # The low byte is the kind, the rest a detail (BUSY_RECOVERY); errors of the binding itself have none.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
