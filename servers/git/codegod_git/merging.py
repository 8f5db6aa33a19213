"""The tools of the merge queue. They run no tests: who proposes checks the candidate in the sandbox, then lands it."""

from typing import Annotated, Any

from mcp.server import MCPServer
from pydantic import Field

from codegod_git.arguments import ADDS, ADDS_ONCE, READS, Cursor, Limit, Message, Trailers, Workspace
from codegod_git.diff import listed
from codegod_git.faults import WholeBuildOnly
from codegod_git.notes import add_note, require_note
from codegod_git.objects import changes
from codegod_git.queue import MergeQueue, Waiting, Wish
from codegod_git.recording import commit_report, full_message
from codegod_git.records import Candidate, Commit, Dropped, Proposal, QueueReport
from codegod_git.repository import ARCHIVE, LANDED, MAIN, sees_whole_build
from codegod_git.sites import Site, Sites
from codegod_git.worktrees import create_worktree, discard
from codegod_kit import page_list

CandidateId = Annotated[str, Field(description="`candidate` of the proposal, all 40 digits")]


def register_merging(server: MCPServer[Any], sites: Sites) -> None:
    """Add the tools of the queue to `server`."""
    _register_waiting(server, sites)
    _register_deciding(server, sites)


def _register_waiting(server: MCPServer[Any], sites: Sites) -> None:
    @server.tool(annotations=ADDS)
    async def merge_propose(
        source: Annotated[
            str, Field(description="The commit to take from, e.g. `refs/codegod/attempts/storage/2`")
        ],
        paths: Annotated[
            list[str], Field(description="Files and folders to take, e.g. `src/storage.py`; `.` is all")
        ],
        overlay: Annotated[
            str, Field(description="A commit that wins over both, e.g. `refs/codegod/contract`")
        ] = "",
        overlay_paths: Annotated[
            list[str], Field(description="What to take from it, e.g. `tests/test_storage.py`")
        ] = [],  # noqa: B006
        target: Annotated[str, Field(description="The branch to land on, in full")] = MAIN,
        workspace: Workspace = "",
    ) -> Candidate:
        """Put a source's files onto the target, in a new tree to be tested. Nothing lands yet."""
        site = await _whole(sites, "merge_propose", workspace)
        wish = Wish(source, paths, overlay, overlay_paths, target)
        async with site.repository.writing():
            waiting = await MergeQueue(site.repository).propose(wish)
            made = await create_worktree(await _tree_of(sites, site, waiting), waiting.id)
        return await _report(site, waiting, made.workspace)

    @server.tool(annotations=READS)
    async def merge_status(workspace: Workspace = "", limit: Limit = 50, cursor: Cursor = "") -> QueueReport:
        """List the candidates that wait, and whether each could still land."""
        return await _queue_report(await _whole(sites, "merge_status", workspace), limit, cursor)


def _register_deciding(server: MCPServer[Any], sites: Sites) -> None:
    @server.tool(annotations=ADDS_ONCE)
    async def merge_land(
        candidate: CandidateId,
        expected_head: Annotated[
            str, Field(description="`head` of the proposal: what the target must still be at")
        ],
        message: Message,
        workspace: Workspace = "",
        trailers: Trailers = [],  # noqa: B006 - a plain default is what the schema shows
    ) -> Commit:
        """Make a tested candidate the new head of its target. Called again, it gives the same commit."""
        text = full_message(message, trailers)
        site = await _whole(sites, "merge_land", workspace)
        async with site.repository.writing():
            queue = MergeQueue(site.repository)
            commit, target = await queue.land(candidate, expected_head, text)
            await discard(await _tree_of(sites, site, await queue.read(candidate)))
        return await commit_report(site.repository, commit, target)

    @server.tool(annotations=ADDS_ONCE)
    async def merge_drop(
        candidate: CandidateId,
        reason: Annotated[str, Field(description="Why, e.g. `test_create fails`")],
        workspace: Workspace = "",
    ) -> Dropped:
        """Give up a candidate. It stays under `refs/codegod/archive/`, with the reason as its note."""
        note = require_note(reason)
        site = await _whole(sites, "merge_drop", workspace)
        async with site.repository.writing():
            queue = MergeQueue(site.repository)
            if not (archived := await queue.dropped(candidate)):
                await queue.find(candidate)
                await add_note(site.repository, candidate, note)
                archived = await queue.drop(candidate)
            await discard(await _tree_of(sites, site, await queue.read(candidate)))
        return Dropped(candidate=candidate, archived=archived)


async def _whole(sites: Sites, tool: str, workspace: str) -> Site:
    site = await sites.place(workspace)
    if not sees_whole_build():
        raise WholeBuildOnly(tool)
    return site


async def _tree_of(sites: Sites, site: Site, waiting: Waiting) -> Site:
    return await sites.place(f"{site.workspace.partition('/')[0]}/{waiting.tree_name}")


async def _report(site: Site, waiting: Waiting, workspace: str) -> Candidate:
    repository = site.repository
    changed, cut = listed(
        changes(await repository.entries(waiting.head), await repository.entries(waiting.id))
    )
    foreign, cut_foreign = listed(waiting.foreign)
    conflicts, cut_conflicts = listed(waiting.conflicts)
    return Candidate(
        candidate=waiting.id,
        tree=await repository.tree(waiting.id),
        head=waiting.head,
        workspace=workspace,
        changed=changed,
        foreign=foreign,
        conflicts=conflicts,
        cut=cut or cut_foreign or cut_conflicts,
    )


async def _queue_report(site: Site, limit: int, cursor: str) -> QueueReport:
    repository = site.repository
    queue = MergeQueue(repository)
    page = page_list(await queue.waiting(), cursor, of=site.workspace, limit=limit)
    return QueueReport(
        candidates=[await _proposal(site, await queue.read(name)) for name in page.items],
        landed=len(await repository.refs(LANDED)),
        archived=len(await repository.refs(ARCHIVE)),
        next_cursor=page.next_cursor,
    )


async def _proposal(site: Site, waiting: Waiting) -> Proposal:
    return Proposal(
        candidate=waiting.id,
        workspace=f"{site.workspace.partition('/')[0]}/{waiting.tree_name}",
        source=waiting.source,
        target=waiting.target,
        head=waiting.head,
        current=await site.repository.ref(waiting.target) == waiting.head,
        conflicts=len(waiting.conflicts),
    )
