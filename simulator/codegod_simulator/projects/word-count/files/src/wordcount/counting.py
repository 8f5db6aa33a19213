"""Counting lines, words and characters."""

import re
from collections import Counter
from collections.abc import Iterable

from wordcount.records import Counts

# Letters and digits, held together by single apostrophes, hyphens or underscores.
WORD = re.compile(r"[^\W_]+(?:['’_-][^\W_]+)*")


def words_of(text: str) -> list[str]:
    """The words of `text` in lower case, in order."""
    return [word.casefold() for word in WORD.findall(text)]


def count(lines: Iterable[str]) -> Counts:
    """The counts of `lines`, each with its end of line if it has one."""
    number = characters = 0
    frequencies: Counter[str] = Counter()
    for line in lines:
        number += 1
        characters += len(line)
        frequencies.update(words_of(line))
    return Counts(number, frequencies.total(), characters, frequencies)
