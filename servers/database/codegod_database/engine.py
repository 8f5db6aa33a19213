"""One SQLite connection for one call: guarded, limited, and stopped when its time is over."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal

from codegod_database.faults import (
    DatabaseBusy,
    DatabaseFault,
    DatabaseFull,
    NotADatabase,
    OneStatement,
    ReadingOnly,
    StatementFailed,
    StatementRefused,
    TookTooLong,
    ValueTooLarge,
)
from codegod_database.guard import Guard

Mode = Literal["ro", "rw", "rwc", "memory"]

# What SQLite's own advice for hostile SQL gives: enough for any value of an application's tests, and it bounds what
# one function call can take (`instr` on two such values runs five seconds, and nothing stops it inside).
VALUE_LIMIT_BYTES = 1_000_000
# A scratch database of tests; its journal may take as much again.
DATABASE_LIMIT_BYTES = 256 * 1024 * 1024
# A database in memory holds what migrations put in: a schema and a few rows.
MEMORY_LIMIT_BYTES = 32 * 1024 * 1024
# How long a call waits for another program's transaction.
_BUSY_SECONDS = 5.0
# Instructions of SQLite's machine between two looks at the clock: about a tenth of a millisecond.
_CHECK_EVERY = 10_000
_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: VALUE_LIMIT_BYTES,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 100_000,
    sqlite3.SQLITE_LIMIT_COLUMN: 500,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 200,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 100,
    # No statement of ours attaches; this holds even if the guard should not be asked.
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    # LIKE costs pattern times text.
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 1_000,
    sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER: 1_000,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 50,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}


class Budget:
    """The time of one call; `stop` ends it early, from any thread."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds
        self._stopped = threading.Event()

    def over(self) -> bool:
        """Whether the call must end now."""
        return self._stopped.is_set() or time.monotonic() > self._end

    def stop(self) -> None:
        """End the call at the next look."""
        self._stopped.set()


@contextmanager
def opened(file: Path, mode: Mode, guard: Guard, budget: Budget) -> Iterator[sqlite3.Connection]:
    """A connection whose every statement `guard` allows; what fails inside the block is a `DatabaseFault`."""
    with _faults(file.stem, guard, budget):
        connection = _connect(file, mode)
        try:
            _limit(connection, mode)
            connection.set_authorizer(guard)
            connection.set_progress_handler(budget.over, _CHECK_EVERY)
            yield connection
        finally:
            if connection.in_transaction:
                # Without the guard and the clock: taking back must always work.
                connection.set_authorizer(None)
                connection.set_progress_handler(None, 0)
                connection.rollback()
            connection.close()


def _connect(file: Path, mode: Mode) -> sqlite3.Connection:
    if mode == "ro" and file.with_name(f"{file.name}-journal").exists():
        # A program died in mid-transaction. Taking back what it left needs a writer; any read does it then.
        with closing(_connect(file, "rw")) as connection:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    target = ":memory:" if mode == "memory" else f"{file.as_uri()}?mode={mode}"
    return sqlite3.connect(target, uri=mode != "memory", timeout=_BUSY_SECONDS, isolation_level=None)


def _limit(connection: sqlite3.Connection, mode: Mode) -> None:
    for limit, value in _LIMITS.items():
        connection.setlimit(limit, value)
    # A column may hold bytes that are no text although they claim to be.
    connection.text_factory = _text
    connection.execute("PRAGMA trusted_schema = OFF")
    if mode == "ro":
        connection.execute("PRAGMA query_only = ON")
    else:
        page = connection.execute("PRAGMA page_size").fetchone()[0]
        limit_bytes = MEMORY_LIMIT_BYTES if mode == "memory" else DATABASE_LIMIT_BYTES
        connection.execute(f"PRAGMA max_page_count = {limit_bytes // page}")
        connection.execute("PRAGMA foreign_keys = ON")


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")


@contextmanager
def _faults(name: str, guard: Guard, budget: Budget) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, sqlite3.Warning) as error:
        raise fault_of(name, error, guard, budget) from error


def fault_of(name: str, error: Exception, guard: Guard, budget: Budget) -> DatabaseFault:
    """What a caller is told about an error of SQLite or of Python's binding while the database `name` was used."""
    if guard.refusal is not None:
        return guard.refusal
    # The low byte is the kind, the rest a detail; errors of the binding itself have none.
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_INTERRUPT:
            return TookTooLong(budget.seconds)
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return DatabaseBusy(name, _BUSY_SECONDS)
        case sqlite3.SQLITE_FULL:
            return DatabaseFull(DATABASE_LIMIT_BYTES)
        case sqlite3.SQLITE_TOOBIG:
            return ValueTooLarge(VALUE_LIMIT_BYTES)
        case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_CANTOPEN:
            return NotADatabase(name, str(error))
        case sqlite3.SQLITE_READONLY:
            return ReadingOnly("writing")
        case 0:
            return _binding_fault(error)
        case _:
            return _engine_fault(error)


def _engine_fault(error: Exception) -> DatabaseFault:
    if "too many attached databases" in str(error):
        return StatementRefused("VACUUM", "Scratch databases are thrown away; there is nothing to gain.")
    return StatementFailed(str(error))


def _binding_fault(error: Exception) -> DatabaseFault:
    """Errors that Python's module finds before SQLite sees the statement; their classes differ between versions."""
    text = str(error)
    if "one statement at a time" in text:
        return OneStatement()
    return StatementFailed(text)
