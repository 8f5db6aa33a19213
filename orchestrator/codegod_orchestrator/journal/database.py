"""The database under the journal: one engine that writes, one that reads, and how SQLite is told to behave."""

import os
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from sqlalchemy import URL, Connection, Engine, create_engine, event, insert, select
from sqlalchemy.exc import DatabaseError

from codegod_orchestrator.journal.faults import JournalUnusable
from codegod_orchestrator.journal.schema import SCHEMA_VERSION, metadata, versions

# How long a write waits for another process's: its transactions take milliseconds, a checkpoint on a slow disk seconds.
BUSY_SECONDS = 30
# Reads run in threads; more at once than this gain nothing on one file.
READERS = 8
_WAL_RETRY_SECONDS = 0.02
# Execution option of a writing connection: whether its commit must survive a power cut.
DURABLE = "codegod_durable"


@dataclass(frozen=True, slots=True)
class Database:
    """`writer` belongs to the writer thread alone; `reader` cannot write and is shared."""

    writer: Engine
    reader: Engine

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open or make the database at `path`; raise `JournalUnusable` when it is not a journal of this version."""
        try:
            _make_file(path)
            database = cls(_writing(path), _reading(path))
        except OSError as error:
            raise JournalUnusable(str(path), error.strerror or str(error)) from error
        try:
            with database.writer.begin() as connection:
                _lay_out(connection, path)
        except DatabaseError as error:
            database.close()
            raise JournalUnusable(str(path), str(error.orig)) from error
        except JournalUnusable:
            database.close()
            raise
        return database

    def close(self) -> None:
        self.reader.dispose()
        self.writer.dispose()


def _make_file(path: Path) -> None:
    """Prompts and tool results are nobody else's to read, least of all the sandbox's user: SQLite's side files inherit the mode."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _lay_out(connection: Connection, path: Path) -> None:
    metadata.create_all(connection)
    found = connection.scalar(select(versions.c.version))
    if found is None:
        connection.execute(insert(versions).values(version=SCHEMA_VERSION))
    elif found != SCHEMA_VERSION:
        raise JournalUnusable(
            str(path), f"it has version {found}, and this program writes version {SCHEMA_VERSION}"
        )


def _writing(path: Path) -> Engine:
    engine = _engine(path, pool_size=1, max_overflow=0)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # transactions begin where we say, below
        _switch_to_wal(connection)
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # FULL syncs the log, and with it every commit before; NORMAL survives a kill of the process, and a power cut
        # may take the last commits but never breaks one.
        durable = connection.get_execution_options().get(DURABLE, True)
        connection.exec_driver_sql(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """SQLite's busy timeout does not cover this step, and two processes may make the journal at once."""
    give_up = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
            time.sleep(_WAL_RETRY_SECONDS)
        else:
            break
    if mode != "wal":
        raise sqlite3.OperationalError("its file system cannot hold a write-ahead log")


def _reading(path: Path) -> Engine:
    engine = _engine(path, pool_size=READERS, max_overflow=0)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA query_only = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")  # several selects of one read see one state

    return engine


def _engine(path: Path, **pool: int) -> Engine:
    url = URL.create("sqlite", database=str(path))
    return create_engine(url, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False}, **pool)
