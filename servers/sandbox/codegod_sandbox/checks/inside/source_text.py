"""Source text of the languages with braces, with comments and the content of strings blanked out: every place stays."""

import re

# What is never closed goes on to the end.
_RUST_STRING = r'(?:\b[bc]?r(?P<hashes>#*)"(?:.|\n)*?(?:"(?P=hashes)|\Z))'
_TEXT_BLOCK = r'"""(?:\\(?:.|\n)|[^\\])*?(?:"""|\Z)'
_PLAIN = r'"(?:\\(?:.|\n)|[^"\\])*(?:"|\Z)'
# A lifetime (`'a`) is no character: that one ends with a quote behind one sign.
_CHARACTER = r"'(?:\\u\{?[0-9a-fA-F]+\}?|\\.|[^'\\\n])'"
_COMMENT = r"//[^\n]*|/\*(?:.|\n)*?(?:\*/|\Z)"
_RUST = re.compile(rf"(?P<comment>{_COMMENT})|{_RUST_STRING}|{_PLAIN}|{_CHARACTER}")
_JAVA = re.compile(rf"(?P<comment>{_COMMENT})|{_TEXT_BLOCK}|{_PLAIN}|{_CHARACTER}")
_LETTER = re.compile(r"[^\n]")


def code_of(text: str, *, rust: bool) -> str:
    """`text` of the same length, in which only code is left: strings keep their quotes, comments nothing."""
    return (_RUST if rust else _JAVA).sub(_blank, text)


def block_end(code: str, start: int) -> int:
    """The place behind the brace that closes the one at `start`; the end of the text when none does."""
    depth = 0
    for found in re.compile(r"[{}]").finditer(code, start):
        depth += 1 if found[0] == "{" else -1
        if depth == 0:
            return found.end()
    return len(code)


def line_of(text: str, place: int) -> int:
    """The number of the line that a place is in."""
    return text.count("\n", 0, place) + 1


def _blank(found: "re.Match[str]") -> str:
    said = found[0]
    if found["comment"] is not None:
        return _LETTER.sub(" ", said)
    if len(said) < 2:
        return said
    return said[0] + _LETTER.sub(" ", said[1:-1]) + said[-1]
