"""`Beneath`: a folder held open, and what may be done below it."""

import os
import stat
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from codegod_kit.beneath.entries import FOLDER_LIMIT_ENTRIES, Entry, entry_of, kind_of, scan
from codegod_kit.beneath.faults import (
    BeneathUnsupported,
    FileTooBig,
    NoSuchPath,
    NotAFile,
    NotAFolder,
    PathRefused,
    SharedFile,
    as_faults,
)
from codegod_kit.beneath.openat import closing, open_file, open_folder, own
from codegod_kit.beneath.removal import remove
from codegod_kit.beneath.renaming import rename_new
from codegod_kit.beneath.staging import Staged
from codegod_kit.beneath.walking import Walk, WalkLimits

# Sources, fixtures and small assets; what is bigger is not read through a tool call.
FILE_LIMIT_BYTES = 16 << 20
# The kernel's own limit for one path.
PATH_LIMIT_BYTES = 4096


class Beneath:
    """An open folder. Paths are relative to it; one that leads out of it is a `PathRefused` or a `LinkRefused`."""

    def __init__(self, folder: Path) -> None:
        if os.open not in os.supports_dir_fd:
            raise BeneathUnsupported(sys.platform)
        self._root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the folder; nothing works afterwards."""
        os.close(self._root)

    def read(self, path: str, *, limit: int = FILE_LIMIT_BYTES) -> bytes:
        """The whole content of an ordinary file of at most `limit` bytes; `FileTooBig` beyond."""
        with self.open(path) as (descriptor, size):
            if size > limit:
                raise FileTooBig(path, size, limit)
            # One byte more: the file may grow while it is read.
            content = _read_at_most(descriptor, limit + 1)
        if len(content) > limit:
            raise FileTooBig(path, len(content), limit)
        return content

    @contextmanager
    def open(self, path: str) -> Iterator[tuple[int, int]]:
        """A read-only descriptor of an ordinary file with its size, closed at the end of the block."""
        with as_faults(path):
            descriptor = open_file(self._root, _file_names(path), os.O_RDONLY)
        with closing(descriptor):
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise NotAFile(path, kind_of(found.st_mode))
            if found.st_nlink > 1:
                raise SharedFile(path)
            yield descriptor, found.st_size

    def entry(self, path: str = "") -> Entry:
        """What `path` is, a link itself included; `NoSuchPath` when it is nothing."""
        names = names_of(path)
        if not names:
            return entry_of("", os.fstat(self._root))
        with self._folder(path, names[:-1]) as folder, as_faults(path):
            return entry_of("/".join(names), os.stat(names[-1], dir_fd=folder, follow_symlinks=False))

    def exists(self, path: str) -> bool:
        """Whether anything, a link included, has that name."""
        try:
            self.entry(path)
        except (NoSuchPath, NotAFolder):
            return False
        return True

    def list(self, path: str = "", *, limit: int = FOLDER_LIMIT_ENTRIES) -> list[Entry]:
        """What the folder `path` holds, by name; at most `limit` entries."""
        names = names_of(path)
        prefix = "".join(f"{name}/" for name in names)
        entries = []
        with self._folder(path, names) as folder:
            for name, _ in scan(folder, limit):
                # Names come and go while a program works in the tree.
                with suppress(FileNotFoundError):
                    entries.append(
                        entry_of(prefix + name, os.stat(name, dir_fd=folder, follow_symlinks=False))
                    )
        return entries

    def walk(self, path: str = "", *, skip: Collection[str] = (), limits: WalkLimits | None = None) -> Walk:
        """Everything below the folder `path`; names in `skip` are left out, with all they hold."""
        names = names_of(path)
        with self._folder(path, names):
            return Walk(self._root, names, frozenset(skip), limits or WalkLimits())

    def write(self, path: str, content: bytes, *, overwrite: bool = True, mode: int | None = None) -> bool:
        """Put `content` under `path`, whole or not at all, making its folders; True when the name is new.

        An existing file keeps its permission bits (never setuid or setgid) unless `mode` is given.
        """
        with self.stage(path, content, mode=mode) as staged:
            staged.commit(overwrite=overwrite)
            return staged.new

    def stage(self, path: str, content: bytes, *, mode: int | None = None) -> Staged:
        """Write `content` beside `path`; nothing is seen under `path` before `Staged.commit`."""
        names = _file_names(path)
        if path.endswith("/"):
            raise PathRefused(path, "it ends with '/', as only a folder's does")
        folder = self._made(path, names[:-1])
        try:
            with as_faults(path):
                return Staged(path, folder, names[-1], content, mode)
        except BaseException:
            os.close(folder)
            raise

    def make_folder(self, path: str) -> bool:
        """Make the folder `path` and those above it; False when it was there."""
        names = _file_names(path)
        new = not self.exists(path)
        os.close(self._made(path, names))
        return new

    def move(self, source: str, destination: str, *, overwrite: bool = False) -> None:
        """Rename a file, a folder, or a link itself; an existing `destination` is only replaced when asked."""
        old, new = _file_names(source), _file_names(destination)
        if new[: len(old)] == old:
            raise PathRefused(destination, f"{source!r} cannot move to itself or below itself")
        self.entry(source)
        with (
            self._folder(source, old[:-1]) as old_folder,
            closing(self._made(destination, new[:-1])) as new_folder,
            as_faults(destination),
        ):
            if overwrite:
                os.rename(old[-1], new[-1], src_dir_fd=old_folder, dst_dir_fd=new_folder)
            else:
                rename_new(old[-1], new[-1], old_folder, new_folder)

    def delete(self, path: str, *, recursive: bool = False) -> int:
        """Remove a file, a link itself, or a folder; how many entries went. A full folder needs `recursive`."""
        names = _file_names(path)
        with self._folder(path, names[:-1]) as folder, as_faults(path):
            return remove(folder, names[-1], path, recursive=recursive)

    @contextmanager
    def _folder(self, path: str, names: tuple[str, ...]) -> Iterator[int]:
        with as_faults(path):
            descriptor = open_folder(self._root, names)
        with closing(descriptor):
            yield descriptor

    def _made(self, path: str, names: tuple[str, ...]) -> int:
        """A descriptor of the folder `names`, made where it is missing."""
        with as_faults(path):
            try:
                return open_folder(self._root, names)
            except FileNotFoundError:
                here = os.dup(self._root)
            for name in names:
                with closing(here):
                    here = _enter(here, name)
        return here


def names_of(path: str) -> tuple[str, ...]:
    """The names along a relative path; `PathRefused` for one that leads out."""
    if "\0" in path:
        raise PathRefused(path, "it holds a NUL character")
    if path.startswith("/"):
        raise PathRefused(path, "it is absolute")
    if len(os.fsencode(path)) > PATH_LIMIT_BYTES:
        raise PathRefused(path, f"it is longer than {PATH_LIMIT_BYTES} bytes")
    names = tuple(name for name in path.split("/") if name not in ("", "."))
    if ".." in names:
        raise PathRefused(path, "it leads upwards with '..'")
    return names


def _file_names(path: str) -> tuple[str, ...]:
    names = names_of(path)
    if not names:
        raise PathRefused(path, "it names the whole folder")
    return names


def _enter(folder: int, name: str) -> int:
    """A descriptor of the folder `name`, made if it is not there."""
    with suppress(FileExistsError):
        os.mkdir(name, 0o755, dir_fd=folder)
        made = open_folder(folder, (name,))
        own(made, os.fstat(folder))
        return made
    return open_folder(folder, (name,))


def _read_at_most(descriptor: int, limit: int) -> bytes:
    pieces = []
    while limit > 0 and (piece := os.read(descriptor, min(limit, 1 << 20))):
        pieces.append(piece)
        limit -= len(piece)
    return b"".join(pieces)
