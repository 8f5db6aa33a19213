"""The tool that hands a build's work over as a branch of the repository that the build started from.

Nothing is checked out there: objects come first, then one ref. The user's files, index, HEAD and settings stay as they are.
"""

from typing import Annotated, Any

from mcp.server import MCPServer
from pydantic import Field

from codegod_git.arguments import ADDS_ONCE, Workspace
from codegod_git.checkout import building
from codegod_git.faults import BranchRefused, GitFailed, UnknownRevision, WholeBuildOnly
from codegod_git.importing import Source, carry
from codegod_git.names import require_ref
from codegod_git.origin import HEADS, checked_out, free_branch, open_origin
from codegod_git.records import DeliveredBranch
from codegod_git.repository import BASE, MAIN, RefChange, sees_whole_build
from codegod_git.sites import Site, Sites
from codegod_kit import current_grant


def register_branches(server: MCPServer[Any], sites: Sites) -> None:
    """Add `branch_deliver` to `server`."""

    @server.tool(annotations=ADDS_ONCE)
    async def branch_deliver(
        destination: Source,
        branch: Annotated[str, Field(description="The branch to make there, e.g. `codegod/due-dates`")],
        workspace: Workspace = "",
    ) -> DeliveredBranch:
        """Make a branch with the build's work in the repository that it started from; nothing is checked out there."""
        site = await sites.place(workspace)
        if not sees_whole_build():
            raise WholeBuildOnly("branch_deliver")
        grant = current_grant()
        if grant is None or not grant.branch or branch != grant.branch:
            raise BranchRefused(branch, "grant")
        ref = require_ref(f"{HEADS}{branch}")
        origin = await open_origin(sites, destination, grant.deliver)
        async with site.repository.writing():
            return await _deliver(site, origin, ref)


async def _deliver(site: Site, origin: Site, ref: str) -> DeliveredBranch:
    ours = site.repository
    base, head = await ours.ref(BASE), await ours.ref(MAIN)
    if not (base and head):
        raise UnknownRevision(MAIN if base else BASE)
    branch = ref.removeprefix(HEADS)
    if not await ours.is_ancestor(base, head) or await origin.repository.ref(base) != base:
        raise BranchRefused(branch, "stranger")
    made = (await ours.git.run("rev-list", head, f"^{base}")).decode("ascii").split()
    standing = await origin.repository.ref(ref)
    if standing != head:
        await _require_ours(origin, ref, standing, made)
        await _move(site, origin, RefChange(ref, head, standing), base)
    return DeliveredBranch(path=str(origin.folder), branch=branch, head=head, base=base, commits=len(made))


async def _require_ours(origin: Site, ref: str, standing: str, made: list[str]) -> None:
    """Return if the branch is absent, or at an earlier state of this very build that nobody has checked out."""
    branch = ref.removeprefix(HEADS)
    if standing and standing not in made:
        raise BranchRefused(branch, "taken")
    if not standing and await free_branch(origin, branch) != branch:
        raise BranchRefused(branch, "taken")
    if standing and ref in await checked_out(origin):
        raise BranchRefused(branch, "checked out")


async def _move(site: Site, origin: Site, change: RefChange, base: str) -> None:
    ours = site.repository.git
    listed = await ours.run("rev-list", "--objects", change.new, f"^{base}")
    objects = [line.partition(b" ")[0].decode("ascii") for line in listed.splitlines()]
    async with building(site.scratch, "branch-") as folder:
        await carry(ours, origin.repository, objects, folder)
    line = f"update {change.ref}\0{change.new}\0{change.old or '0' * len(change.new)}\0".encode()
    try:
        await origin.repository.signed.run("update-ref", "--stdin", "-z", stdin=line)
    except GitFailed:
        if await origin.repository.ref(change.ref) != change.old:
            raise BranchRefused(change.ref.removeprefix(HEADS), "taken") from None
        raise
