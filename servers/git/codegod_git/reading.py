"""The tools that look: nothing here changes the repository, and nothing waits for a lock."""

from collections.abc import Sequence
from typing import Annotated, Any

from mcp.server import MCPServer
from pydantic import Field

from codegod_git.arguments import READS, Cursor, Limit, Paths, Revision, Workspace
from codegod_git.diff import BESIDE_TEXT_BYTES, TEXT_CHARS, empty_tree, file_changes, listed_records, patch
from codegod_git.history import SUBJECT_LIMIT_CHARS, printable
from codegod_git.log import Search, log_page
from codegod_git.look import aside, look_at
from codegod_git.names import require_ref, shown
from codegod_git.objects import write_tree
from codegod_git.records import Branch, BranchPage, DiffReport, LogPage, PathChange, Shown, StatusReport
from codegod_git.repository import visible_refs
from codegod_git.runner import Git
from codegod_git.show import show
from codegod_git.sites import Site, Sites, default_branch
from codegod_kit import page_list, page_text

# Enough to see where a change sits; more is in the file itself.
_CONTEXT_LIMIT_LINES = 20

Context = Annotated[
    int, Field(description="Unchanged lines around each change, e.g. 3", ge=0, le=_CONTEXT_LIMIT_LINES)
]


def register_reading(server: MCPServer[Any], sites: Sites) -> None:
    """Add the tools that look to `server`."""
    _register_changes(server, sites)
    _register_history(server, sites)


def _register_changes(server: MCPServer[Any], sites: Sites) -> None:
    @server.tool(annotations=READS)
    async def git_status(workspace: Workspace = "") -> StatusReport:
        """List what changed in the workspace since its last commit, and what a commit would leave out."""
        return await _status(await sites.open(workspace))

    @server.tool(annotations=READS)
    async def git_diff(
        base: Annotated[str, Field(description="Older revision, e.g. `main`; empty is the last commit")] = "",
        head: Annotated[str, Field(description="Newer revision; empty is the workspace as it is now")] = "",
        paths: Paths = [],  # noqa: B006 - a plain default is what the schema shows
        context: Context = 3,
        workspace: Workspace = "",
        cursor: Cursor = "",
    ) -> DiffReport:
        """Show what changed between two revisions, or since one. Without arguments: since the last commit."""
        site = await (sites.place if head else sites.open)(workspace)
        return await _diff(site, base, head, paths, context, cursor)


def _register_history(server: MCPServer[Any], sites: Sites) -> None:
    @server.tool(annotations=READS)
    async def git_log(
        revision: Annotated[
            str, Field(description="Where to start, e.g. `main`; empty is the main branch")
        ] = "",
        limit: Limit = 20,
        trailer: Annotated[
            str, Field(description="Only commits with this trailer, e.g. `Task-Id: storage`")
        ] = "",
        path: Annotated[str, Field(description="Only commits that changed this file or folder")] = "",
        workspace: Workspace = "",
        cursor: Cursor = "",
    ) -> LogPage:
        """List commits, newest first, with their trailers."""
        site = await sites.place(workspace)
        start = await site.repository.resolve(revision or default_branch(site), site.head)
        return await log_page(site.repository.git, Search(start, trailer, path), cursor, limit)

    @server.tool(annotations=READS)
    async def git_show(
        revision: Revision = "HEAD",
        path: Annotated[
            str, Field(description="A file or folder of that commit, e.g. `src/app.py`; empty is the commit")
        ] = "",
        workspace: Workspace = "",
        cursor: Cursor = "",
    ) -> Shown:
        """Show one commit with its diff, or a file or folder as it was in that commit."""
        site = await sites.place(workspace)
        commit = await site.repository.commit(await site.repository.resolve(revision, site.head))
        return await show(site.repository.git, commit, revision, path, cursor)

    @server.tool(annotations=READS)
    async def git_branch_list(
        prefix: Annotated[
            str, Field(description="Only refs below this, e.g. `refs/codegod/attempts`")
        ] = "refs/heads",
        limit: Limit = 50,
        workspace: Workspace = "",
        cursor: Cursor = "",
    ) -> BranchPage:
        """List branches, or other refs, with the commit each is at."""
        return await _branches(await sites.place(workspace), prefix, limit, cursor)


async def _status(site: Site) -> StatusReport:
    look = await look_at(site)
    changed = [PathChange(path=shown(path), status=status) for path, status in look.changes.items()]
    changes, cut = listed_records(changed)
    left_out, cut_too = listed_records(look.snapshot.left_out)
    return StatusReport(
        head=look.head,
        branch=await site.repository.branch() if site.standalone else site.head,
        clean=not changed,
        changes=changes,
        left_out=left_out,
        cut=cut or cut_too,
    )


async def _diff(
    site: Site, base: str, head: str, paths: Sequence[str], context: int, cursor: str
) -> DiffReport:
    repository = site.repository
    older = await repository.resolve(base, site.head) if base else await repository.ref(site.head)
    if head:
        newer = await repository.resolve(head, site.head)
        return await _report(repository.git, older or empty_tree(newer), newer, newer, paths, context, cursor)
    async with aside(repository.git) as git:
        look = await look_at(site, into=git)
        tree = await write_tree(git, look.snapshot.entries)
        report = await _report(git, older or empty_tree(tree), tree, "", paths, context, cursor)
    left_out, cut = listed_records(look.snapshot.left_out, BESIDE_TEXT_BYTES)
    return report.model_copy(update={"left_out": left_out, "cut": report.cut or cut})


async def _report(
    git: Git, older: str, newer: str, head: str, paths: Sequence[str], context: int, cursor: str
) -> DiffReport:
    files, cut = listed_records(await file_changes(git, older, newer, paths), BESIDE_TEXT_BYTES)
    page = page_text(await patch(git, older, newer, paths, context), cursor, limit=TEXT_CHARS)
    return DiffReport(
        base=older,
        head=head,
        files=files,
        text=page.text,
        next_cursor=page.next_cursor,
        left_out=[],
        cut=cut,
    )


async def _branches(site: Site, prefix: str, limit: int, cursor: str) -> BranchPage:
    wanted = prefix.rstrip("/")
    if wanted != "refs":
        require_ref(f"{wanted}/name", "refs/heads")
    names = sorted(await site.repository.refs(wanted))
    if (seen := visible_refs(site.head)) is not None:
        names = [name for name in names if name.startswith(seen)]
    page = page_list(names, cursor, of=wanted, limit=limit)
    current = await site.repository.branch()
    branches = [
        Branch(
            name=shown(name),
            id=value,
            subject=printable(subject)[:SUBJECT_LIMIT_CHARS],
            current=name == current,
        )
        for name, (value, subject) in (await site.repository.subjects(page.items)).items()
    ]
    return BranchPage(branches=branches, total=page.total, next_cursor=page.next_cursor)
