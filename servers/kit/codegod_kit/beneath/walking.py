"""Seeing everything below a folder, within limits."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from codegod_kit.beneath.entries import scan
from codegod_kit.beneath.faults import Kind
from codegod_kit.beneath.openat import closing, open_folder


@dataclass(frozen=True, slots=True)
class WalkLimits:
    """Where a walk stops; the numbers are a large application with its dependencies beside it."""

    entries: int = 50_000
    depth: int = 64
    seconds: float = 10


class Walk:
    """An iteration over a tree; afterwards `cut` says why entries are missing, and `skipped` what was left out.

    It keeps no folder open: each is opened from the root when its turn comes.
    """

    def __init__(self, root: int, start: tuple[str, ...], skip: frozenset[str], limits: WalkLimits) -> None:
        self._root, self._start, self._skip, self._limits = root, start, skip, limits
        self.cut = ""
        self.skipped: list[str] = []

    def __iter__(self) -> Iterator[tuple[str, Kind]]:
        """Pairs of path and kind, a folder before what it holds, in the order of their names."""
        end = time.monotonic() + self._limits.seconds
        left = self._limits.entries
        waiting: list[tuple[tuple[str, ...], Kind]] = [(self._start, "folder")]
        while waiting:
            names, kind = waiting.pop()
            if names != self._start:
                yield "/".join(names), kind
            if kind != "folder":
                continue
            if time.monotonic() > end:
                self.cut = f"the walk took longer than {self._limits.seconds:g} s"
                return
            inside = self._inside(names, left)
            left -= len(inside)
            waiting.extend(reversed(inside))

    def _inside(self, names: tuple[str, ...], left: int) -> list[tuple[tuple[str, ...], Kind]]:
        if len(names) - len(self._start) > self._limits.depth:
            self.cut = f"folders are nested deeper than {self._limits.depth}"
            return []
        try:
            folder = open_folder(self._root, names)
        except OSError:
            # Gone, or swapped for a link, or closed to us, since its name was read: there is nothing to see.
            return []
        with closing(folder):
            found = scan(folder, left + 1)
        if len(found) > left:
            self.cut = f"there are more than {self._limits.entries} entries"
            del found[left:]
        self.skipped += ["/".join((*names, name)) for name, _ in found if name in self._skip]
        return [((*names, name), kind) for name, kind in found if name not in self._skip]
