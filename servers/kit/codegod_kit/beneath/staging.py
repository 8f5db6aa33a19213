"""New content for a file: complete beside its place first, then under its name in one step."""

import os
import secrets
import stat
from types import TracebackType
from typing import Self

from codegod_kit.beneath.entries import kind_of
from codegod_kit.beneath.faults import LinkRefused, NotAFile, as_faults
from codegod_kit.beneath.openat import closing, own
from codegod_kit.beneath.renaming import rename_new

TEMPORARY_PREFIX = ".cg-tmp-"


class Staged:
    """New content under a temporary name in its folder; `commit` gives it the name, leaving the block takes it back."""

    def __init__(self, path: str, folder: int, name: str, content: bytes, mode: int | None) -> None:
        """Write `content`; `folder` is an open descriptor that the instance closes in the end."""
        self._path, self._folder, self._name = path, folder, name
        before = _existing(folder, name, path)
        self.new = before is None
        kept = 0o644 if before is None else stat.S_IMODE(before.st_mode)
        # Setuid and setgid are for the owner of the old content, never for ours.
        bits = (kept if mode is None else mode) & 0o777
        self._temporary: str | None = _write_temporary(folder, content, before or os.fstat(folder), bits)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._temporary is not None:
                os.unlink(self._temporary, dir_fd=self._folder)
        finally:
            os.close(self._folder)

    def commit(self, *, overwrite: bool = True) -> None:
        """Give the content its name; `AlreadyThere` when that is taken and may not be overwritten."""
        if self._temporary is None:
            raise AssertionError("committed twice")
        with as_faults(self._path):
            if overwrite:
                os.rename(self._temporary, self._name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
            else:
                rename_new(self._temporary, self._name, self._folder, self._folder)
        self._temporary = None


def _existing(folder: int, name: str, path: str) -> os.stat_result | None:
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(found.st_mode):
        raise LinkRefused(path)
    if not stat.S_ISREG(found.st_mode):
        raise NotAFile(path, kind_of(found.st_mode))
    return found


def _write_temporary(folder: int, content: bytes, owner: os.stat_result, mode: int) -> str:
    name = TEMPORARY_PREFIX + secrets.token_hex(8)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with closing(os.open(name, flags, 0o600, dir_fd=folder)) as descriptor:
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            own(descriptor, owner)
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        except BaseException:
            os.unlink(name, dir_fd=folder)
            raise
    return name
