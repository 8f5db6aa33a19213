"""Walks over trees that a sandboxed program may have filled, and may be changing right now.

Every step is relative to an open folder and no symlink is followed. Only one descriptor is open at a time: programs
make trees thousands of levels deep.
"""

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from codegod_sandbox.execution_faults import ForeignFile

_FOLDER = (
    os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
)
BLOCK_BYTES = 512  # the unit of st_blocks, whatever the file system's own is


@dataclass(frozen=True, slots=True)
class Usage:
    """What a tree takes on the disk."""

    bytes: int = 0
    entries: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.bytes + other.bytes, self.entries + other.entries)


@dataclass(slots=True)
class _Level:
    name: str
    status: os.stat_result
    pending: list[str]


def usage(folder: Path) -> Usage:
    """Count what lies in `folder`."""
    total = blocks = 0
    for _, _, status in _walk(folder):
        total += 1
        blocks += status.st_blocks
    return Usage(blocks * BLOCK_BYTES, total)


def give(folder: Path, uid: int) -> Usage:
    """Make `uid` the owner of `folder` and of all that lies in it; refuse what might be somebody else's."""
    _own(folder, None, folder.lstat(), uid)
    total = blocks = 0
    for parent, name, status in _walk(folder):
        total += 1
        blocks += status.st_blocks
        _own(Path(name), parent, status, uid)
    return Usage(blocks * BLOCK_BYTES, total)


def remove(folder: Path) -> None:
    """Delete `folder` and all that lies in it; it may be gone already."""
    try:
        for parent, name, status in _walk(folder, force=True):
            (os.rmdir if stat.S_ISDIR(status.st_mode) else os.unlink)(name, dir_fd=parent)
        folder.rmdir()
    except FileNotFoundError:
        return


def _own(path: Path, parent: int | None, status: os.stat_result, uid: int) -> None:
    if status.st_uid == uid and status.st_gid == uid:
        return
    if stat.S_ISBLK(status.st_mode) or stat.S_ISCHR(status.st_mode):
        raise ForeignFile(path.name, "a device")
    if stat.S_ISREG(status.st_mode) and status.st_nlink > 1 and status.st_uid != uid:
        raise ForeignFile(path.name, "a second name of a file that may lie elsewhere")
    os.chown(path, uid, uid, dir_fd=parent, follow_symlinks=False)


def _walk(folder: Path, *, force: bool = False) -> Iterator[tuple[int, str, os.stat_result]]:
    """Each entry below `folder` as (open parent, name, lstat); a folder comes after what it holds."""
    here = os.open(folder, _FOLDER)
    try:
        levels = [_Level(".", os.fstat(here), os.listdir(here))]
        device = levels[0].status.st_dev
        while levels:
            level = levels[-1]
            if not level.pending:
                levels.pop()
                if levels:
                    here = _up(here, levels[-1].status)
                    yield here, level.name, level.status
                continue
            name = level.pending.pop()
            status = _status(here, name)
            if status is None:
                continue
            if stat.S_ISDIR(status.st_mode) and status.st_dev == device:
                below = _open(here, name, force=force)
                if below is not None:
                    os.close(here)
                    here = below
                    levels.append(_Level(name, os.fstat(here), os.listdir(here)))
                    continue
            yield here, name, status
    finally:
        os.close(here)


def _status(parent: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _open(parent: int, name: str, *, force: bool) -> int | None:
    """Open a folder; None if it is another kind of thing by now, or closed to us."""
    try:
        return os.open(name, _FOLDER, dir_fd=parent)
    except OSError as error:
        gone = error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
        if not gone and error.errno != errno.EACCES:
            raise
        if gone or not force:
            return None
    # Our own uid made it unreadable. A symlink put here meanwhile is not followed by the open below, and chmod
    # through one could only reach what the same uid owns anyway.
    os.chmod(name, 0o700, dir_fd=parent)
    return os.open(name, _FOLDER, dir_fd=parent)


def _up(here: int, expected: os.stat_result) -> int:
    """Back to the parent, which must still be the folder that we came from."""
    above = os.open("..", _FOLDER, dir_fd=here)
    found = os.fstat(above)
    if (found.st_dev, found.st_ino) != (expected.st_dev, expected.st_ino):
        os.close(above)
        raise ForeignFile("..", "a folder that was moved while it was read")
    os.close(here)
    return above
