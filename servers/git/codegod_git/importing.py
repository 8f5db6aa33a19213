"""The tools that look at a user's own repository, and bring one commit of it into a build.

The commit comes without its history, as in a shallow clone: it keeps its id, so a branch that goes on from it fits into
the repository that it came from, and an import costs what a checkout costs.
"""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Annotated, Any

import anyio
from mcp.server import MCPServer
from pydantic import Field

from codegod_git.arguments import ADDS_ONCE, READS, Workspace
from codegod_git.checkout import CHECKOUT_LIMIT_BYTES, building
from codegod_git.diff import listed
from codegod_git.faults import OriginRefused, RefMoved, TreeTooLarge, UnknownRevision, WholeBuildOnly
from codegod_git.names import require_object_id, require_ref
from codegod_git.objects import object_sizes
from codegod_git.origin import HEADS, free_branch, open_origin, uncommitted
from codegod_git.records import Imported, Origin
from codegod_git.repository import BASE, MAIN, RefChange, Repository, sees_whole_build
from codegod_git.runner import Git
from codegod_git.sites import Site, Sites
from codegod_kit import current_grant

_CHUNK_BYTES = 1024 * 1024

Source = Annotated[str, Field(description="The folder of the repository, absolute, e.g. `/home/ann/todo`")]


def register_importing(server: MCPServer[Any], sites: Sites) -> None:
    """Add `repo_look` and `repo_import` to `server`."""

    @server.tool(annotations=READS)
    async def repo_look(
        source: Source,
        branch: Annotated[
            str, Field(description="A branch wanted there later, e.g. `codegod/due-dates`")
        ] = "",
    ) -> Origin:
        """Say what a user's repository is at, what is not committed in it, and whether a branch's name is free."""
        site = await open_origin(sites, source, granted_source())
        repository = site.repository
        if not (head := await repository.ref("HEAD")):
            raise OriginRefused(source, "empty")
        if branch:
            require_ref(f"{HEADS}{branch}")
        changed, cut = listed(await uncommitted(site))
        return Origin(
            path=str(site.folder),
            head=head,
            branch=(await repository.branch()).removeprefix(HEADS),
            changed=changed,
            cut=cut,
            free_branch=await free_branch(site, branch) if branch else "",
        )

    @server.tool(annotations=ADDS_ONCE)
    async def repo_import(
        source: Source,
        commit: Annotated[str, Field(description="`head` of `repo_look`, all 40 digits")],
        workspace: Workspace = "",
    ) -> Imported:
        """Bring one commit of a user's repository into the build: its main branch starts there. Asked twice, it is there."""
        site = await sites.place(workspace)
        if not sees_whole_build():
            raise WholeBuildOnly("repo_import")
        origin = await open_origin(sites, source, granted_source())
        require_object_id(commit)
        async with site.repository.writing():
            await _import(site, origin, commit)
        entries = await site.repository.entries(commit)
        return Imported(commit=commit, tree=await site.repository.tree(commit), ref=BASE, files=len(entries))


def granted_source() -> str:
    """The folder that the caller may read."""
    grant = current_grant()
    return "" if grant is None else grant.source


async def _import(site: Site, origin: Site, commit: str) -> None:
    repository = site.repository
    standing = await repository.ref(BASE)
    if standing == commit:
        return
    if standing:
        raise RefMoved(BASE, commit, standing)
    if await origin.repository.git.object_format() != await repository.git.object_format():
        raise OriginRefused(str(origin.folder), "format")
    if await origin.repository.ref(commit) != commit:
        raise UnknownRevision(commit)
    objects = await _objects(origin.repository.git, commit)
    async with building(site.scratch, "import-") as folder:
        # The commit's parents stay where they are: git is told so before it looks for them.
        await anyio.to_thread.run_sync(_cut_history, repository.git.git_dir, commit)
        await carry(origin.repository.git, repository, objects, folder)
    await repository.move(RefChange(BASE, commit, ""), RefChange(MAIN, commit, await repository.ref(MAIN)))


async def _objects(git: Git, commit: str) -> list[str]:
    """The commit, its trees and its files; a `TreeTooLarge` when that is more than anybody checks out."""
    told = await git.run("rev-list", "--objects", "--no-walk", commit)
    ids = [line.partition(b" ")[0].decode("ascii") for line in told.splitlines()]
    if sum((await object_sizes(git, ids)).values()) > CHECKOUT_LIMIT_BYTES:
        raise TreeTooLarge("bytes", CHECKOUT_LIMIT_BYTES)
    return ids


async def carry(source: Git, target: Repository, objects: list[str], scratch: Path) -> None:
    """Copy `objects` by a pack in the private folder `scratch`; git computes each id anew where they arrive."""
    wanted = "".join(f"{name}\n" for name in objects).encode()
    named = (await source.run("pack-objects", "--quiet", str(scratch / "pack"), stdin=wanted)).decode("ascii")
    pack = scratch / f"pack-{named.strip()}.pack"
    await target.git.run("unpack-objects", "-q", "--strict", stdin=_content(pack))


async def _content(file: Path) -> AsyncGenerator[bytes, None]:
    async with await anyio.open_file(file, "rb") as opened:
        while chunk := await opened.read(_CHUNK_BYTES):
            yield chunk


def _cut_history(git_dir: Path, commit: str) -> None:
    (git_dir / "shallow").write_text(f"{commit}\n", encoding="ascii")
