"""Removing a tree of any shape that a program may have left.

A tree can be deeper than recursion and descriptors allow, and `..` may lead elsewhere by the time it is used. So
nothing descends: what lies two levels down is lifted to the top of the tree that goes, until that is flat.
"""

import errno
import os
import secrets
import stat
from itertools import islice

from codegod_kit.beneath.faults import FolderNotEmpty, TooMuchToDelete
from codegod_kit.beneath.openat import closing, open_folder
from codegod_kit.beneath.staging import TEMPORARY_PREFIX

# A few seconds of work: one call may not keep the server busy for as long as somebody can make files.
DELETE_LIMIT_ENTRIES = 200_000
_BATCH = 4096
_OWNER_ALL = 0o700
_FULL = (errno.ENOTEMPTY, errno.EEXIST)


def remove(folder: int, name: str, path: str, *, recursive: bool) -> int:
    """Remove `name` from the open `folder`; how many entries went. `path` is what messages call it."""
    if not stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
        os.unlink(name, dir_fd=folder)
        return 1
    if recursive:
        with closing(_open_to_change(folder, name)) as top:
            removed = _empty(top, path)
    else:
        removed = 0
    try:
        os.rmdir(name, dir_fd=folder)
    except OSError as error:
        if error.errno in _FULL:
            raise FolderNotEmpty(path) from error
        raise
    return removed + 1


def _empty(top: int, path: str) -> int:
    removed = tried = 0
    while names := _some_names(top):
        for name in names:
            if tried >= DELETE_LIMIT_ENTRIES:
                raise TooMuchToDelete(path, removed)
            gone = _remove_or_lift(top, name)
            removed += gone
            # A program that still runs may fill folders as fast as they are emptied: tries count too.
            tried += max(gone, 1)
    return removed


def _remove_or_lift(top: int, name: str) -> int:
    """Remove a file in `top`, or a folder whose own folders move up into `top`; how many entries went."""
    if _unlinked(top, name):
        return 1
    removed = 0
    with closing(_open_to_change(top, name)) as folder:
        for inner in _some_names(folder):
            if _unlinked(folder, inner):
                removed += 1
            else:
                # A folder that is closed to its owner cannot change its parent either.
                os.close(_open_to_change(folder, inner))
                lifted = TEMPORARY_PREFIX + secrets.token_hex(8)
                os.rename(inner, lifted, src_dir_fd=folder, dst_dir_fd=top)
    try:
        os.rmdir(name, dir_fd=top)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        # More names than one batch, or new ones: the next round finds it again.
        return removed
    return removed + 1


def _unlinked(folder: int, name: str) -> bool:
    """False when `name` is a folder."""
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return True
    except (IsADirectoryError, PermissionError):
        # Linux says the one about a folder, POSIX the other.
        if stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            return False
        raise
    return True


def _open_to_change(folder: int, name: str) -> int:
    """A folder that its owner may have closed even to themselves, opened and made writable."""
    try:
        descriptor = open_folder(folder, (name,))
    except PermissionError:
        _reopen_to_owner(folder, name)
        descriptor = open_folder(folder, (name,))
    if os.fstat(descriptor).st_mode & _OWNER_ALL != _OWNER_ALL:
        os.fchmod(descriptor, _OWNER_ALL)
    return descriptor


def _reopen_to_owner(folder: int, name: str) -> None:
    if os.chmod in os.supports_follow_symlinks:
        os.chmod(name, _OWNER_ALL, dir_fd=folder, follow_symlinks=False)
        return
    # Linux changes no mode by name without following links; an O_PATH descriptor pins what is changed.
    with closing(os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)) as pinned:
        os.chmod(f"/proc/self/fd/{pinned}", _OWNER_ALL)


def _some_names(folder: int) -> list[str]:
    with os.scandir(folder) as entries:
        return [entry.name for entry in islice(entries, _BATCH)]
