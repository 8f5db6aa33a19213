"""What a single process may use (rlimits). Totals are a matter of cgroups and of the watchdog."""

from collections.abc import Mapping

from codegod_sandbox.spec import Limits

OPEN_FILES = 1024  # the usual default; programs expect no more
FILE_BYTES = 512 << 20  # one file: larger than any build product of a project this size
LOCKED_BYTES = 64 << 10  # the kernel's own default
UID_PROCESSES = 4096  # a net under all sandboxes of one uid; the limit of one sandbox lies elsewhere

_PRLIMIT_OPTIONS = {
    "RLIMIT_CORE": "core",
    "RLIMIT_NOFILE": "nofile",
    "RLIMIT_FSIZE": "fsize",
    "RLIMIT_MEMLOCK": "memlock",
    "RLIMIT_MSGQUEUE": "msgqueue",
    "RLIMIT_NPROC": "nproc",
    "RLIMIT_DATA": "data",
}


def resource_limits(limits: Limits, *, own_process_count: bool, memory_is_bounded: bool) -> Mapping[str, int]:
    """The limits of each process by their names in `resource`.

    `own_process_count`: the kernel counts processes per sandbox (its user namespace), so that NPROC can be the
    sandbox's own limit. `memory_is_bounded`: a cgroup bounds the total, so that no process needs a bound of its own.
    """
    memory = {} if memory_is_bounded else {"RLIMIT_DATA": limits.memory_bytes}
    return {
        "RLIMIT_CORE": 0,
        "RLIMIT_NOFILE": OPEN_FILES,
        "RLIMIT_FSIZE": FILE_BYTES,
        "RLIMIT_MEMLOCK": LOCKED_BYTES,
        "RLIMIT_MSGQUEUE": 0,
        "RLIMIT_NPROC": limits.processes if own_process_count else UID_PROCESSES,
        **memory,
    }


def prlimit_options(limits: Mapping[str, int]) -> list[str]:
    """The same limits as options of util-linux's `prlimit`."""
    return [f"--{_PRLIMIT_OPTIONS[name]}={value}:{value}" for name, value in limits.items()]
