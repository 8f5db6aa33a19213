"""The tools that make and remove the trees of a build."""

from pathlib import Path
from typing import Annotated, Any

import anyio
from mcp.server import MCPServer
from pydantic import Field

from codegod_git.arguments import ADDS, READS, REMOVES, Cursor, Limit, Workspace
from codegod_git.checkout import building, write_files
from codegod_git.diff import listed_records
from codegod_git.faults import TreeExists, TreeTooLarge, Unrecordable
from codegod_git.look import Look, look_at
from codegod_git.objects import Entries, require_writable, write_tree
from codegod_git.overlay import overlay_entries
from codegod_git.records import LeftOut, Removed, Worktree, WorktreeName, WorktreePage
from codegod_git.repository import ARCHIVE, TREES, RefChange, Repository, sees_whole_build
from codegod_git.sites import Site, Sites
from codegod_git.snapshot import Snapshot
from codegod_kit import page_list

_SHORT_ID_CHARS = 12
_NOTHING: Entries = {}


def register_worktrees(server: MCPServer[Any], sites: Sites) -> None:
    """Add the tools for trees to `server`."""

    @server.tool(annotations=ADDS)
    async def worktree_create(
        workspace: Workspace = "",
        revision: Annotated[
            str, Field(description="What to check out, e.g. `main`; empty is an empty tree")
        ] = "main",
        overlay: Annotated[
            str, Field(description="A commit to lay files over it from, e.g. `refs/codegod/contract`")
        ] = "",
        overlay_paths: Annotated[
            list[str], Field(description="What to lay over it, e.g. `tests/test_storage.py`")
        ] = [],  # noqa: B006 - a plain default is what the schema shows
    ) -> Worktree:
        """Make a new tree and check a revision out into it. Files laid over it count as changed since the revision."""
        site = await sites.place(workspace)
        commit = await site.repository.resolve(revision) if revision else ""
        over = await overlay_entries(site.repository, overlay, overlay_paths)
        async with site.repository.writing():
            return await create_worktree(site, commit, over)

    @server.tool(annotations=READS)
    async def worktree_list(
        workspace: Workspace = "", limit: Limit = 100, cursor: Cursor = ""
    ) -> WorktreePage:
        """List the trees of the build and the commit each stands at."""
        return await _list(await sites.place(workspace), limit, cursor)

    @server.tool(annotations=REMOVES)
    async def worktree_remove(workspace: Workspace = "") -> Removed:
        """Remove a tree. What it holds that was never committed is kept under `refs/codegod/archive/`."""
        site = await sites.open(workspace)
        async with site.repository.writing():
            return await _remove(site)


async def create_worktree(site: Site, commit: str, over: Entries = _NOTHING) -> Worktree:
    """Make the tree of `site` from `commit` (empty: from nothing) with `over` on top, whole or not at all.

    Call while writing.
    """
    if site.is_there():
        raise TreeExists(site.workspace)
    repository = site.repository
    entries = {**await repository.entries(commit), **over}
    require_writable(entries)
    async with building(site.scratch, "tree-") as folder:
        left_out = await write_files(repository.git, entries, folder)
        folder.chmod(0o755)
        # The note first: a note without a tree is harmless, a tree without one would start from the wrong commit.
        if (noted := await repository.ref(site.head)) != commit:
            await repository.move(RefChange(site.head, commit, noted))
        await anyio.to_thread.run_sync(_put, folder, site.folder)
    shown, _ = listed_records(left_out)
    return Worktree(workspace=site.workspace, head=commit, files=len(entries) - len(left_out), left_out=shown)


async def discard(site: Site) -> None:
    """Take the tree away at once and then remove it; its note goes last. Call while writing."""
    if site.is_there():
        async with building(site.scratch, "gone-") as gone:
            site.folder.rename(gone / "tree")
    if noted := await site.repository.ref(site.head):
        await site.repository.move(RefChange(site.head, "", noted))


async def archive(repository: Repository, name: str, commit: str) -> str:
    """A ref under `refs/codegod/archive/` that keeps `commit`. Call while writing."""
    ref = f"{ARCHIVE}{name}/{commit[:_SHORT_ID_CHARS]}"
    if (before := await repository.ref(ref)) != commit:
        await repository.move(RefChange(ref, commit, before))
    return ref


async def _list(site: Site, limit: int, cursor: str) -> WorktreePage:
    build, _, own = site.workspace.partition("/")
    names = sorted(path.name for path in site.folder.parent.iterdir())
    if not sees_whole_build():
        names = [name for name in names if name == own]
    noted = await site.repository.refs(TREES)
    page = page_list(names, cursor, of=build, limit=limit)
    return WorktreePage(
        worktrees=[
            WorktreeName(workspace=f"{build}/{name}", head=noted.get(TREES + name, "")) for name in page.items
        ],
        next_cursor=page.next_cursor,
    )


async def _remove(site: Site) -> Removed:
    repository = site.repository
    look = await _last_look(site)
    kept = await _unkept(site, look)
    archived = await archive(repository, site.workspace.partition("/")[2], kept) if kept else ""
    await discard(site)
    left_out, _ = listed_records(look.snapshot.left_out)
    return Removed(workspace=site.workspace, archived=archived, left_out=left_out)


async def _last_look(site: Site) -> Look:
    """What a commit of the tree would hold; of one that no commit can hold, only what it started from."""
    try:
        return await look_at(site, into=site.repository.git)
    except (TreeTooLarge, Unrecordable):
        head = await site.repository.ref(site.head)
        base = await site.repository.entries(head)
        return Look(head, base, Snapshot(base, (LeftOut(path=".", reason="too_large"),)))


async def _unkept(site: Site, look: Look) -> str:
    """The commit that would be lost with the tree: what it holds now, or what it started from; empty if none."""
    repository = site.repository
    if look.changes:
        tree = await write_tree(repository.git, look.snapshot.entries)
        return await repository.make_commit(tree, [look.head], f"Archive the tree {site.workspace}")
    if not look.head:
        return ""
    holders = await repository.holders(look.head)
    return "" if holders - {site.head} else look.head


def _put(folder: Path, place: Path) -> None:
    place.parent.mkdir(exist_ok=True)
    folder.rename(place)
