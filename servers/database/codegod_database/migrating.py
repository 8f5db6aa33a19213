"""Takes a database up and down its migrations."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from codegod_database.engine import Budget, Mode, fault_of, opened
from codegod_database.faults import TookTooLong
from codegod_database.guard import Access, Guard
from codegod_database.migrations import Migration, MigrationFault
from codegod_database.records import MigrationStep
from codegod_database.splitting import Sql
from codegod_database.tracking import applied, forget, record

Way = Literal["up", "down"]


class Migrator:
    """A database, open for its migrations."""

    def __init__(self, connection: sqlite3.Connection, guard: Guard, budget: Budget) -> None:
        self._connection = connection
        self._guard = guard
        self._budget = budget

    @property
    def connection(self) -> sqlite3.Connection:
        """For looking at the database."""
        return self._connection

    def step(self, migration: Migration, way: Way) -> MigrationStep:
        """`apply` in a transaction of its own."""
        with self.transaction():
            return self.apply(migration, way)

    def apply(self, migration: Migration, way: Way) -> MigrationStep:
        """Run one migration inside the caller's transaction and note it; a `MigrationFault` names the line."""
        statements = migration.up if way == "up" else migration.down
        for statement in statements:
            with self._located(migration.file, statement.line):
                self._connection.execute(statement.text)
        with self._guard.off():
            with self._located(migration.file, statements[-1].line if statements else 1):
                self._check_references(migration.file, statements)
            if way == "up":
                record(self._connection, migration.file, migration.checksum)
            else:
                forget(self._connection, migration.file)
        return MigrationStep(file=migration.file, direction=way, statements=len(statements))

    @contextmanager
    def transaction(self, *, keep: bool = True) -> Iterator[None]:
        """All of the block or nothing; always nothing without `keep`."""
        with self._guard.off():
            self._connection.execute("BEGIN IMMEDIATE")
        yield  # what fails here is taken back when the connection closes
        with self._guard.off():
            self._connection.execute("COMMIT" if keep else "ROLLBACK")

    @contextmanager
    def _located(self, file: str, line: int) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
            fault = fault_of(file, error, self._guard, self._budget)
            if isinstance(fault, TookTooLong):
                raise fault from error
            raise MigrationFault(file, line, str(fault)) from error

    def _check_references(self, file: str, statements: Sequence[Sql]) -> None:
        """What SQLite checks after every statement, once at the end: tables may be rebuilt in between."""
        broken = self._connection.execute("PRAGMA foreign_key_check").fetchone()
        if broken is not None:
            line = statements[-1].line if statements else 1
            raise MigrationFault(
                file, line, f"rows of {broken[0]!r} refer to rows of {broken[2]!r} that do not exist"
            )


@contextmanager
def migrating(file: Path, mode: Mode, budget: Budget) -> Iterator[Migrator]:
    """The database `file`, open for migrations; they may do all that a scratch database allows, drops included."""
    guard = Guard(Access.DESTROY)
    with opened(file, mode, guard, budget) as connection:
        with guard.off():
            connection.execute("PRAGMA foreign_keys = OFF")
        yield Migrator(connection, guard, budget)


def pending(migrations: Sequence[Migration], connection: sqlite3.Connection) -> list[Migration]:
    """What the database does not have yet; a `MigrationFault` when the files do not fit what it has."""
    files = {migration.file: migration for migration in migrations}
    known = applied(connection)
    for one in known:
        if one.file not in files:
            raise MigrationFault(
                one.file, 1, "this migration was applied and its file is gone; bring the file back"
            )
        if files[one.file].checksum != one.checksum:
            raise MigrationFault(
                one.file, 1, "this file was changed after it was applied; undo that and write a new migration"
            )
    names = {one.file for one in known}
    missing = [migration for migration in migrations if migration.file not in names]
    if missing and known and missing[0].file < known[-1].file:
        raise MigrationFault(
            missing[0].file, 1, f"{known[-1].file} is applied already; give this one a higher number"
        )
    return missing


def migrate(
    migrator: Migrator, migrations: Sequence[Migration], way: Way, steps: int, *, dry_run: bool
) -> list[MigrationStep]:
    """Take the database `steps` migrations up (0: all) or down (0: one); each one is kept as soon as it is done."""
    due = _due(migrator, migrations, way, steps)
    if dry_run:
        with migrator.transaction(keep=False):
            return [migrator.apply(migration, way) for migration in due]
    done: list[MigrationStep] = []
    for _ in due:
        with migrator.transaction():
            # Asked again under the lock: somebody else may have been faster.
            for migration in _due(migrator, migrations, way, 1):
                done.append(_apply(migrator, migration, way, done))
    return done


def _due(migrator: Migrator, migrations: Sequence[Migration], way: Way, steps: int) -> list[Migration]:
    missing = pending(migrations, migrator.connection)
    if way == "up":
        return missing[: steps or None]
    present = [migration for migration in migrations if migration not in missing]
    return present[::-1][: steps or 1]


def _apply(
    migrator: Migrator, migration: Migration, way: Way, done: Sequence[MigrationStep]
) -> MigrationStep:
    try:
        return migrator.apply(migration, way)
    except MigrationFault as error:
        kept = f" Done before it, and kept: {', '.join(step.file for step in done)}." if done else ""
        raise MigrationFault(error.file, error.line, f"{error.reason} It was taken back.{kept}") from error
