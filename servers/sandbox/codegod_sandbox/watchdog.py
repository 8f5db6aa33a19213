"""Totals that no kernel limit bounds here, looked at while a program runs."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import anyio

from codegod_sandbox.execution_faults import ForeignFile
from codegod_sandbox.spec import Limits, RunStatus
from codegod_sandbox.tree import Usage, usage

_LOOK_SECONDS = 0.1  # at a gigabyte a second of writing, a tenth of the limit is missed
_FULL_LOOK_SECONDS = 15  # whatever the file system's counters say
_ENTRIES = 200_000  # files and folders a run may add: a large node_modules has 50 000
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
            # Counting files takes long in a large tree. The file system's own counters say when it is worth it.
            suspicious = (
                free.bytes - now.bytes > self.limits.disk_bytes // 4
                or free.entries - now.entries > _ENTRIES // 4
            )
            if suspicious or anyio.current_time() - looked > _FULL_LOOK_SECONDS:
                if await anyio.to_thread.run_sync(self._disk_is_over):
                    return "disk_limit"
                looked = anyio.current_time()

    def _free(self) -> Usage:
        left = Usage(1 << 62, 1 << 62)
        for folder in self.folders:
            status = os.statvfs(folder)
            left = Usage(
                min(left.bytes, status.f_bfree * status.f_frsize),
                min(left.entries, status.f_ffree or 1 << 62),
            )
        return left

    def _disk_is_over(self) -> bool:
        try:
            now = sum((usage(folder) for folder in self.folders), Usage())
        except ForeignFile:  # folders were moved while they were counted: the next look counts them
            return False
        grown = now.bytes - self.before.bytes
        return grown > self.limits.disk_bytes or now.entries - self.before.entries > _ENTRIES


def _memory(process: int) -> int:
    """What `process` and its descendants take together, shared memory counted once."""
    return sum(_proportional_share(member) for member in _family(process))


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


def _family(process: int) -> Iterator[int]:
    parents: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                status = Path("/proc", name, "stat").read_bytes()
            except (FileNotFoundError, ProcessLookupError):
                continue
            parents.setdefault(int(status.rpartition(b")")[2].split()[1]), []).append(int(name))
    waiting = [process]
    while waiting:
        member = waiting.pop()
        yield member
        waiting += parents.get(member, [])
