"""Taking parts out of a source text by their places in bytes, whole lines and their comments with them.

What is left is the author's text, but for blank lines.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from tree_sitter import Node

LEFT_OUT_BODY: Final = "{ ... }"
LEFT_OUT_PARAMETERS: Final = "(...)"

# What leaving lines out leaves behind.
_BLANK_LINES: Final = re.compile(r"\n(?:[ \t]*\n){2,}")
_BLANK_AT_BRACE: Final = re.compile(r"(?<=\{)\n(?:[ \t]*\n)+|\n(?:[ \t]*\n)+(?=[ \t]*\})")
# What may stand behind a definition on its last line and belongs to it.
_REST_OF_LINE: Final = re.compile(rb"[ \t]*[;,]?[ \t]*(?://[^\n]*|/\*[^\n]*?\*/[ \t]*)?(?:\n|\Z)")
_ABOVE: Final = frozenset({"comment", "decorator"})
_MARK: Final = re.compile(rb"[ \t]*[;,]")
_NAMES: Final = frozenset(
    {
        "identifier",
        "type_identifier",
        "shorthand_property_identifier",
        "package_identifier",
        "field_identifier",
    }
)


@dataclass(frozen=True, slots=True)
class Cut:
    """The bytes from `start` to `end`, which go, and what stands in their place."""

    start: int
    end: int
    instead: bytes = b""


@dataclass(frozen=True, slots=True)
class Gone:
    """All that is cut, in order, without the cuts inside others: made once, and asked for each place."""

    cuts: tuple[Cut, ...] = ()
    starts: tuple[int, ...] = ()

    @classmethod
    def of(cls, cuts: Iterable[Cut]) -> Self:
        found: list[Cut] = []
        for cut in sorted(cuts, key=lambda cut: (cut.start, -cut.end)):
            if not found or cut.start >= found[-1].end:
                found.append(cut)
        return cls(tuple(found), tuple(cut.start for cut in found))

    def holds(self, node: Node) -> bool:
        """Whether the whole node is cut."""
        place = bisect_right(self.starts, node.start_byte) - 1
        return place >= 0 and node.end_byte <= self.cuts[place].end


NOTHING: Final = Gone()


def without(source: bytes, cuts: Iterable[Cut]) -> str:
    """The text without what is cut; a cut inside another one counts for nothing."""
    kept, at = [], 0
    for cut in Gone.of(cuts).cuts:
        kept += [source[at : cut.start], cut.instead]
        at = cut.end
    return b"".join([*kept, source[at:]]).decode("utf-8", "replace")


def tidy(text: str) -> str:
    """`text` without the blank lines that what was taken out has left behind."""
    return _BLANK_LINES.sub("\n\n", _BLANK_AT_BRACE.sub("\n", text)).strip("\n") + "\n"


def whole(source: bytes, siblings: Sequence[Node], index: int) -> Cut:
    """A definition among its siblings with the lines it stands on, and the comments and decorators directly above it."""
    node = siblings[index]
    start, row = node.start_byte, node.start_point.row
    for at in range(index - 1, -1, -1):
        before = siblings[at]
        alone = not source[source.rfind(b"\n", 0, before.start_byte) + 1 : before.start_byte].strip()
        if before.type not in _ABOVE or before.end_point.row + 1 < row or not alone:
            break
        start, row = before.start_byte, before.start_point.row
    line = source.rfind(b"\n", 0, start) + 1
    rest = _REST_OF_LINE.match(source, node.end_byte) or _MARK.match(source, node.end_byte)
    return Cut(line if not source[line:start].strip() else start, rest.end() if rest else node.end_byte)


def names_in(node: Node, gone: Gone = NOTHING) -> set[str]:
    """The names that the code under `node` uses outside of what is cut; comments use none."""
    return {(part.text or b"").decode("utf-8", "replace") for part in walk(node, gone) if part.type in _NAMES}


def walk(node: Node, gone: Gone = NOTHING) -> Iterator[Node]:
    """`node` and all that stands under it, in order, without what is cut."""
    waiting = [node]
    while waiting:  # no recursion: a generated expression may nest deeper than Python's stack
        one = waiting.pop()
        if not gone.holds(one):
            yield one
            waiting.extend(reversed(one.named_children))
