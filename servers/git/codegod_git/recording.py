"""The tools that make a repository, commits and notes."""

import os
from typing import Annotated, Any

from mcp.server import MCPServer
from pydantic import Field

from codegod_git.arguments import ADDS, ADDS_ONCE, Message, Revision, Trailers, Workspace
from codegod_git.diff import listed, listed_records
from codegod_git.faults import (
    BadName,
    OperationPending,
    RefMoved,
    RefNotAllowed,
    RepositoryBusy,
    UnchangedTree,
)
from codegod_git.look import look_at
from codegod_git.names import require_message, require_ref, require_trailers
from codegod_git.notes import add_note, require_note
from codegod_git.objects import changes, write_tree
from codegod_git.records import Commit, Initialised, Noted
from codegod_git.repository import (
    ARCHIVE,
    ATTEMPTS,
    BASE,
    CANDIDATES,
    LANDED,
    MAIN,
    TREES,
    RefChange,
    Repository,
    sees_whole_build,
)
from codegod_git.sites import Site, Sites, require_own_folder
from codegod_kit import Grant, current_grant

# Bookkeeping of this server: these refs move by their own tools only.
_RESERVED = (ARCHIVE, BASE, CANDIDATES, LANDED, TREES)
_PENDING = {
    "MERGE_HEAD": "merge",
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
    "CHERRY_PICK_HEAD": "cherry-pick",
}


def register_recording(server: MCPServer[Any], sites: Sites) -> None:
    """Add the tools that record to `server`."""

    @server.tool(annotations=ADDS_ONCE)
    async def git_init(workspace: Workspace = "") -> Initialised:
        """Make the repository, if there is none yet."""
        return await _initialise(await sites.planned(workspace))

    @server.tool(annotations=ADDS)
    async def git_commit(
        message: Message,
        workspace: Workspace = "",
        ref: Annotated[str, Field(description="Full name of the ref to move; empty is your own branch")] = "",
        trailers: Trailers = [],  # noqa: B006 - a plain default is what the schema shows
    ) -> Commit:
        """Record the whole workspace as one commit; ignored files and secrets are left out."""
        text = full_message(message, trailers)
        site = await sites.open(workspace)
        async with site.repository.writing():
            return await _commit(site, text, await _commit_ref(site, ref))

    @server.tool(annotations=ADDS_ONCE)
    async def git_note(
        revision: Revision,
        text: Annotated[str, Field(description="What to add to the commit, e.g. `All 12 tests passed`")],
        workspace: Workspace = "",
    ) -> Noted:
        """Add a note to a commit without changing it; the same text is added once."""
        note = require_note(text)
        site = await sites.place(workspace)
        commit = await site.repository.resolve(revision, site.head)
        async with site.repository.writing():
            return Noted(id=commit, text=await add_note(site.repository, commit, note))


def full_message(message: str, trailers: list[str]) -> str:
    """`message` with `trailers` as a paragraph of their own, so that nothing in the message passes for one of them."""
    return "\n\n".join(
        [require_message(message), *(["\n".join(require_trailers(trailers))] if trailers else [])]
    )


async def commit_report(repository: Repository, commit: str, ref: str) -> Commit:
    """The answer about a commit that was made."""
    record = await repository.commit(commit)
    tree = await repository.tree(commit)
    parent = record.parents[0] if record.parents else ""
    before, after = await repository.entries(parent), await repository.entries(commit)
    changed, cut = listed(changes(before, after))
    return Commit(id=commit, tree=tree, parent=parent, ref=ref, changed=changed, left_out=[], cut=cut)


async def _initialise(site: Site) -> Initialised:
    created = _make_folders(site)
    if not site.standalone:
        async with site.repository.writing():
            await site.repository.git.create(bare=True)
    elif created:
        await site.repository.git.create(bare=False)
    return Initialised(workspace=site.workspace, created=created, branch=await site.repository.branch())


def _make_folders(site: Site) -> bool:
    """Make what the repository needs around it; gives whether there is none yet."""
    git_dir = site.repository.git.git_dir
    if os.path.lexists(git_dir):
        require_own_folder(git_dir)
    if not site.standalone:
        # The trees are the sandbox's too, whatever our umask; the objects are nobody's business but this server's.
        for folder, mode in ((git_dir.parent, 0o755), (git_dir.parent / "trees", 0o755), (git_dir, 0o700)):
            if not folder.exists():
                folder.mkdir(parents=True)
                folder.chmod(mode)
    return not os.path.lexists(git_dir / "HEAD")


async def _commit(site: Site, message: str, ref: str) -> Commit:
    repository = site.repository
    before = await repository.ref(ref)
    look = await look_at(site, into=repository.git)
    look.snapshot.require_recordable()
    if not look.changes:
        raise UnchangedTree(look.head)
    if before and not (look.head and await repository.is_ancestor(before, look.head)):
        raise RefMoved(ref, look.head, before)
    tree = await write_tree(repository.git, look.snapshot.entries)
    commit = await repository.make_commit(tree, [look.head], message)
    await repository.move(*_ref_changes(site, ref, commit, before, look.head))
    if site.standalone and ref == await repository.branch():
        # The user's own git compares the folder with its index; it must not see the old one.
        await repository.git.run("read-tree", tree)
    changed, cut = listed(look.changes)
    left_out, cut_too = listed_records(look.snapshot.left_out)
    return Commit(
        id=commit,
        tree=tree,
        parent=look.head,
        ref=ref,
        changed=changed,
        left_out=left_out,
        cut=cut or cut_too,
    )


def _ref_changes(site: Site, ref: str, commit: str, before: str, head: str) -> list[RefChange]:
    """The ref and the tree's own note of where it stands move together: a crash leaves both or none."""
    moved = [RefChange(ref, commit, before)]
    return moved if site.standalone else [*moved, RefChange(site.head, commit, head)]


async def _commit_ref(site: Site, ref: str) -> str:
    if site.standalone:
        _require_idle(site)
    grant = current_grant()
    own = await _current_branch(site) if grant is None and not ref else _own_ref(grant)
    wanted = require_ref(ref or own, f"{ATTEMPTS}storage/2")
    if wanted.startswith(_RESERVED) or not wanted.startswith(("refs/heads/", "refs/codegod/")):
        raise RefNotAllowed(wanted, own or MAIN)
    if grant is not None and not sees_whole_build() and not wanted.startswith(f"{ATTEMPTS}{grant.task}/"):
        raise RefNotAllowed(wanted, own)
    return wanted


def _own_ref(grant: Grant | None) -> str:
    if grant is None:
        return ""
    number = grant.attempt.removeprefix(f"{grant.task}.")
    return f"{ATTEMPTS}{grant.task}/{number}" if number != grant.attempt else ""


async def _current_branch(site: Site) -> str:
    if branch := await site.repository.branch():
        return branch
    raise BadName("ref to commit to, as no branch is checked out,", "", MAIN)


def _require_idle(site: Site) -> None:
    git_dir = site.repository.git.git_dir
    if (git_dir / "index.lock").exists():
        raise RepositoryBusy(f"{git_dir.name}/index.lock")
    for name, what in _PENDING.items():
        if (git_dir / name).exists():
            raise OperationPending(what)
