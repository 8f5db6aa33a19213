"""Reading a tree that hostile programs may be changing meanwhile.

Every name is opened beneath the open root, never through a symbolic link, so that whatever is swapped while we look,
nothing outside the tree is read. Nothing is followed, nothing blocks (a FIFO is seen and left alone).
"""

import contextlib
import errno
import os
import stat
import sys
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from codegod_git.faults import TreeMoving, TreeTooLarge, Unrecordable
from codegod_git.names import is_dot_git, is_showable
from codegod_kit.beneath import TEMPORARY_PREFIX, BeneathUnsupported
from codegod_kit.beneath.openat import closing, open_folder
from codegod_kit.beneath.openat import open_file as open_beneath

# Never recorded unless a commit has it already: what tools make again by themselves.
ALWAYS_IGNORED = frozenset({"__pycache__", ".venv", "node_modules", ".pytest_cache"})
ALWAYS_IGNORED_SUFFIX = ".pyc"
# Deeper than any project we know (the deepest Java packages reach 20); each level costs an open file.
DEPTH_LIMIT = 64
# Names looked at, recorded or not: a second of work.
NAMES_LIMIT = 200_000

_BARE_REPOSITORY = frozenset({"HEAD", "objects", "refs"})
# What opening gives when a link, a file or a socket took the place of what was listed.
_SWAPPED = (errno.ELOOP, errno.ENOTDIR, errno.ENXIO, errno.EXDEV)

Kind = Literal["file", "link", "repository", "special", "name", "depth", "unreadable"]


@dataclass(frozen=True, slots=True)
class Found:
    """One name in a tree: a file, a link, or something that is never recorded and why."""

    path: str
    kind: Kind
    size: int = 0
    target: str = ""


def walk(root: Path, tracked: Container[str], *, own_repository: bool) -> list[Found]:
    """Everything in `root` but folders and what is always ignored; what is `tracked` (files and folders) is not ignored.

    With `own_repository`, `.git` directly in the root is the served repository and no part of its tree.
    """
    looking = _Walk(tracked, own_repository)
    with open_root(root) as descriptor:
        looking.folder(descriptor, "", 0)
    return looking.found


@contextlib.contextmanager
def open_root(root: Path) -> Iterator[int]:
    """A descriptor of the folder `root`, for `open_file`."""
    if os.open not in os.supports_dir_fd:
        raise BeneathUnsupported(sys.platform)
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    with closing(os.open(root, flags)) as descriptor:
        yield descriptor


@contextlib.contextmanager
def open_file(root: int, path: str) -> Iterator[tuple[BinaryIO, os.stat_result] | None]:
    """The regular file `path` beneath the open folder `root`, and what it is; None when it is gone by now.

    Raises `TreeMoving` when something else took its place, `Unrecordable` when it is closed to us.
    """
    try:
        with _swaps_named(path):
            descriptor = open_beneath(root, tuple(path.split("/")), os.O_RDONLY)
    except FileNotFoundError:
        yield None
        return
    except PermissionError as error:
        raise Unrecordable([(path, "unreadable")]) from error
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise TreeMoving(path)
        yield file, status


def link_stays_inside(path: str, target: str) -> bool:
    """Whether the link `path`, which lies in a real folder, cannot lead out of the tree, whatever links it crosses.

    Leading `..` climb real folders; a later one would climb from wherever another link leads, so it is refused.
    """
    if path.rpartition("/")[2].startswith(".git") or not target or target.startswith("/") or "\0" in target:
        return False
    parts = [part for part in target.split("/") if part not in ("", ".")]
    climbs = next((index for index, part in enumerate(parts) if part != ".."), len(parts))
    rest = parts[climbs:]
    return climbs <= path.count("/") and ".." not in rest and not any(map(is_dot_git, rest))


class _Walk:
    def __init__(self, tracked: Container[str], own_repository: bool) -> None:
        self._tracked = tracked
        self._own_repository = own_repository
        self._names = 0
        self.found: list[Found] = []

    def folder(self, descriptor: int, prefix: str, depth: int) -> None:
        own = self._own_repository and not prefix
        names = sorted(name for name in os.listdir(descriptor) if not (own and name == ".git"))
        self._names += len(names)
        if self._names > NAMES_LIMIT:
            raise TreeTooLarge("files and folders", NAMES_LIMIT)
        if _is_repository(descriptor, names):
            self.found.append(Found(prefix.rstrip("/") or ".", "repository"))
            return
        for name in names:
            if prefix + name in self._tracked or not _is_ignored(name):
                self._name(descriptor, name, prefix + name, depth)

    def _name(self, folder: int, name: str, path: str, depth: int) -> None:
        try:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if not is_showable(name):
                self.found.append(Found(path, "name"))
            elif stat.S_ISDIR(status.st_mode):
                self._deeper(folder, name, path, depth + 1)
            elif stat.S_ISREG(status.st_mode):
                self.found.append(Found(path, "file", status.st_size))
            elif stat.S_ISLNK(status.st_mode):
                self.found.append(Found(path, "link", target=os.readlink(name, dir_fd=folder)))
            else:
                self.found.append(Found(path, "special"))
        except FileNotFoundError:
            return  # removed since it was listed: the tree no longer has it
        except PermissionError:
            self.found.append(Found(path, "unreadable"))

    def _deeper(self, folder: int, name: str, path: str, depth: int) -> None:
        if depth > DEPTH_LIMIT:
            self.found.append(Found(path, "depth"))
            return
        with _swaps_named(path):
            descriptor = open_folder(folder, (name,))
        with closing(descriptor):
            self.folder(descriptor, f"{path}/", depth)


@contextlib.contextmanager
def _swaps_named(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _SWAPPED:
            raise TreeMoving(path) from error
        raise


def _is_ignored(name: str) -> bool:
    # A half-written file of the sandbox's file tools is theirs until it has its name.
    return name in ALWAYS_IGNORED or name.endswith(ALWAYS_IGNORED_SUFFIX) or name.startswith(TEMPORARY_PREFIX)


def _is_repository(folder: int, names: list[str]) -> bool:
    """Whether git would take this folder for a repository: by a `.git` of any spelling, or by a bare one's look."""
    if any(is_dot_git(name) for name in names):
        return True
    return _BARE_REPOSITORY.issubset(names) and all(_is_folder(folder, name) for name in ("objects", "refs"))


def _is_folder(folder: int, name: str) -> bool:
    try:
        return stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False
