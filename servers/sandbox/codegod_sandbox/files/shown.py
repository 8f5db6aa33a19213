"""Names and lines as they go into an answer: no name can forge a line, and no line can command a terminal."""

import unicodedata

# Long enough for any line somebody reads, short enough that a minified file stays an answer.
LINE_LIMIT_CHARS = 300
# Control characters, half characters, and those that change the direction of what follows.
_HIDDEN = ("Cc", "Cs")
_DIRECTIONS = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029"
)


def shown(name: str) -> str:
    """`name` on one line, with what cannot be seen written as an escape."""
    if name.isascii() and name.isprintable():
        return name
    return "".join(_escaped(letter) for letter in name)


def shown_line(line: str) -> str:
    """A line of a file on one line, cut when it is long."""
    cut = line[:LINE_LIMIT_CHARS]
    text = "\t".join(shown(piece) for piece in cut.split("\t"))
    return f"{text}… ({len(line)} characters)" if len(line) > LINE_LIMIT_CHARS else text


def _escaped(letter: str) -> str:
    if "\udc80" <= letter <= "\udcff":
        # A byte of a name that is not UTF-8.
        return f"\\x{ord(letter) - 0xDC00:02x}"
    if unicodedata.category(letter) in _HIDDEN or letter in _DIRECTIONS:
        return letter.encode("unicode_escape", "surrogatepass").decode("ascii")
    return letter
