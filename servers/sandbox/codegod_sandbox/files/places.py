"""Which paths of a workspace a model may name, and which of them it may change."""

import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from codegod_kit import ToolFault, Workspaces, require_write
from codegod_kit.beneath import Beneath, PathRefused, names_of

Workspace = Annotated[str, Field(description="Leave empty, or a handle such as `b1/storage.1`")]
FilePath = Annotated[str, Field(description="Relative path with `/`, e.g. `src/app.py`")]
FolderPath = Annotated[
    str, Field(description="Relative path of a folder, e.g. `src`; empty is the whole workspace")
]

# Where a program in the sandbox sees the workspace: models copy such paths from tracebacks.
_INSIDE = "/workspace"
_GIT_NAMES = {".git", "git~1"}
# Code points that some file systems leave out when they compare names.
_IGNORED = dict.fromkeys([*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF])
# What a developer's tools obey as soon as the folder is opened, cloned or entered.
_CONTROL_FOLDERS = {".claude", ".cursor", ".idea", ".vscode"}
_CONTROL_FILES = {".gitconfig", ".gitmodules", ".mcp.json"}
# One lock for each of these; two workspaces that share one wait for each other now and then.
_LOCKS = 64


class GitRefused(ToolFault):
    """The path belongs to a repository's own data."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{path!r} is git's own data, which file tools do not touch. Use `git_status` or `git_show`."
        )
        self.path = path


class ControlFileRefused(ToolFault):
    """The file would command the tools of whoever opens the project."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{path!r} commands the editor or agent of whoever opens the project, so no tool writes it. Leave it out."
        )
        self.path = path


@dataclass(frozen=True, slots=True)
class Tree:
    """An open workspace."""

    folder: Path
    files: Beneath

    def to_read(self, path: str) -> str:
        """`path` in its one spelling, if file tools may look at it."""
        names = names_of(self._relative(path))
        for name in names:
            if "\\" in name:
                raise PathRefused(path, "it holds a backslash", "Use '/' between names, e.g. 'src/app.py'.")
            if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
                raise PathRefused(path, "it holds a control character")
            if _is_git(name):
                raise GitRefused(path)
        return "/".join(names)

    def to_change(self, path: str) -> str:
        """`path` in its one spelling, if the current grant lets file tools change it."""
        place = self.to_read(path)
        *folders, name = place.split("/")
        if not _CONTROL_FOLDERS.isdisjoint(part.casefold() for part in (*folders, name)):
            raise ControlFileRefused(path)
        if name.casefold() in _CONTROL_FILES:
            raise ControlFileRefused(path)
        require_write(place)
        return f"{place}/" if place and path.endswith("/") else place

    def _relative(self, path: str) -> str:
        for prefix in (_INSIDE, str(self.folder)):
            if path == prefix or path.startswith(f"{prefix}/"):
                return path.removeprefix(prefix).lstrip("/")
        return path


class Trees:
    """The workspaces of a server, opened one call at a time."""

    def __init__(self, workspaces: Workspaces) -> None:
        self._workspaces = workspaces
        self._locks = [threading.Lock() for _ in range(_LOCKS)]

    @contextmanager
    def open(self, workspace: str) -> Iterator[Tree]:
        """The tree behind a handle, closed at the end of the block."""
        folder = self._workspaces.path(workspace)
        with Beneath(folder) as files:
            yield Tree(folder, files)

    @contextmanager
    def change(self, workspace: str) -> Iterator[Tree]:
        """As `open`, with nobody else changing that tree through this server meanwhile."""
        folder = self._workspaces.path(workspace)
        with self._locks[hash(folder) % _LOCKS], Beneath(folder) as files:
            yield Tree(folder, files)


def _is_git(name: str) -> bool:
    """Whether any file system that this may be checked out on takes `name` for `.git`."""
    plain = unicodedata.normalize("NFKC", name.translate(_IGNORED)).casefold()
    return plain.split(":")[0].rstrip(". ") in _GIT_NAMES
