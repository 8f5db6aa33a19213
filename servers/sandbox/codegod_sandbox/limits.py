"""What a single process may use (rlimits). Totals are a matter of cgroups and of the watchdog."""

import os
from collections.abc import Mapping
from pathlib import Path

from codegod_sandbox.spec import Limits

OPEN_FILES = 1024  # the usual default; programs expect no more
FILE_BYTES = 512 << 20  # one file: larger than any build product of a project this size
LOCKED_BYTES = 64 << 10  # the kernel's own default
RUNS_AT_A_TIME = 4  # where runs share one count, so many find room beside each other; a fork bomb stops there

_PRLIMIT_OPTIONS = {
    "RLIMIT_CORE": "core",
    "RLIMIT_NOFILE": "nofile",
    "RLIMIT_FSIZE": "fsize",
    "RLIMIT_MEMLOCK": "memlock",
    "RLIMIT_MSGQUEUE": "msgqueue",
    "RLIMIT_NPROC": "nproc",
    "RLIMIT_DATA": "data",
}


def resource_limits(limits: Limits, *, others: int | None, memory_is_bounded: bool) -> Mapping[str, int]:
    """The limits of each process by their names in `resource`.

    `others`: what the kernel counts together with this run's processes, which are all of its user's; None when it
    counts per sandbox (its user namespace), so that NPROC can be the run's own limit. `memory_is_bounded`: a cgroup bounds the total, so that no process needs a bound of its own.
    """
    memory = {} if memory_is_bounded else {"RLIMIT_DATA": limits.memory_bytes}
    return {
        "RLIMIT_CORE": 0,
        "RLIMIT_NOFILE": OPEN_FILES,
        "RLIMIT_FSIZE": FILE_BYTES,
        "RLIMIT_MEMLOCK": LOCKED_BYTES,
        "RLIMIT_MSGQUEUE": 0,
        "RLIMIT_NPROC": limits.processes if others is None else others + RUNS_AT_A_TIME * limits.processes,
        **memory,
    }


def threads_of(uid: int) -> int:
    """How many threads `uid` has now, as the kernel counts them for RLIMIT_NPROC."""
    count = 0
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                if process.stat().st_uid == uid:
                    count += len(os.listdir(process / "task"))
            except OSError:
                continue  # it has ended, and counts no more
    return count


def prlimit_options(limits: Mapping[str, int]) -> list[str]:
    """The same limits as options of util-linux's `prlimit`."""
    return [f"--{_PRLIMIT_OPTIONS[name]}={value}:{value}" for name, value in limits.items()]
