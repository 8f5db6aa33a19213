"""Brings a repository that was handed over before up to what has come since, and leaves what its owner did to it alone.

A build that ended as partial is delivered, and goes on later into the same folder. Only files that differ between the two
are touched, and only while they are as they were delivered; everything else there, committed or not, stays.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import anyio

from codegod_git.checkout import building
from codegod_git.faults import DeliveredBefore, NoRepository, RedirectedRepository
from codegod_git.importing import carry
from codegod_git.objects import EXECUTABLE, FILE, Entries, Entry, changes, object_sizes, read_objects
from codegod_git.repository import RefChange, Repository
from codegod_git.sites import Site, Sites
from codegod_git.snapshot import FILE_LIMIT_BYTES, blob_id
from codegod_kit.beneath import Beneath, NoSuchPath, NotAFolder, PathFault

_REGULAR = (FILE, EXECUTABLE)


@dataclass(frozen=True, slots=True)
class Advance:
    """One delivered repository on its way from the commit `old` to `head`."""

    place: Path
    source: Repository
    target: Repository
    old: str
    head: str
    before: Entries
    after: Entries


async def earlier_delivery(sites: Sites, site: Site, place: Path, branch: str, head: str) -> Advance | None:
    """What `place` is when this very build was delivered there before; None when it is anything else.

    Raises `DeliveredBefore` when its owner has gone on with the branch, so that it cannot simply follow.
    """
    source = site.repository
    try:
        target = (await sites.foreign(place)).repository
    except (NoRepository, RedirectedRepository):
        return None
    old = await target.ref(branch) if await target.branch() == branch else ""
    if not old or not await _is_ours(source, target):
        return None
    if not (await _known(source, [old]) and await source.is_ancestor(old, head)):
        raise DeliveredBefore(str(place), "its branch has commits of its own")
    return Advance(place, source, target, old, head, await source.entries(old), await source.entries(head))


async def _is_ours(source: Repository, target: Repository) -> bool:
    """Whether it begins with the commit that the build begins with."""
    if await source.git.object_format() != await target.git.object_format():
        return False
    roots = [(await one.git.run("rev-list", "--max-parents=0", "HEAD")).split() for one in (source, target)]
    return bool(set(roots[0]) & set(roots[1]))


async def advance(step: Advance, refs: Mapping[str, str], scratch: Path) -> None:
    """Write what is new, and move the refs last, so that whoever is stopped here can begin again."""
    algorithm = await step.target.git.object_format()
    await anyio.to_thread.run_sync(_require_untouched, step, algorithm)
    standing = await step.target.refs("refs/")
    moved = {name: value for name, value in refs.items() if standing.get(name) != value}
    # What was not there when it was delivered is its owner's: a note or a branch of their own.
    known = await _known(step.source, [standing[name] for name in moved if name in standing])
    mine = [name for name in moved if name not in standing or standing[name] in known]
    async with building(scratch, "deliver-") as folder:
        told = await step.source.git.run(
            "rev-list",
            "--objects",
            "--stdin",
            stdin=_lines([*(moved[name] for name in mine), f"^{step.old}"]),
        )
        objects = [line.partition(b" ")[0].decode("ascii") for line in told.splitlines()]
        await carry(step.source.git, step.target, objects, folder)
    await _write(step)
    # The index alone: as soon as git looks at files there, it runs the filters that `.git/info/attributes` names.
    await step.target.git.run("read-tree", "-i", "-m", step.old, step.head)
    await step.target.move(*(RefChange(name, moved[name], standing.get(name, "")) for name in mine))


def _require_untouched(step: Advance, algorithm: str) -> None:
    """Every file that will change is as it was delivered, or (after a crash) as it will be."""
    with Beneath(step.place) as files:
        for path in changes(step.before, step.after):
            entries = [step.before.get(path), step.after.get(path)]
            if any(entry is not None and entry.mode not in _REGULAR for entry in entries):
                raise DeliveredBefore(str(step.place), f"{path!r}, which is no ordinary file, has changed")
            if not any(_is(files, path, entry, algorithm) for entry in entries):
                raise DeliveredBefore(str(step.place), f"{path!r} was changed there")


def _is(files: Beneath, path: str, entry: Entry | None, algorithm: str) -> bool:
    try:
        found = blob_id(files.read(path, limit=FILE_LIMIT_BYTES), algorithm)
    except (NoSuchPath, NotAFolder):
        return entry is None
    except PathFault:
        return False
    return entry is not None and found == entry.id


async def _write(step: Advance) -> None:
    changed = changes(step.before, step.after)
    gone = [path for path, status in changed.items() if status == "deleted"]
    await anyio.to_thread.run_sync(_remove, step.place, gone)
    wanted = {path: step.after[path] for path in changed if path in step.after}
    async for path, data in _contents(step.source, wanted):
        await anyio.to_thread.run_sync(_put, step.place, path, data, wanted[path].mode == EXECUTABLE)


async def _contents(source: Repository, wanted: Entries) -> AsyncIterator[tuple[str, bytes]]:
    paths: dict[str, list[str]] = {}
    for path, entry in wanted.items():
        paths.setdefault(entry.id, []).append(path)
    async for name, data in read_objects(source.git, await object_sizes(source.git, paths)):
        for path in paths[name]:
            yield path, data


def _remove(place: Path, paths: list[str]) -> None:
    with Beneath(place) as files:
        for path in paths:
            if files.exists(path):
                files.delete(path)


def _put(place: Path, path: str, data: bytes, executable: bool) -> None:
    with Beneath(place) as files:
        files.write(path, data, mode=0o755 if executable else 0o644)


async def _known(source: Repository, objects: list[str]) -> set[str]:
    """Those of `objects` that the build has: what was handed over came from there."""
    told = await source.git.run("cat-file", "--batch-check=%(objectname)", stdin=_lines(objects))
    return {line for line in told.decode("ascii").splitlines() if " " not in line}


def _lines(names: list[str]) -> bytes:
    return "".join(f"{name}\n" for name in names).encode()
