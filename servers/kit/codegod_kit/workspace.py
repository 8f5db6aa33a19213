"""Workspaces: the handle `<build>/<tree>` that servers share, and the folder it stands for."""

import re
import stat
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Self

from codegod_kit.faults import ToolFault
from codegod_kit.grant import MissingGrant, current_grant
from codegod_kit.settings import ServerSettings

_PART = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class BadHandle(ToolFault):
    """The text is no workspace handle."""

    def __init__(self, handle: str) -> None:
        super().__init__(
            f"{handle!r} is no workspace. A workspace is `<build>/<tree>` in lower case, e.g. `b1/storage.2`."
        )
        self.handle = handle


class StandaloneWorkspace(ToolFault):
    """A handle was given to a server that serves one folder."""

    def __init__(self, handle: str) -> None:
        super().__init__(f"This server serves one folder: leave `workspace` empty instead of {handle!r}.")
        self.handle = handle


class WorkspaceNotGranted(ToolFault):
    """The handle belongs to somebody else's task."""

    def __init__(self, handle: str, granted: str) -> None:
        instead = f"Use {granted!r}." if granted else "This task has no workspace."
        super().__init__(f"The workspace {handle!r} is not granted to this task. {instead}")
        self.handle = handle
        self.granted = granted


class WorkspaceMissing(ToolFault):
    """The handle is allowed, and there is no such folder."""

    def __init__(self, handle: str) -> None:
        super().__init__(f"There is no workspace {handle!r} yet. Make it with `worktree_create`.")
        self.handle = handle


class WriteNotGranted(ToolFault):
    """The path lies outside what the task may change."""

    def __init__(self, path: str, allowed: tuple[str, ...]) -> None:
        names = ", ".join(allowed) or "nothing"
        super().__init__(f"This task may not change {path!r}. It may change: {names}.")
        self.path = path
        self.allowed = allowed


@dataclass(frozen=True, slots=True)
class Handle:
    """A build and one of its trees."""

    build: str
    tree: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `<build>/<tree>`; anything else is a `BadHandle`."""
        build, slash, tree = text.partition("/")
        if not (slash and _PART.fullmatch(build) and _PART.fullmatch(tree)):
            raise BadHandle(text)
        return cls(build, tree)

    def __str__(self) -> str:
        return f"{self.build}/{self.tree}"


class Workspaces:
    """The folders behind handles, for a server that was started with `settings`."""

    def __init__(self, settings: ServerSettings) -> None:
        self._root = settings.root
        self.standalone = settings.verifier is None

    def path(self, handle: str) -> Path:
        """The existing folder of `handle`, which the current grant must name."""
        folder = self.place(handle)
        for part in self._below_root(folder):
            if not _is_real_folder(part):
                raise WorkspaceMissing(handle)
        return folder

    def place(self, handle: str) -> Path:
        """Where the folder of `handle` is or will be; as `path`, but it need not exist."""
        if self.standalone:
            return self._only_root(handle)
        allowed = self.handle(handle)
        return self._root / allowed.build / "trees" / allowed.tree

    def build_folder(self, handle: str) -> Path:
        """The folder of the build that `handle` belongs to (standalone: the root); it need not exist."""
        if self.standalone:
            return self._only_root(handle)
        return self._root / self.handle(handle).build

    def handle(self, handle: str) -> Handle:
        """`handle` in its parts, checked against the current grant; empty is the one tree that it names."""
        grant = current_grant()
        if grant is None:
            raise MissingGrant
        wanted = Handle.parse(handle or grant.workspace)
        if grant.workspace not in (str(wanted), f"{wanted.build}/*"):
            raise WorkspaceNotGranted(handle, grant.workspace)
        return wanted

    def _only_root(self, handle: str) -> Path:
        if handle:
            raise StandaloneWorkspace(handle)
        return self._root

    def _below_root(self, folder: Path) -> tuple[Path, ...]:
        parents = (folder, *folder.parents)
        return parents[: parents.index(self._root)] or (folder,)


def require_write(path: str) -> None:
    """Return if the current grant lets file tools change `path` (relative, posix); raise `WriteNotGranted` if not."""
    grant = current_grant()
    if grant is None:
        return
    pure = PurePosixPath(path)
    # A backslash is a part of the name here and a separator elsewhere; no glob can mean both.
    inside = not pure.is_absolute() and ".." not in pure.parts and "\\" not in path
    if not (inside and any(_glob(pattern).fullmatch(str(pure)) for pattern in grant.write)):
        raise WriteNotGranted(path, grant.write)


def _is_real_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


_GLOB_TOKEN = re.compile(r"\*\*/|\*\*|\*|\?|[^*?]+")
_GLOB_MEANING = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


@lru_cache(maxsize=1024)
def _glob(pattern: str) -> re.Pattern[str]:
    """`**` crosses folders, `*` and `?` do not, everything else is literal."""
    tokens = _GLOB_TOKEN.findall(pattern)
    return re.compile("".join(_GLOB_MEANING.get(token) or re.escape(token) for token in tokens), re.DOTALL)
