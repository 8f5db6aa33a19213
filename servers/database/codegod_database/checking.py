"""Tries migrations on a fresh database: up, down and up again, with every way back compared to where it began."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from codegod_database.engine import Budget
from codegod_database.migrating import Migrator, migrating
from codegod_database.migrations import Migration, MigrationFault
from codegod_database.records import Finding, MigrationStep
from codegod_database.schema import snapshot


def check(migrations: Sequence[Migration], budget: Budget) -> tuple[list[MigrationStep], list[Finding]]:
    """What was run, and what is wrong; nothing is left of the database."""
    steps: list[MigrationStep] = []
    findings: list[Finding] = []
    with migrating(Path("check"), "memory", budget) as migrator:
        try:
            findings.extend(_there_and_back(migrator, migrations, steps))
        except MigrationFault as error:
            findings.append(Finding(file=error.file, line=error.line, message=error.reason))
    return steps, findings


def _there_and_back(
    migrator: Migrator, migrations: Sequence[Migration], steps: list[MigrationStep]
) -> Iterator[Finding]:
    before = []
    for migration in migrations:
        before.append(snapshot(migrator.connection))
        steps.append(migrator.step(migration, "up"))
    top = snapshot(migrator.connection)
    for migration, was in reversed(list(zip(migrations, before, strict=True))):
        steps.append(migrator.step(migration, "down"))
        yield from _differences(migration, was, snapshot(migrator.connection), "after its way down")
    steps += [migrator.step(migration, "up") for migration in migrations]
    yield from _differences(migrations[-1], top, snapshot(migrator.connection), "after the second way up")


def _differences(
    migration: Migration,
    expected: Mapping[str, tuple[str, ...]],
    found: Mapping[str, tuple[str, ...]],
    when: str,
) -> Iterator[Finding]:
    for name in sorted(expected.keys() | found.keys()):
        if name not in found:
            message = f"{name} is missing {when}"
        elif name not in expected:
            message = f"{name} is left over {when}"
        elif expected[name] != found[name]:
            message = f"{name} is not defined {when} as it was before"
        else:
            continue
        yield Finding(file=migration.file, line=migration.down_line, message=message)
