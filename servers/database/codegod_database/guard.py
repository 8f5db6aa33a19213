"""What a statement may do, decided by the engine while it compiles the statement.

No SQL is read here: SQLite itself asks about every table, function and pragma that a statement would use, also those
in its views, triggers and common table expressions.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum, auto

from codegod_database.faults import DatabaseFault, DestructiveStatement, ReadingOnly, StatementRefused
from codegod_database.tracking import TRACKING_TABLE

# Not among the constants of Python's module.
_SQLITE_RECURSIVE = 33
_READS = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, _SQLITE_RECURSIVE})
# Without PRAGMA writable_schema, which is refused, SQLite lets nobody write to these.
_SCHEMA_TABLES = frozenset({"sqlite_master", "sqlite_schema"})
_WRITES = {
    sqlite3.SQLITE_INSERT: "INSERT",
    sqlite3.SQLITE_UPDATE: "UPDATE",
    sqlite3.SQLITE_DELETE: "DELETE",
    sqlite3.SQLITE_CREATE_TABLE: "CREATE TABLE",
    sqlite3.SQLITE_CREATE_INDEX: "CREATE INDEX",
    sqlite3.SQLITE_CREATE_VIEW: "CREATE VIEW",
    sqlite3.SQLITE_CREATE_TRIGGER: "CREATE TRIGGER",
    sqlite3.SQLITE_CREATE_VTABLE: "CREATE VIRTUAL TABLE",
    sqlite3.SQLITE_ALTER_TABLE: "ALTER TABLE",
    sqlite3.SQLITE_REINDEX: "REINDEX",
    sqlite3.SQLITE_ANALYZE: "ANALYZE",
}
_DROPS = {
    sqlite3.SQLITE_DROP_TABLE: "DROP TABLE",
    sqlite3.SQLITE_DROP_INDEX: "DROP INDEX",
    sqlite3.SQLITE_DROP_VIEW: "DROP VIEW",
    sqlite3.SQLITE_DROP_TRIGGER: "DROP TRIGGER",
    sqlite3.SQLITE_DROP_VTABLE: "DROP TABLE",
}
_BEYOND = {
    sqlite3.SQLITE_ATTACH: "ATTACH (also in VACUUM)",
    sqlite3.SQLITE_DETACH: "DETACH",
    sqlite3.SQLITE_TRANSACTION: "BEGIN, COMMIT or ROLLBACK",
    sqlite3.SQLITE_SAVEPOINT: "SAVEPOINT",
}
_ONE_DATABASE = "A call reaches its own database only, in a transaction of its own."
# These load code or touch files where a build of SQLite has them.
_FUNCTIONS = frozenset({"load_extension", "fts3_tokenizer", "readfile", "writefile", "edit", "zipfile"})
# Full-text search, and boxes in space: modules that keep everything in the database itself.
_MODULES = frozenset({"fts3", "fts4", "fts5", "rtree", "rtree_i32"})
# They only tell, whatever they are given.
_TELLING = frozenset(
    {
        "collation_list", "compile_options", "data_version", "foreign_key_check", "foreign_key_list", "function_list",
        "index_info", "index_list", "index_xinfo", "integrity_check", "module_list", "quick_check", "table_info",
        "table_list", "table_xinfo",
    }
)  # fmt: skip
# They tell when they are given nothing, and change something otherwise.
_TELLING_ALONE = frozenset(
    {"application_id", "auto_vacuum", "encoding", "foreign_keys", "freelist_count", "journal_mode", "page_count", "page_size", "user_version"}
)  # fmt: skip


class Access(Enum):
    """How much a statement may do."""

    READ = auto()
    WRITE = auto()
    DESTROY = auto()
    """Also drop tables, indexes, views and triggers."""


class Guard:
    """Answers SQLite's questions; `refusal` holds the fault for the last thing that was denied."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._off = False
        self.refusal: DatabaseFault | None = None

    def __call__(
        self, action: int, first: str | None, second: str | None, database: str | None, inner: str | None
    ) -> int:
        """SQLITE_OK or SQLITE_DENY, as `sqlite3.Connection.set_authorizer` wants it."""
        if self._off:
            return sqlite3.SQLITE_OK
        refusal = self._refusal(action, first or "", second, database)
        if refusal is None:
            return sqlite3.SQLITE_OK
        self.refusal = refusal
        return sqlite3.SQLITE_DENY

    @contextmanager
    def off(self) -> Iterator[None]:
        """For our own statements."""
        self._off = True
        try:
            yield
        finally:
            self._off = False

    def _refusal(
        self, action: int, first: str, second: str | None, third: str | None
    ) -> DatabaseFault | None:
        if action in _READS:
            return None
        if action == sqlite3.SQLITE_FUNCTION:
            return self._function(second or "")
        if action == sqlite3.SQLITE_PRAGMA:
            return self._pragma(first.lower(), second)
        if action in _BEYOND:
            return StatementRefused(_BEYOND[action], _ONE_DATABASE)
        if action in _WRITES:
            return self._write(action, first, second or "", third)
        if action in _DROPS:
            return self._drop(_DROPS[action], first, second or "")
        return self._other()

    def _function(self, name: str) -> DatabaseFault | None:
        if name.lower() in _FUNCTIONS:
            return StatementRefused(f"The function {name}()", "It would load code or touch files.")
        return None

    def _pragma(self, name: str, value: str | None) -> DatabaseFault | None:
        if name in _TELLING or (name in _TELLING_ALONE and value is None):
            return None
        return StatementRefused(
            f"PRAGMA {name}",
            "Only pragmas that tell about the schema are run; foreign keys are checked always.",
        )

    def _write(self, action: int, first: str, second: str, column: str | None) -> DatabaseFault | None:
        if self._access is Access.READ:
            # To use a virtual table or a pragma as a table, SQLite itself compiles the declaration of its columns.
            declares = action == sqlite3.SQLITE_UPDATE and first in _SCHEMA_TABLES
            return None if declares else ReadingOnly(_WRITES[action])
        if action == sqlite3.SQLITE_CREATE_VTABLE and second.lower() not in _MODULES:
            return StatementRefused(
                f"The module {second!r}", f"Virtual tables may use {', '.join(sorted(_MODULES))}."
            )
        if action == sqlite3.SQLITE_ALTER_TABLE and column is not None:
            return self._drop("ALTER TABLE DROP COLUMN", column, second)
        return self._of_protected(first, second)

    def _drop(self, what: str, first: str, second: str) -> DatabaseFault | None:
        if self._access is Access.READ:
            return ReadingOnly(what)
        if self._access is Access.WRITE:
            return DestructiveStatement(f"{what} {first}")
        return self._of_protected(first, second)

    def _of_protected(self, *names: str) -> DatabaseFault | None:
        if TRACKING_TABLE in (name.lower() for name in names):
            return StatementRefused(f"Changing {TRACKING_TABLE}", "It records which migrations were applied.")
        return None

    def _other(self) -> DatabaseFault:
        """Temporary tables and the like: they would be gone with the call, and unknown kinds of action are no better."""
        if self._access is Access.READ:
            return ReadingOnly("this statement")
        return StatementRefused(
            "This kind of statement", "Every call has a connection of its own: nothing temporary lasts."
        )
