"""A workspace beside the commit it started from."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from codegod_git.faults import SparseCheckout
from codegod_git.names import shown
from codegod_git.objects import Entries, Status, changes
from codegod_git.runner import Git
from codegod_git.sites import Site
from codegod_git.snapshot import Snapshot, take_snapshot


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
    return Look(head, base, snapshot)


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
