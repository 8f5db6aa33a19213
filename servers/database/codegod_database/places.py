"""Where databases are, and which of them a caller may use: one folder a grant, no path from a model."""

import re
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from codegod_database.faults import BadName, NoBuild, UnknownDatabase
from codegod_kit import Grant, ServerSettings, current_grant
from codegod_kit.beneath import Beneath, NoSuchPath, NotAFolder

DEFAULT_NAME = "scratch"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_PART = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_SUFFIXES = (".db", ".sqlite", ".sqlite3", ".db3")
# SQLite keeps these beside a database and opens them by name.
_COMPANIONS = ("-journal", "-wal", "-shm")


class Found(NamedTuple):
    """A database file of the caller's."""

    name: str
    size: int


class Places:
    """The databases of a server's callers: `<build>/scratch/<tree>` for a build's, the root itself standalone."""

    def __init__(self, settings: ServerSettings) -> None:
        self._root = settings.root

    def existing(self, name: str) -> Path:
        """The file of a database that is there: an ordinary file, not reached through any link."""
        folder, file = self._folder(), _file_name(name)
        if not self._root.is_dir():
            raise UnknownDatabase(name, ())
        with Beneath(self._root) as root:
            try:
                with root.open(_join(folder, file)):
                    pass
            except (NoSuchPath, NotAFolder) as error:
                raise UnknownDatabase(name, (found.name for found in _list(root, folder))) from error
            _check_companions(root, folder, file)
        return self._root / folder / file

    def writable(self, name: str) -> tuple[Path, bool]:
        """The file of a database that may be made, and whether it is there; the folder is made now."""
        with suppress(UnknownDatabase):
            return self.existing(name), True
        folder, file = self._folder(), _file_name(name)
        self._root.mkdir(parents=True, exist_ok=True)
        with Beneath(self._root) as root:
            if folder:
                root.make_folder(folder)
            _check_companions(root, folder, file)
        return self._root / folder / file, False

    def all(self) -> list[Found]:
        """The caller's databases by name."""
        folder = self._folder()
        if not self._root.is_dir():
            return []
        with Beneath(self._root) as root:
            return _list(root, folder)

    def _folder(self) -> str:
        """The caller's folder, relative to the root."""
        grant = current_grant()
        if grant is None:
            return ""
        tree = _tree(grant)
        if not (_PART.fullmatch(grant.build) and _PART.fullmatch(tree)):
            raise NoBuild(grant.build, tree)
        return f"{grant.build}/scratch/{tree}"


def _tree(grant: Grant) -> str:
    """The one tree that the grant names, so that every attempt begins with nothing; else the task."""
    build, _, tree = grant.workspace.partition("/")
    return tree if build == grant.build and tree not in ("", "*") else grant.task


def _file_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise BadName(name)
    return name if name.endswith(_SUFFIXES) else f"{name}.db"


def _join(folder: str, file: str) -> str:
    return f"{folder}/{file}" if folder else file


def _list(root: Beneath, folder: str) -> list[Found]:
    try:
        entries = root.list(folder)
    except (NoSuchPath, NotAFolder):
        return []
    return [
        Found(entry.name.removesuffix(".db"), entry.size)
        for entry in entries
        if entry.kind == "file" and entry.name.endswith(_SUFFIXES) and _NAME.fullmatch(entry.name)
    ]


def _check_companions(root: Beneath, folder: str, file: str) -> None:
    """Refuse a journal that is a link: SQLite would follow it."""
    for companion in _COMPANIONS:
        with suppress(NoSuchPath), root.open(_join(folder, file + companion)):
            pass
