"""Who is running a build right now: a lock of the operating system, which a killed process cannot keep."""

import contextlib
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

# A lock that is only looked at is held for microseconds; whoever holds it longer runs the build.
PATIENCE_SECONDS = 0.5
_RETRY_SECONDS = 0.02
# Where Windows locks a byte: behind the text, because there a locked byte cannot be read either.
_LOCKED_BYTE = 1 << 20
_NAME_LIMIT_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Holder:
    pid: int | None  # None: it took the lock just now and has not written its name yet
    name: str


class Lock:
    """A lock file: it names its holder, and is gone when nobody holds it any more."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = -1

    def acquire(self, name: str) -> bool:
        """Take the lock, blocking no longer than `PATIENCE_SECONDS`; False when somebody else keeps it."""
        give_up = time.monotonic() + PATIENCE_SECONDS
        while not self._take(name):
            if time.monotonic() > give_up:
                return False
            time.sleep(_RETRY_SECONDS)
        return True

    def release(self) -> None:
        if self._file < 0:
            return
        with contextlib.suppress(OSError):  # Windows deletes no open file: there the empty name stays
            self._path.unlink()
        os.close(self._file)
        self._file = -1

    def holder(self) -> Holder | None:
        """Who has the lock; None when nobody has it."""
        try:
            file = os.open(self._path, os.O_RDWR)
        except FileNotFoundError:
            return None
        try:
            return None if _lock(file) else _read_name(file)
        finally:
            os.close(file)

    def _take(self, name: str) -> bool:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        if not _lock(file) or not _is_still(file, self._path):
            os.close(file)
            return False
        os.ftruncate(file, 0)
        os.write(file, json.dumps({"pid": os.getpid(), "name": name}).encode())
        self._file = file
        return True


def _is_still(file: int, path: Path) -> bool:
    """Whether the locked file still has its name: its last holder may have removed it in between."""
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _read_name(file: int) -> Holder:
    os.lseek(file, 0, os.SEEK_SET)
    try:
        written = json.loads(os.read(file, _NAME_LIMIT_BYTES))
    except ValueError:
        return Holder(None, "")
    return Holder(int(written["pid"]), str(written["name"]))


def _lock(file: int) -> bool:
    """Lock the open file unless somebody else has; closing it, or dying, unlocks it."""
    if sys.platform == "win32":
        import msvcrt

        os.lseek(file, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        os.lseek(file, 0, os.SEEK_SET)
        return True
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
