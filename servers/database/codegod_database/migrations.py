"""Migration files: `NNNN_name.sql`, each with a part for the way up and one for the way back."""

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from codegod_database.faults import DatabaseFault
from codegod_database.splitting import Sql, split
from codegod_kit.beneath import Beneath

# A migration is written by hand; data belongs elsewhere.
_FILE_LIMIT_BYTES = 256 * 1024
_NAME = re.compile(r"([0-9]{4})_[a-z0-9][a-z0-9_-]*\.sql")
_MARK = re.compile(r"^--[ \t]*migrate:(up|down)[ \t]*\r?$", re.MULTILINE)


class MigrationFault(DatabaseFault):
    """Something is wrong with one migration file; `line` says where."""

    def __init__(self, file: str, line: int, reason: str) -> None:
        super().__init__(f"{file}:{line}: {reason}")
        self.file = file
        self.line = line
        self.reason = reason


class NoMigrations(DatabaseFault):
    """The folder holds no migration."""

    def __init__(self, directory: str) -> None:
        super().__init__(
            f"There is no migration in {directory!r}. Write files like `{directory}/0001_todos.sql` with the lines "
            "`-- migrate:up` and `-- migrate:down`."
        )
        self.directory = directory


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of a schema, and the step back."""

    file: str
    checksum: str
    up: tuple[Sql, ...]
    down: tuple[Sql, ...]
    down_line: int
    """The line of `-- migrate:down`."""


def read_migrations(workspace: Path, directory: str) -> list[Migration]:
    """The migrations of a workspace's folder in their order; a `MigrationFault` names file and line."""
    with Beneath(workspace) as beneath:
        names = [
            entry.name
            for entry in beneath.list(directory)
            if entry.kind == "file" and entry.name.endswith(".sql")
        ]
        _check_names(names)
        contents = [
            (name, beneath.read(f"{directory.rstrip('/')}/{name}", limit=_FILE_LIMIT_BYTES)) for name in names
        ]
    if not contents:
        raise NoMigrations(directory)
    return [_parse(name, content) for name, content in contents]


def _check_names(names: list[str]) -> None:
    for name in names:
        if not _NAME.fullmatch(name):
            raise MigrationFault(
                name, 1, "a migration is called like `0001_todos.sql`: four digits, then lower case"
            )
    numbers = Counter(name[:4] for name in names)
    for name in names:
        if numbers[name[:4]] > 1:
            raise MigrationFault(
                name, 1, f"two migrations have the number {name[:4]}; give one the next number"
            )


def _parse(file: str, content: bytes) -> Migration:
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise MigrationFault(
            file, content.count(b"\n", 0, error.start) + 1, "the file is not UTF-8"
        ) from error
    marks = list(_MARK.finditer(text))
    if [mark[1] for mark in marks] != ["up", "down"]:
        line = text.count("\n", 0, marks[-1].start()) + 1 if marks else 1
        raise MigrationFault(
            file, line, "one line `-- migrate:up` and after it one line `-- migrate:down` are needed"
        )
    up, down = marks
    for stray in split(text[: up.start()]):
        raise MigrationFault(file, stray.line, "this statement stands before `-- migrate:up`")
    return Migration(
        file,
        hashlib.sha256(text.encode()).hexdigest(),
        _part(text, up.end(), down.start()),
        _part(text, down.end(), len(text)),
        text.count("\n", 0, down.start()) + 1,
    )


def _part(text: str, start: int, end: int) -> tuple[Sql, ...]:
    return tuple(split(text[start:end], text.count("\n", 0, start) + 1))
