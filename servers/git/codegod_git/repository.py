"""One repository: what its names stand for, who may write, and how refs move."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from codegod_git.faults import GitFailed, RefMoved, UnknownRevision
from codegod_git.history import read_commits
from codegod_git.lock import WriteLocks
from codegod_git.names import require_revision
from codegod_git.objects import Entry, tree_entries
from codegod_git.records import CommitRecord
from codegod_git.runner import Git
from codegod_kit import current_grant

MAIN = "refs/heads/main"
TREES = "refs/codegod/trees/"
ATTEMPTS = "refs/codegod/attempts/"
CANDIDATES = "refs/codegod/candidates/"
LANDED = "refs/codegod/landed/"
ARCHIVE = "refs/codegod/archive/"
CONTRACT = "refs/codegod/contract"
BASE = "refs/codegod/base"


@dataclass(frozen=True, slots=True)
class RefChange:
    """A ref on its way from `old` to `new`; empty means that there is none."""

    ref: str
    new: str
    old: str


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository that this server may use. `ours` says that nobody else writes to it."""

    git: Git
    locks: WriteLocks
    identity: Mapping[str, str]
    ours: bool

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Be its only writer inside the block."""
        async with self.locks.hold(self.git.git_dir):
            yield

    async def ref(self, name: str) -> str:
        """The commit that the full ref `name` (or HEAD) is at; empty when there is none."""
        told = await self.git.run("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", statuses=(0, 1))
        return told.decode("ascii").strip()

    async def refs(self, *prefixes: str) -> dict[str, str]:
        """Every ref under `prefixes` and the object it is at, by name."""
        told = await self.git.run("for-each-ref", "--format=%(refname) %(objectname)", *prefixes)
        pairs = (line.rpartition(" ") for line in told.decode("utf-8").splitlines())
        return {name: value for name, _, value in pairs}

    async def subjects(self, names: Sequence[str]) -> dict[str, tuple[str, str]]:
        """The object that each of the refs `names` is at, with the first line of its message."""
        if not names:
            return {}
        told = await self.git.run("for-each-ref", "--format=%(refname)%00%(objectname)%00%(subject)", *names)
        rows = (line.split("\0", 2) for line in told.decode("utf-8", "replace").split("\n") if line)
        return {name: (value, subject) for name, value, subject in rows}

    async def branch(self) -> str:
        """The full name of the branch that HEAD is on; empty when it is on none."""
        told = await self.git.run("symbolic-ref", "--quiet", "HEAD", statuses=(0, 1))
        return told.decode("utf-8").strip()

    async def resolve(self, revision: str, head: str = "HEAD") -> str:
        """The id of the commit that `revision` names, where `HEAD` is the ref `head`; within the caller's view."""
        name = require_revision(revision)
        if name == "HEAD" or name.startswith(("HEAD~", "HEAD^")):
            name = head + name.removeprefix("HEAD")
        told = await self.git.run("cat-file", "--batch-check", stdin=f"{name}^{{commit}}\n".encode())
        found, _, kind = told.decode("utf-8").strip().partition(" ")
        if not (kind.startswith("commit ") and await self._in_view(found, head)):
            raise UnknownRevision(revision)
        return found

    async def entries(self, commit: str) -> dict[str, Entry]:
        """The tree of `commit`; no commit has an empty one."""
        return await tree_entries(self.git, commit) if commit else {}

    async def tree(self, commit: str) -> str:
        """The id of the tree of `commit`."""
        told = await self.git.run("rev-parse", "--verify", f"{commit}^{{tree}}")
        return told.decode("ascii").strip()

    async def commit(self, commit: str) -> CommitRecord:
        """The record of the commit `commit`."""
        return (await read_commits(self.git, [commit]))[0]

    async def make_commit(self, tree: str, parents: Sequence[str], message: str) -> str:
        """A new commit that no ref names yet."""
        lineage = [part for parent in parents if parent for part in ("-p", parent)]
        told = await self.signed.run("commit-tree", tree, *lineage, stdin=f"{message}\n".encode())
        return told.decode("ascii").strip()

    async def move(self, *changes: RefChange) -> None:
        """Move all these refs or none; a `RefMoved` when one is not where it was thought to be. Call while writing."""
        lines = b"".join(_ref_line(change) for change in changes)
        try:
            await self.git.run("update-ref", "--stdin", "-z", stdin=lines)
        except GitFailed:
            for change in changes:
                if (actual := await self.ref(change.ref)) != change.old:
                    raise RefMoved(change.ref, change.old, actual) from None
            # We hold the write lock: lock files of a git that was killed are nobody's.
            if not (self.ours and _remove_stale_locks(self.git.git_dir)):
                raise
            await self.git.run("update-ref", "--stdin", "-z", stdin=lines)

    @property
    def signed(self) -> Git:
        """git, with the name that new commits bear."""
        return replace(self.git, variables={**self.git.variables, **self.identity})

    async def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether `newer` has `older` in its history, or is it."""
        told = await self.git.run("merge-base", "--all", older, newer, statuses=(0, 1))
        return older in told.decode("ascii").split()

    async def fork_point(self, one: str, other: str) -> str:
        """The newest commit that both have in their history; empty when there is none."""
        told = await self.git.run("merge-base", one, other, statuses=(0, 1))
        return told.decode("ascii").strip()

    async def holders(self, commit: str, *prefixes: str) -> set[str]:
        """The refs (under `prefixes`) that have `commit` in their history."""
        told = await self.git.run("for-each-ref", "--format=%(refname)", f"--contains={commit}", *prefixes)
        return set(told.decode("utf-8").splitlines())

    async def _in_view(self, commit: str, head: str) -> bool:
        """A grant for one tree sees what is shared and its own task's work, not that of others."""
        if (seen := visible_refs(head)) is None:
            return True
        return bool(await self.holders(commit, *seen))


def sees_whole_build() -> bool:
    """Whether the caller may use what all tasks share: standalone, or with a grant for every tree."""
    grant = current_grant()
    return grant is None or grant.workspace.endswith("/*")


def visible_refs(head: str) -> tuple[str, ...] | None:
    """The refs whose history the caller may read; None is all of them."""
    grant = current_grant()
    if grant is None or sees_whole_build():
        return None
    return ("refs/heads/", CONTRACT, f"{ATTEMPTS}{grant.task}/", head)


def _ref_line(change: RefChange) -> bytes:
    if not change.new:
        return f"delete {change.ref}\0{change.old}\0".encode()
    # An old value of all zeros says that the ref must not exist.
    return f"update {change.ref}\0{change.new}\0{change.old or '0' * len(change.new)}\0".encode()


def _remove_stale_locks(git_dir: Path) -> bool:
    stale = [git_dir / "HEAD.lock", git_dir / "packed-refs.lock", *(git_dir / "refs").rglob("*.lock")]
    there = [path for path in stale if path.exists()]
    for path in there:
        path.unlink()
    return bool(there)
