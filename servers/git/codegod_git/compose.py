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


def compose(target: Entries, base: Entries, source: Entries, paths: Sequence[str]) -> Composition:
    """`target` with what `source` changed since `base` at `paths` (files, or folders with all they hold)."""
    entries = dict(target)
    foreign: list[str] = []
    conflicts: list[str] = []
    for path in changes(base, source):
        ours, before, theirs = target.get(path), base.get(path), source.get(path)
        if not covers(paths, path) or (theirs is not None and theirs.mode == SUBMODULE):
            foreign.append(path)
            continue
        if ours not in (before, theirs):
            conflicts.append(path)
        _put(entries, path, theirs)
    return Composition(entries, tuple(foreign), tuple(conflicts))


def lay_over(target: Entries, overlay: Entries, paths: Sequence[str]) -> dict[str, Entry]:
    """`target` with `paths` exactly as `overlay` has them."""
    entries = {path: entry for path, entry in target.items() if not covers(paths, path)}
    return entries | {path: entry for path, entry in overlay.items() if covers(paths, path)}


def covers(paths: Iterable[str], path: str) -> bool:
    """Whether `path` is one of `paths` or lies below one; `.` covers everything."""
    return any(one in (".", path) or path.startswith(f"{one}/") for one in paths)


def _put(entries: dict[str, Entry], path: str, entry: Entry | None) -> None:
    if entry is None:
        entries.pop(path, None)
    else:
        entries[path] = entry
