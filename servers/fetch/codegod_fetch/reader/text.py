"""Text without what a person reading it would not see."""

import re

# About half a million tokens: more than anybody pages through, and cheap to keep.
TEXT_LIMIT_CHARS = 2_000_000

_INVISIBLE = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, with the ESC of terminal sequences
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff"
    "\uffa0\ufff0-\ufffb"
    "\ud800-\udfff"  # halves of pairs, which no encoder takes
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # music controls; tags and the variation selectors that smuggle bytes
    "]"
)
_TERMINAL = re.compile("\x1b(?:\\[[0-?]*[ -/]*[@-~]|\\][^\x07\x1b]*(?:\x07|\x1b\\\\)?)")
_LINE_ENDS = re.compile("\r\n?|\x0b|\x0c|\x85|\u2028|\u2029")
_SPACES = re.compile(r"\s+")


def clean(text: str) -> str:
    """`text` with its lines and tabs, and without control, zero-width, direction and tag characters."""
    return _INVISIBLE.sub("", _TERMINAL.sub("", _LINE_ENDS.sub("\n", text)))


def clean_line(text: str, limit: int) -> str:
    """`text` on one line of at most `limit` characters."""
    line = _SPACES.sub(" ", clean(text)).strip()
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def scalar(value: object) -> str:
    """`value` as text when it is one value; empty for what holds others, which may be endless."""
    return "" if value is None or isinstance(value, dict | list | tuple | set) else str(value)


def read_text(text: str) -> dict[str, object]:
    """A document that is text already: JSON, Markdown, plain text."""
    return page("", clean(text), [])


def page(title: str, text: str, links: list[dict[str, str]]) -> dict[str, object]:
    """The answer for a page."""
    return {
        "title": title,
        "text": text[:TEXT_LIMIT_CHARS],
        "links": links,
        "truncated": len(text) > TEXT_LIMIT_CHARS,
    }
