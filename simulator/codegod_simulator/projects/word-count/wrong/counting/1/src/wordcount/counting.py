"""Counting lines, words and characters."""

from collections import Counter
from collections.abc import Iterable

from wordcount.records import Counts

PUNCTUATION = ".,;:!?-–—_()[]{}<>\"'’"


def words_of(text: str) -> list[str]:
    """The words of `text` in lower case, in order."""
    stripped = [word.strip(PUNCTUATION) for word in text.split()]
    return [word.casefold() for word in stripped if word]


def count(lines: Iterable[str]) -> Counts:
    """The counts of `lines`, each with its end of line if it has one."""
    number = characters = 0
    frequencies: Counter[str] = Counter()
    for line in lines:
        number += 1
        characters += len(line)
        frequencies.update(words_of(line))
    return Counts(number, frequencies.total(), characters, frequencies)
