"""A chain of thoughts: a trunk, branches that leave it, revisions of what was thought before."""

from collections import Counter
from dataclasses import dataclass

from codegod_thinking.faults import (
    ChainFull,
    EmptyThought,
    NamelessBranch,
    RevisionOfNothing,
    ThoughtExists,
    TooManyBranches,
    UnknownBranch,
    UnknownThought,
)

# No model works through more; what is longer is a loop.
THOUGHTS = 500
# About 120,000 tokens for all of them.
CHAIN_CHARS = 500_000
# Their names stand in every answer.
BRANCHES = 32


@dataclass(frozen=True, slots=True)
class Thought:
    """One step. `revises` and `branch_from` are 0 and `branch` is empty where they do not apply."""

    text: str
    number: int
    total: int
    last: bool
    revision: bool = False
    revises: int = 0
    branch_from: int = 0
    branch: str = ""
    unsure: bool = False
    """The model said that it needs more thoughts than it had planned."""


class Chain:
    """The thoughts of one caller on one matter."""

    def __init__(self) -> None:
        self.thoughts: list[Thought] = []
        self.branches: dict[str, int] = {}
        """Where each branch leaves, by its name."""
        self._characters = 0

    @property
    def finished(self) -> bool:
        """Whether the last thought said that it is the last."""
        return bool(self.thoughts) and self.thoughts[-1].last

    @property
    def full(self) -> bool:
        """Whether not even a short thought fits any more."""
        return len(self.thoughts) >= THOUGHTS or self._characters >= CHAIN_CHARS

    def add(self, thought: Thought) -> None:
        """Append `thought`, or raise the `ThinkingFault` that says why it does not fit. Saying it again changes nothing."""
        if self.thoughts and thought == self.thoughts[-1]:
            return
        self._require_sense(thought)
        if self.full or self._characters + len(thought.text) > CHAIN_CHARS:
            raise ChainFull(len(self.thoughts), self._characters)
        if thought.branch and thought.branch not in self.branches:
            self.branches[thought.branch] = thought.branch_from
        self.thoughts.append(thought)
        self._characters += len(thought.text)

    def revised(self) -> Counter[int]:
        """How often each number was revised."""
        return Counter(thought.revises for thought in self.thoughts if thought.revises)

    def _require_sense(self, thought: Thought) -> None:
        if not thought.text.strip():
            raise EmptyThought
        if thought.revision and not thought.revises:
            raise RevisionOfNothing
        self._require_branch(thought)
        numbers = self._numbers()
        if thought.revises and thought.revises not in numbers:
            raise UnknownThought("revisesThought", thought.revises, numbers)
        on_branch = [other.number for other in self.thoughts if other.branch == thought.branch]
        if not thought.revises and thought.number in on_branch:
            raise ThoughtExists(thought.number, thought.branch, max(on_branch) + 1)

    def _require_branch(self, thought: Thought) -> None:
        if thought.branch_from and not thought.branch:
            raise NamelessBranch(thought.branch_from)
        if not thought.branch or thought.branch in self.branches:
            return
        if not thought.branch_from:
            raise UnknownBranch(thought.branch, list(self.branches))
        if len(self.branches) >= BRANCHES:
            raise TooManyBranches(BRANCHES)
        numbers = self._numbers()
        # A branch may stand at its own number, as the very first thought of a chain too.
        if thought.branch_from not in (*numbers, thought.number):
            raise UnknownThought("branchFromThought", thought.branch_from, numbers)

    def _numbers(self) -> list[int]:
        return sorted({thought.number for thought in self.thoughts})
