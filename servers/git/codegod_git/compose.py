"""Which tree a candidate has: the target's, with what the source changed at some paths. Nothing is merged in a file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from codegod_git.objects import SUBMODULE, Entries, Entry, changes


@dataclass(frozen=True, slots=True)
class Composition:
    """A candidate's tree. `foreign` was left out, `conflicts` were changed on both sides."""

    entries: Entries
    foreign: tuple[str, ...]
    conflicts: tuple[str, ...]
    _source: Entries

    def under(self, overlay: Entries, paths: Sequence[str]) -> "Composition":
        """This with `paths` exactly as `overlay` has them; what the source took over unchanged from it is not foreign."""
        entries = {path: entry for path, entry in self.entries.items() if not covers(paths, path)}
        entries |= {path: entry for path, entry in overlay.items() if covers(paths, path)}
        foreign = tuple(
            path for path in self.foreign if path not in overlay or self._source.get(path) != overlay[path]
        )
        conflicts = tuple(path for path in self.conflicts if not covers(paths, path))
        return Composition(entries, foreign, conflicts, self._source)


def compose(target: Entries, base: Entries, source: Entries, paths: Sequence[str]) -> Composition:
    """`target` with what `source` changed since `base` at `paths` (files, or folders with all they hold)."""
    entries = dict(target)
    foreign: list[str] = []
    conflicts: list[str] = []
    for path in changes(base, source):
        ours, before, theirs = target.get(path), base.get(path), source.get(path)
        if ours == theirs:
            continue
        if not covers(paths, path) or (theirs is not None and theirs.mode == SUBMODULE):
            foreign.append(path)
            continue
        if ours != before:
            conflicts.append(path)
        _put(entries, path, theirs)
    return Composition(entries, tuple(foreign), tuple(conflicts), source)


def covers(paths: Iterable[str], path: str) -> bool:
    """Whether `path` is one of `paths` or lies below one; `.` covers everything."""
    return any(one in (".", path) or path.startswith(f"{one}/") for one in paths)


def _put(entries: dict[str, Entry], path: str, entry: Entry | None) -> None:
    if entry is None:
        entries.pop(path, None)
    else:
        entries[path] = entry
