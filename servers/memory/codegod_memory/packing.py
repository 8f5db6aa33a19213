"""Passages for a prompt: as many as fit a token budget, each under a line that says where it comes from."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from codegod_memory.chunks import lines_of
from codegod_memory.search import Found
from codegod_memory.tokens import estimate_tokens

# Less than a signature with its first lines helps nobody, and the next passage may fit as it is.
_TRIM_FLOOR_TOKENS = 96
# A path or URL longer than this is shown by its end, which tells more than its beginning.
_SOURCE_CHARS = 160
_HEAD = re.compile(r"^\[memory ([0-9a-f]{16}\.[0-9]{1,9}) \|[^\n]*\]\n?", re.MULTILINE)
_FORGED = re.compile(r"^\[memory ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Packed:
    """A passage as it stands in a pack."""

    found: Found
    text: str
    last_line: int
    tokens: int
    trimmed: bool


def pack(found: Sequence[Found], budget: int) -> list[Packed]:
    """The best passages whose estimates add up to `budget` at most.

    One that does not fit is cut after the last line that does, or skipped when too little would be left of it; then
    the next is tried.
    """
    packed: list[Packed] = []
    left = budget
    for one in found:
        passage = _whole(one)
        if passage.tokens > left >= _TRIM_FLOOR_TOKENS:
            passage = _trimmed(one, left)
        if passage.tokens <= left and passage.text:
            packed.append(passage)
            left -= passage.tokens
    return packed


def without_recalled(text: str, stored: Callable[[str], str | None]) -> tuple[str, int]:
    """`text` without the passages that it quotes from packs, and how many those were.

    `stored` gives the text of a passage by its id; only what is word for word in memory goes.
    """
    kept: list[str] = []
    position = recalled = 0
    for head in _HEAD.finditer(text):
        passage = stored(head[1]) if head.start() >= position else None
        if passage is None:
            continue
        kept.append(text[position : head.start()])
        position = head.end() + _shared(text, head.end(), _unmarked(passage))
        recalled += 1
    return "".join([*kept, text[position:]]), recalled


def _whole(found: Found) -> Packed:
    text = f"{_head(found, found.last_line)}{_ended(_unmarked(found.text))}\n"
    return Packed(found, text, found.last_line, estimate_tokens(text), trimmed=False)


def _trimmed(found: Found, budget: int) -> Packed:
    """The beginning of a passage, as far as it fits; its text is empty when not even a line does."""
    text, tokens, last_line = "", 0, found.first_line - 1
    # No head of a cut passage has more digits than this one.
    left = budget - estimate_tokens(_head(found, found.last_line - 1)) - 1
    for line in lines_of(_unmarked(found.text)):
        size = estimate_tokens(line)
        if tokens + size > left:
            break
        text, tokens, last_line = text + line, tokens + size, last_line + 1
    if not text.strip():
        return Packed(found, "", last_line, 0, trimmed=True)
    text = f"{_head(found, last_line)}{_ended(text)}\n"
    return Packed(found, text, last_line, estimate_tokens(text), trimmed=True)


def _head(found: Found, last_line: int) -> str:
    where = " ".join(f"{found.source[-_SOURCE_CHARS:]}{' > ' if found.name else ''}{found.name}".split())
    of = f" of {found.first_line}-{found.last_line}" if last_line < found.last_line else ""
    return f"[memory {found.id} | {where} | lines {found.first_line}-{last_line}{of}]\n"


def _unmarked(text: str) -> str:
    """Stored text must not pass for one of our head lines."""
    return _FORGED.sub("[ memory ", text)


def _ended(text: str) -> str:
    return text.rstrip() + "\n"


def _shared(text: str, start: int, passage: str) -> int:
    """How many characters of `text` after `start` are the lines of `passage`, from its first on."""
    found, expected = lines_of(text[start : start + 2 * len(passage)]), lines_of(passage)
    same = takewhile(lambda pair: pair[0].rstrip() == pair[1].rstrip(), zip(found, expected, strict=False))
    return sum(len(line) for line, _ in same)
