"""Tries migrations on a fresh database: up, down and up again, with every way back compared to where it began."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from codegod_database.engine import Budget
from codegod_database.faults import DatabaseFault
from codegod_database.migrating import Migrator, Way, migrating
from codegod_database.migrations import Migration, MigrationFault
from codegod_database.records import MigrationStep
from codegod_database.schema import snapshot


class MigrationsDoNotHold(DatabaseFault):
    """A check found something; `findings` say where."""

    def __init__(self, findings: Sequence[MigrationFault]) -> None:
        super().__init__("\n".join(str(finding) for finding in findings))
        self.findings = tuple(findings)


def check(migrations: Sequence[Migration], budget: Budget) -> list[MigrationStep]:
    """What was run; `MigrationsDoNotHold` when something is wrong. Nothing is left of the database."""
    with migrating(Path("check"), "memory", budget) as migrator:
        trial = _Trial(migrator, migrations)
        try:
            trial.there_and_back()
        except MigrationFault as error:
            trial.findings.append(error)
    if trial.findings:
        raise MigrationsDoNotHold(trial.findings)
    return trial.steps


class _Trial:
    """One run over a fresh database, and what was noticed."""

    def __init__(self, migrator: Migrator, migrations: Sequence[Migration]) -> None:
        self._migrator = migrator
        self._migrations = migrations
        self._noticed: set[str] = set()
        self.steps: list[MigrationStep] = []
        self.findings: list[MigrationFault] = []

    def there_and_back(self) -> None:
        """Up, down and, when the way down left nothing behind, up again."""
        before = []
        for migration in self._migrations:
            before.append(self._schema())
            self._step(migration, "up")
        top = self._schema()
        for migration, expected in reversed(list(zip(self._migrations, before, strict=True))):
            self._step(migration, "down")
            self._compare(migration, expected, "after its way down")
        if not self.findings:
            for migration in self._migrations:
                self._step(migration, "up")
            self._compare(self._migrations[-1], top, "after the second way up")

    def _step(self, migration: Migration, way: Way) -> None:
        self.steps.append(self._migrator.step(migration, way))

    def _schema(self) -> Mapping[str, tuple[str, ...]]:
        return snapshot(self._migrator.connection)

    def _compare(self, migration: Migration, expected: Mapping[str, tuple[str, ...]], when: str) -> None:
        found = self._schema()
        for name in sorted(expected.keys() | found.keys()):
            # What one way back leaves is seen after all that follow; it is the fault of the first.
            if expected.get(name) != found.get(name) and name not in self._noticed:
                self._noticed.add(name)
                what = (
                    "is missing"
                    if name not in found
                    else "is left over"
                    if name not in expected
                    else "differs"
                )
                self.findings.append(
                    MigrationFault(migration.file, migration.down_line, f"{name} {what} {when}")
                )
