"""What the parts of the tool hand to each other."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted in one source, or in all of them."""

    lines: int = 0
    words: int = 0
    characters: int = 0
    frequencies: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            lines=self.lines + other.lines,
            words=self.words + other.words,
            characters=self.characters + other.characters,
            frequencies=self.frequencies + other.frequencies,
        )


@dataclass(frozen=True, slots=True)
class Result:
    """The counts of one source, under the name that the user gave it."""

    name: str
    counts: Counts
