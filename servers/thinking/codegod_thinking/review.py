"""A chain as somebody reads it: the trunk in order, each branch where it leaves."""

import re
from collections.abc import Iterator

from codegod_thinking.chain import Chain, Thought

# Control and direction characters; a review may end in a terminal.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def review(chain: Chain) -> str:
    """The thoughts as a Markdown list, revisions and open ends marked."""
    return "\n".join(_lines(chain)) + "\n"


def _lines(chain: Chain) -> Iterator[str]:
    trunk = [thought for thought in chain.thoughts if not thought.branch]
    yield from _listed(chain, trunk, "")
    for branch, origin in chain.branches.items():
        yield ""
        yield f"Branch {branch!r}, from thought {origin}:"
        yield from _listed(chain, [thought for thought in chain.thoughts if thought.branch == branch], "  ")


def _listed(chain: Chain, thoughts: list[Thought], indent: str) -> Iterator[str]:
    revised = chain.revised()
    for thought in thoughts:
        marks = ", ".join(_marks(thought, revised[thought.number]))
        text = _UNPRINTABLE.sub("", thought.text.replace("\r\n", "\n")).replace("\n", f"\n{indent}   ")
        yield f"{indent}{thought.number}. {f'({marks}) ' if marks else ''}{text}"


def _marks(thought: Thought, revisions: int) -> Iterator[str]:
    if thought.revises:
        yield f"revises {thought.revises}"
    elif revisions:
        yield "revised later"
    if thought.unsure:
        yield "more thoughts needed"
