"""What can be wrong with a path below a root. No message names a folder of this machine: only the path as it was given."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from codegod_kit.faults import ToolFault

Kind = Literal["file", "folder", "link", "pipe", "socket", "device"]


class PathFault(ToolFault):
    """An operation on `path` did not happen."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path


class PathRefused(PathFault):
    """The text is no path that is ever opened here."""

    def __init__(
        self, path: str, reason: str, instead: str = "Give a relative path, e.g. 'src/app.py'."
    ) -> None:
        super().__init__(path, f"The path {_shown(path)} is refused: {reason}. {instead}")
        self.reason = reason


class NoSuchPath(PathFault):
    """Nothing has that name."""

    def __init__(self, path: str) -> None:
        super().__init__(
            path, f"There is no {_shown(path)}. See what there is with `dir_list` or `file_search`."
        )


class NotAFile(PathFault):
    """The path names something that has no content to read or replace."""

    def __init__(self, path: str, kind: Kind) -> None:
        instead = (
            "List it with `dir_list`." if kind == "folder" else "Only ordinary files are read and written."
        )
        super().__init__(path, f"{_shown(path)} is a {kind}, not a file. {instead}")
        self.kind = kind


class NotAFolder(PathFault):
    """The path, or a part of it, should be a folder and is not."""

    def __init__(self, path: str) -> None:
        super().__init__(
            path, f"{_shown(path)} is not a folder, or leads through a file. Look with `file_info`."
        )


class LinkRefused(PathFault):
    """A symbolic link lies on the way."""

    def __init__(self, path: str) -> None:
        super().__init__(
            path,
            f"{_shown(path)} is, or leads through, a symbolic link. Links are never followed: name the real file.",
        )


class SharedFile(PathFault):
    """The file has a second name, which may lie outside."""

    def __init__(self, path: str) -> None:
        super().__init__(
            path,
            f"{_shown(path)} has more than one hard link, so it may belong to another folder. "
            "Work on another file, or read it with `exec_run`.",
        )


class FileTooBig(PathFault):
    """There is more than one call may carry."""

    def __init__(self, path: str, size: int, limit: int) -> None:
        super().__init__(
            path,
            f"{_shown(path)} has {size} bytes and {limit} is the most. Work on a smaller file, or use `exec_run`.",
        )
        self.size = size
        self.limit = limit


class AlreadyThere(PathFault):
    """The name is taken."""

    def __init__(self, path: str) -> None:
        super().__init__(path, f"{_shown(path)} exists already. Choose another name, or delete it first.")


class FolderNotEmpty(PathFault):
    """A folder was to be removed with what it holds, and nobody said so."""

    def __init__(self, path: str) -> None:
        super().__init__(
            path, f"The folder {_shown(path)} is not empty. Set `recursive` to delete all it holds."
        )


class TooMuchToDelete(PathFault):
    """One call removed as much as one call may."""

    def __init__(self, path: str, deleted: int) -> None:
        super().__init__(path, f"{deleted} entries of {_shown(path)} are deleted, more are left. Call again.")
        self.deleted = deleted


class StorageRefused(PathFault):
    """The file system said no."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, f"{_shown(path)} could not be used: {reason}. Try again, or use another path.")
        self.reason = reason


class BeneathUnsupported(ToolFault):
    """This system cannot open files relative to an open folder."""

    def __init__(self, platform: str) -> None:
        super().__init__(
            f"Files cannot be held to one folder on {platform!r}. Run the server under WSL or Docker."
        )
        self.platform = platform


_LINKS = (errno.ELOOP, errno.EXDEV)
_REFUSALS = (
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EBUSY, errno.EAGAIN,
    errno.EMFILE, errno.ENFILE, errno.EIO, errno.EINVAL, errno.ENAMETOOLONG, errno.EMLINK,
)  # fmt: skip


@contextmanager
def as_faults(path: str) -> Iterator[None]:
    """What the operating system says about `path` inside the block, as the fault that a model may read."""
    try:
        yield
    except OSError as error:
        fault = _fault(path, error.errno or 0)
        if fault is None:
            raise
        raise fault from error


def _fault(path: str, number: int) -> PathFault | None:
    if number in _LINKS:
        return LinkRefused(path)
    if number in _REFUSALS:
        return StorageRefused(path, os.strerror(number))
    match number:
        case errno.ENOENT:
            return NoSuchPath(path)
        case errno.ENOTDIR:
            return NotAFolder(path)
        case errno.EISDIR:
            return NotAFile(path, "folder")
        case errno.ENXIO:
            return NotAFile(path, "socket")
        case errno.EEXIST:
            return AlreadyThere(path)
        case errno.ENOTEMPTY:
            return FolderNotEmpty(path)
        case _:
            return None


def _shown(path: str) -> str:
    # A path of any length may come from a model; a fault stays one line.
    return repr(path if len(path) <= 200 else path[:200] + "…")
