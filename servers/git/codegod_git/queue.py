"""The merge queue: proposals that wait to be checked, and the one way onto a branch of a build.

A candidate is a commit: its first parent is what the target was at, its second the source, its message says the rest.
So it outlives this process, and is found again by the refs below `refs/codegod/candidates/`.
"""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from codegod_git.compose import Composition, compose
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
from codegod_git.history import parse_commit
from codegod_git.names import require_object_id, require_path, require_ref
from codegod_git.objects import write_tree
from codegod_git.overlay import overlay_entries
from codegod_git.repository import ARCHIVE, CANDIDATES, LANDED, MAIN, RefChange, Repository

_PREFIX = "candidate-"
# Enough to be unique among the candidates of one build, and short enough to read.
_NAME_CHARS = 12


@dataclass(frozen=True, slots=True)
class Waiting:
    """One candidate. `head` is what `target` was at; `foreign` is not in its tree."""

    id: str
    head: str
    source: str
    target: str
    foreign: tuple[str, ...]
    conflicts: tuple[str, ...]

    @property
    def tree_name(self) -> str:
        """The tree that it is checked out into."""
        return f"{_PREFIX}{self.id[:_NAME_CHARS]}"


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
        head = await self._target_head(wish.target)
        source = await repository.resolve(wish.source)
        composed = await self._compose(wish, head, source)
        if composed.entries == await repository.entries(head):
            raise NothingToMerge(wish.source, wish.target)
        tree = await write_tree(repository.git, composed.entries)
        notes = {
            "source": wish.source,
            "target": wish.target,
            "foreign": composed.foreign,
            "conflicts": composed.conflicts,
            # Two proposals of the same thing in one second are two candidates all the same.
            "nonce": secrets.token_hex(8),
        }
        name = await repository.make_commit(tree, [head, source], f"Candidate\n\n{json.dumps(notes)}")
        await repository.move(RefChange(CANDIDATES + name, name, ""))
        return await self.read(name)

    async def land(self, candidate: str, expected_head: str, message: str) -> tuple[str, str]:
        """The commit that `candidate` became and the ref it is on; a second call gives the same commit."""
        repository = self._repository
        if landed := await repository.ref(LANDED + require_object_id(candidate)):
            return landed, (await self.read(candidate)).target
        waiting = await self.find(candidate)
        require_object_id(expected_head)
        head = await repository.ref(waiting.target)
        if not head == expected_head == waiting.head:
            raise RefMoved(waiting.target, expected_head if head != expected_head else waiting.head, head)
        if waiting.conflicts:
            raise ConflictingCandidate(candidate, waiting.conflicts)
        commit = await repository.make_commit(await repository.tree(candidate), [head], message)
        await repository.move(
            RefChange(waiting.target, commit, head),
            RefChange(LANDED + candidate, commit, ""),
            RefChange(CANDIDATES + candidate, "", candidate),
        )
        return commit, waiting.target

    async def drop(self, candidate: str) -> str:
        """Give up the waiting `candidate`: the ref in the archive that keeps it from now on."""
        kept = _archived(candidate)
        gone = RefChange(CANDIDATES + candidate, "", candidate)
        await self._repository.move(RefChange(kept, candidate, ""), gone)
        return kept

    async def dropped(self, candidate: str) -> str:
        """The ref that keeps `candidate` if it was given up before; empty if it was not."""
        kept = _archived(require_object_id(candidate))
        return kept if await self._repository.ref(kept) else ""

    async def find(self, candidate: str) -> Waiting:
        """The candidate `candidate`, if it still waits."""
        if await self._repository.ref(CANDIDATES + require_object_id(candidate)):
            return await self.read(candidate)
        if await self.dropped(candidate):
            raise CandidateDropped(candidate)
        if landed := await self._repository.ref(LANDED + candidate):
            raise AlreadyLanded(candidate, landed)
        raise UnknownCandidate(candidate)

    async def read(self, candidate: str) -> Waiting:
        """The candidate `candidate`, waiting or not, from its commit."""
        git = self._repository.git
        # A record of `history` cuts long messages; this one is ours and is read whole.
        data = await git.run("cat-file", "commit", candidate)
        _, _, message = data.partition(b"\n\n")
        notes = json.loads(message.partition(b"\n\n")[2])
        return Waiting(
            id=candidate,
            head=parse_commit(candidate, data).parents[0],
            source=notes["source"],
            target=notes["target"],
            foreign=tuple(notes["foreign"]),
            conflicts=tuple(notes["conflicts"]),
        )

    async def waiting(self) -> list[str]:
        """The ids of all candidates that wait."""
        return sorted((await self._repository.refs(CANDIDATES)).values())

    async def _target_head(self, target: str) -> str:
        if not require_ref(target, MAIN).startswith("refs/heads/"):
            raise BadName("branch to merge into", target, MAIN)
        if not (head := await self._repository.ref(target)):
            raise UnknownRevision(target)
        return head

    async def _compose(self, wish: Wish, head: str, source: str) -> Composition:
        repository = self._repository
        paths = [require_path(path) for path in wish.paths]
        overlay = await overlay_entries(repository, wish.overlay, wish.overlay_paths)
        composed = compose(
            await repository.entries(head),
            await repository.entries(await repository.fork_point(head, source)),
            await repository.entries(source),
            paths,
        )
        return composed.under(overlay, [require_path(path) for path in wish.overlay_paths])


def _archived(candidate: str) -> str:
    return f"{ARCHIVE}{_PREFIX}{candidate[:_NAME_CHARS]}/{candidate[:_NAME_CHARS]}"
