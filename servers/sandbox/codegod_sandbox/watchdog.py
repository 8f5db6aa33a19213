"""Totals that no kernel limit bounds here, looked at while a program runs."""

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import anyio

from codegod_sandbox.execution_faults import ForeignFile
from codegod_sandbox.family import family
from codegod_sandbox.spec import Limits, RunStatus
from codegod_sandbox.tree import BLOCK_BYTES, Usage, usage

_LOOK_SECONDS = 0.1  # at a gigabyte a second of writing, a tenth of the limit is missed
_FULL_LOOK_SECONDS = 15  # whatever the file system's counters say
_ENTRIES = 200_000  # files and folders a run may add: a large node_modules has 50 000
_FLOOR_BYTES = 1 << 30  # below this a program that may have filled the disk is stopped without proof
_PLENTY = 1 << 62
_KIB = 1024


@dataclass(frozen=True, slots=True)
class Watchdog:
    """Watches the disk always, and memory where no cgroup does."""

    folders: tuple[Path, ...]  # what the program may write to
    before: Usage
    limits: Limits
    watch_memory: bool

    async def breach(self, process: int) -> RunStatus:
        """Return when the program started by `process` has used too much."""
        free = self._free()
        looked = anyio.current_time()
        while True:
            await anyio.sleep(_LOOK_SECONDS)
            if self.watch_memory and _memory(process) > self.limits.memory_bytes:
                return "memory_limit"
            now = self._free()
            gone = Usage(free.bytes - now.bytes, free.entries - now.entries)
            if now.bytes < _FLOOR_BYTES and gone.bytes > self.limits.disk_bytes:
                return "disk_limit"
            # Counting files takes long in a large tree. The file system's own counters say when it is worth it.
            suspicious = gone.bytes > self.limits.disk_bytes // 4 or gone.entries > _ENTRIES // 4
            if suspicious or anyio.current_time() - looked > _FULL_LOOK_SECONDS:
                if await anyio.to_thread.run_sync(self._disk_is_over, process):
                    return "disk_limit"
                looked = anyio.current_time()

    def _free(self) -> Usage:
        counts = [os.statvfs(folder) for folder in self.folders]
        return Usage(
            min((count.f_bfree * count.f_frsize for count in counts), default=_PLENTY),
            min((count.f_ffree or _PLENTY for count in counts), default=_PLENTY),
        )

    def _disk_is_over(self, process: int) -> bool:
        try:
            now = sum((usage(folder) for folder in self.folders), Usage())
        except ForeignFile:  # folders were moved while they were counted: the next look counts them
            return False
        grown = now.bytes - self.before.bytes + self._nameless(process)
        return grown > self.limits.disk_bytes or now.entries - self.before.entries > _ENTRIES

    def _nameless(self, process: int) -> int:
        """What lies in files that have been deleted and are still open."""
        devices = {folder.stat().st_dev for folder in self.folders}
        found = {}
        for member in family(process):
            with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
                for descriptor in Path("/proc", str(member), "fd").iterdir():
                    with suppress(FileNotFoundError):
                        status = descriptor.stat()
                        if stat.S_ISREG(status.st_mode) and not status.st_nlink and status.st_dev in devices:
                            found[status.st_dev, status.st_ino] = status.st_blocks * BLOCK_BYTES
        return sum(found.values())


def _memory(process: int) -> int:
    """What `process` and its descendants take together, shared memory counted once."""
    return sum(_proportional_share(member) for member in family(process))


def _proportional_share(process: int) -> int:
    try:
        for line in Path("/proc", str(process), "smaps_rollup").read_text("ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * _KIB
    except PermissionError:
        return _resident(process)
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return 0


def _resident(process: int) -> int:
    """Counts shared pages of every process again; only where the kernel shows no more."""
    try:
        pages = int(Path("/proc", str(process), "statm").read_text("ascii").split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
