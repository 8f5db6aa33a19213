"""The merge queue: proposals that wait to be checked, and the one way onto a branch of a build.

A candidate is a commit: its first parent is what the target was at, its second the source, its message says the rest.
So it outlives this process, and is found again by the refs below `refs/codegod/candidates/`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from codegod_git.compose import compose, lay_over
from codegod_git.faults import (
    AlreadyLanded,
    BadName,
    CandidateDropped,
    ConflictingCandidate,
    NothingToMerge,
    RefMoved,
    UnknownCandidate,
    UnknownRevision,
)
from codegod_git.names import require_object_id, require_path, require_ref
from codegod_git.objects import write_tree
from codegod_git.repository import ARCHIVE, CANDIDATES, LANDED, MAIN, RefChange, Repository

_PREFIX = "candidate-"
# Enough to be unique among the candidates of one build, and short enough to read.
_NAME_CHARS = 12


@dataclass(frozen=True, slots=True)
class Waiting:
    """One candidate."""

    id: str
    tree: str
    head: str
    source: str
    target: str
    changed: tuple[str, ...]
    foreign: tuple[str, ...]
    conflicts: tuple[str, ...]

    @property
    def tree_name(self) -> str:
        """The tree that it is checked out into."""
        return tree_name(self.id)


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to see on `target`."""

    source: str
    paths: Sequence[str]
    overlay: str
    overlay_paths: Sequence[str]
    target: str


class MergeQueue:
    """The queue of one repository. Call what changes it while writing."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    async def propose(self, wish: Wish) -> Waiting:
        """A new candidate for `wish`; no branch moves."""
        repository = self._repository
        target = require_ref(wish.target, MAIN)
        if not target.startswith("refs/heads/"):
            raise BadName("branch to merge into", target, MAIN)
        if not (head := await repository.ref(target)):
            raise UnknownRevision(target)
        source = await repository.resolve(wish.source)
        entries, foreign, conflicts = await self._compose(wish, head, source)
        before = await repository.entries(head)
        changed = tuple(changes(before, entries))
        if not changed:
            raise NothingToMerge(wish.source, target)
        tree = await write_tree(repository.git, entries)
        notes = {"target": target, "source": wish.source, "foreign": foreign, "conflicts": conflicts}
        name = await repository.make_commit(tree, [head, source], f"Candidate\n\n{json.dumps(notes)}")
        await repository.move(RefChange(CANDIDATES + name, name, await repository.ref(CANDIDATES + name)))
        return Waiting(name, tree, head, wish.source, target, changed, foreign, conflicts)

    async def land(self, candidate: str, expected_head: str, message: str) -> tuple[str, str]:
        """The commit that `candidate` became and the ref it is on; a second call gives the same commit."""
        repository = self._repository
        require_object_id(candidate)
        if landed := await repository.ref(LANDED + candidate):
            return landed, (await self.read(candidate)).target
        waiting = await self.find(candidate)
        require_object_id(expected_head)
        head = await repository.ref(waiting.target)
        if not head == expected_head == waiting.head:
            raise RefMoved(waiting.target, expected_head if head != expected_head else waiting.head, head)
        if waiting.conflicts:
            raise ConflictingCandidate(candidate, waiting.conflicts)
        commit = await repository.make_commit(waiting.tree, [head], message)
        await repository.move(
            RefChange(waiting.target, commit, head),
            RefChange(LANDED + candidate, commit, ""),
            RefChange(CANDIDATES + candidate, "", candidate),
        )
        return commit, waiting.target

    async def drop(self, candidate: str) -> str:
        """Give up `candidate`: the ref in the archive that keeps it from now on."""
        repository = self._repository
        require_object_id(candidate)
        if landed := await repository.ref(LANDED + candidate):
            raise AlreadyLanded(candidate, landed)
        kept = _archived(candidate)
        if not await repository.ref(kept):
            await self.find(candidate)
            await repository.move(RefChange(kept, candidate, ""), RefChange(CANDIDATES + candidate, "", candidate))
        return kept

    async def find(self, candidate: str) -> Waiting:
        """The waiting candidate `candidate`."""
        if not await self._repository.ref(CANDIDATES + candidate):
            if await self._repository.ref(_archived(candidate)):
                raise CandidateDropped(candidate)
            raise UnknownCandidate(candidate)
        return await self.read(candidate)

    async def waiting(self) -> list[str]:
        """The ids of all candidates that wait."""
        return sorted((await self._repository.refs(CANDIDATES)).values())
