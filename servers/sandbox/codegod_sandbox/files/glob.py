"""File name patterns, matched without backtracking over paths: hostile patterns cost no more than long ones."""

import fnmatch
import re
from collections.abc import Callable

from codegod_kit import ToolFault

# A few folders and a name; what is longer was not written by somebody who looks for a file.
PATTERN_LIMIT_CHARS = 300


class BadPattern(ToolFault):
    """The pattern is longer than any real one."""

    def __init__(self, length: int) -> None:
        super().__init__(
            f"The pattern has {length} characters; {PATTERN_LIMIT_CHARS} is the most. Use a shorter one."
        )


def matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a relative path matches `pattern`; one without `/` matches the name in any folder."""
    if len(pattern) > PATTERN_LIMIT_CHARS:
        raise BadPattern(len(pattern))
    names = [name for name in pattern.split("/") if name not in ("", ".")]
    if len(names) == 1 and names[0] != "**":
        last = _name(names[0])
        return lambda path: last(path.rpartition("/")[2])
    steps = [None if name == "**" else _name(name) for name in names]
    return lambda path: _matches(steps, path.split("/"))


_Step = Callable[[str], bool]


def _matches(steps: list[_Step | None], names: list[str]) -> bool:
    """All positions in the pattern that the names so far can stand at, moved on name by name."""
    places = _skip_stars(steps, {0})
    for name in names:
        moved = {place for place in places if place < len(steps) and steps[place] is None}
        moved |= {place + 1 for place in places if place < len(steps) and _fits(steps[place], name)}
        places = _skip_stars(steps, moved)
    return len(steps) in places


def _fits(step: _Step | None, name: str) -> bool:
    return step is not None and step(name)


def _skip_stars(steps: list[_Step | None], places: set[int]) -> set[int]:
    """`**` may also stand for no folder at all."""
    reached = set(places)
    for place in sorted(places):
        while place < len(steps) and steps[place] is None:
            place += 1
            reached.add(place)
    return reached


def _name(pattern: str) -> _Step:
    # fnmatch writes each star as an atomic group, so that a match costs length times stars and no more.
    found = re.compile(fnmatch.translate(pattern))
    return lambda name: found.match(name) is not None
