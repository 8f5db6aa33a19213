"""Opening a path from an open folder, so that no link and no rename can lead elsewhere.

Linux 5.6 and newer resolve the whole path in the kernel (`openat2`). Elsewhere each folder is opened from the one
before with O_NOFOLLOW. Nothing is ever resolved first and opened later: whoever may rename a folder in between
would win that race.
"""

import ctypes
import errno
import os
import stat
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

# These do not exist on Windows, where `Beneath` refuses to start; importing must still work there.
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_DIRECTORY = getattr(os, "O_DIRECTORY", 0)
_CLOEXEC = getattr(os, "O_CLOEXEC", 0)
# A pipe must not block the opener and a terminal must not become ours.
_QUIET = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)

# The same number on every architecture but alpha.
_OPENAT2 = 437
_RESOLVE_NO_MAGICLINKS, _RESOLVE_NO_SYMLINKS, _RESOLVE_BENEATH = 0x02, 0x04, 0x08
_RESOLVE = _RESOLVE_NO_MAGICLINKS | _RESOLVE_NO_SYMLINKS | _RESOLVE_BENEATH
# The kernel asks to try again while renames go on elsewhere; who loses this often is up against an attacker.
_RETRIES = 128


def open_file(folder: int, names: tuple[str, ...], flags: int) -> int:
    """A descriptor of `names` below `folder`; OSError (ELOOP for a link) when there is none."""
    return _open(folder, names, flags | _QUIET)


def open_folder(folder: int, names: tuple[str, ...]) -> int:
    """A descriptor of the folder `names` below `folder`, or of `folder` itself when there are no names."""
    return _open(folder, names or (".",), os.O_RDONLY | _DIRECTORY)


def _open(folder: int, names: tuple[str, ...], flags: int) -> int:
    if openat2_works():
        return _openat2(folder, "/".join(names), flags)
    return _walk(folder, names, flags)


@contextmanager
def closing(descriptor: int) -> Iterator[int]:
    """`descriptor`, closed at the end of the block."""
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def own(descriptor: int, like: os.stat_result) -> None:
    """Give what was just made to the owner of `like`: a server that runs as root keeps nothing in the tree."""
    if os.geteuid() == 0:
        os.fchown(descriptor, like.st_uid, like.st_gid)


@cache
def openat2_works() -> bool:
    """Whether this kernel, and whatever filters its calls, offers openat2."""
    if sys.platform != "linux":
        return False
    root = os.open("/", os.O_RDONLY | _DIRECTORY | _CLOEXEC)
    try:
        os.close(_openat2(root, ".", os.O_RDONLY | _DIRECTORY))
    except OSError:
        return False
    finally:
        os.close(root)
    return True


def _openat2(folder: int, path: str, flags: int) -> int:
    how = struct.pack("QQQ", flags | _CLOEXEC, 0, _RESOLVE)
    name = os.fsencode(path)
    failure = errno.EAGAIN
    for _ in range(_RETRIES):
        descriptor = int(_libc().syscall(_OPENAT2, folder, name, how, len(how)))
        if descriptor >= 0:
            return descriptor
        failure = ctypes.get_errno()
        if failure not in (errno.EAGAIN, errno.EINTR):
            break
    raise OSError(failure, os.strerror(failure), path)


@cache
def _libc() -> ctypes.CDLL:
    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    library.syscall.argtypes = (
        ctypes.c_long,
        ctypes.c_int,
        ctypes.c_char_p,
        ctypes.c_char_p,
        ctypes.c_size_t,
    )
    return library


def _walk(folder: int, names: tuple[str, ...], flags: int) -> int:
    here = os.dup(folder)
    try:
        for name in names[:-1]:
            here, before = _step(here, name, os.O_RDONLY | _DIRECTORY), here
            os.close(before)
        return _step(here, names[-1], flags)
    finally:
        os.close(here)


def _step(folder: int, name: str, flags: int) -> int:
    try:
        return os.open(name, flags | _NOFOLLOW | _CLOEXEC, dir_fd=folder)
    except NotADirectoryError as error:
        # O_DIRECTORY hides that it was a link; say it as openat2 does.
        if stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name) from error
        raise
