"""The processes that a process has started, and they in turn."""

import os
from collections.abc import Iterator
from pathlib import Path


def family(process: int) -> Iterator[int]:
    """`process` and its descendants, as far as they are there now."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (parent := parent_of(int(name))) is not None:
            children.setdefault(parent, []).append(int(name))
    waiting = [process]
    while waiting:
        member = waiting.pop()
        yield member
        waiting += children.get(member, [])


def parent_of(process: int) -> int | None:
    """The process that `process` belongs to; None when it is gone."""
    try:
        status = Path("/proc", str(process), "stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(status.rpartition(b")")[2].split()[1])  # its own name may hold anything
