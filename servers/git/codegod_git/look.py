"""A workspace beside the commit it started from."""

import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from codegod_git.faults import SparseCheckout
from codegod_git.names import shown
from codegod_git.objects import LINK, Entries, Status, changes, object_sizes, read_objects
from codegod_git.runner import Git
from codegod_git.sites import Site
from codegod_git.snapshot import Snapshot, take_snapshot
from codegod_git.walk import link_stays_inside


@dataclass(frozen=True, slots=True)
class Look:
    """What a commit of the workspace would change. `head` is the commit it started from; empty when it has none."""

    head: str
    base: Entries
    snapshot: Snapshot

    @property
    def changes(self) -> dict[str, Status]:
        """Each path that differs, and how."""
        return changes(self.base, self.snapshot.entries)


async def look_at(site: Site, *, into: Git | None = None) -> Look:
    """What the workspace of `site` holds now; its content is stored with `into`, if that is given."""
    head = await site.repository.ref(site.head)
    base = await site.repository.entries(head)
    git = into or site.repository.git
    if site.standalone:
        await _require_whole(site.repository.git)
    snapshot = await take_snapshot(
        git, site.folder, base, own_repository=site.standalone, store=into is not None
    )
    if not site.standalone:
        kept = await _never_written(site.repository.git, base, snapshot.entries)
        snapshot = replace(snapshot, entries={**snapshot.entries, **kept})
    return Look(head, base, snapshot)


async def _never_written(git: Git, base: Entries, entries: Entries) -> Entries:
    """The links of the base that no checkout writes, because they lead out of the tree: nobody has deleted them."""
    taken = {str(parent) for path in entries for parent in PurePosixPath(path).parents}
    missing = {
        path: entry
        for path, entry in base.items()
        if entry.mode == LINK and path not in entries and path not in taken
    }
    if not missing:
        return {}
    sizes = await object_sizes(git, (entry.id for entry in missing.values()))
    targets = {name: os.fsdecode(data) async for name, data in read_objects(git, sizes)}
    return {path: entry for path, entry in missing.items() if not link_stays_inside(path, targets[entry.id])}


async def _require_whole(git: Git) -> None:
    """In somebody's own repository, what is missing from the folder must be missing because it was deleted."""
    told = await git.run("ls-files", "-t", "-z")
    hidden = [line for line in told.decode("utf-8", "surrogateescape").split("\0") if line.startswith("S ")]
    if hidden:
        raise SparseCheckout(shown(hidden[0].removeprefix("S ")))


@asynccontextmanager
async def aside(git: Git) -> AsyncIterator[Git]:
    """A git that sees the repository and writes objects to a private folder, which goes away with the block."""
    with tempfile.TemporaryDirectory(prefix="codegod-objects-") as folder:
        yield git.quarantined(Path(folder))
