"""A rename that never replaces what has the new name already."""

import ctypes
import errno
import os
import sys
from functools import cache

_NOREPLACE = 1  # RENAME_NOREPLACE of Linux
_EXCLUSIVE = 4  # RENAME_EXCL of macOS
# What a C library or a file system answers that has no such rename.
_UNKNOWN = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)


def rename_new(old: str, new: str, old_folder: int, new_folder: int) -> None:
    """Rename `old` in one open folder to `new` in another; FileExistsError when there is a `new`."""
    number = _native(old, new, old_folder, new_folder)
    if number in _UNKNOWN:
        _checked(old, new, old_folder, new_folder)
    elif number:
        raise OSError(number, os.strerror(number), new)


def _native(old: str, new: str, old_folder: int, new_folder: int) -> int:
    name, flag = ("renameatx_np", _EXCLUSIVE) if sys.platform == "darwin" else ("renameat2", _NOREPLACE)
    call = getattr(_libc(), name, None)
    if call is None:
        return errno.ENOSYS
    call.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    done: int = call(old_folder, os.fsencode(old), new_folder, os.fsencode(new), flag)
    return 0 if done == 0 else ctypes.get_errno()


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(old: str, new: str, old_folder: int, new_folder: int) -> None:
    """Where no such call is: look, then rename. Only a name made in between by the tree's own program is lost."""
    try:
        os.stat(new, dir_fd=new_folder, follow_symlinks=False)
    except FileNotFoundError:
        os.rename(old, new, src_dir_fd=old_folder, dst_dir_fd=new_folder)
        return
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), new)
