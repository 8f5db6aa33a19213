"""What the parent asks, and the document's bytes as text."""

import re
from dataclasses import dataclass

# The web's encodings. Python knows others that are no encodings of pages, and some that are slow on purpose.
_CHARSETS = re.compile(
    r"utf-?8|utf-?16(le|be)?|us-ascii|iso-?8859-\d{1,2}|latin-?1|windows-\d{3,4}|cp\d{3,4}|koi8-[ru]|mac-?roman"
    r"|shift[_-]?jis|euc-(jp|kr)|iso-2022-(jp|kr)|big5|gb2312|gbk|gb18030"
)
_DECLARED = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_-]{1,40})", re.IGNORECASE)
# Browsers look no further for it either.
_CHARSET_WITHIN_BYTES = 1024
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


class Unreadable(Exception):
    """The document cannot be read; the text says why, in our words only."""


@dataclass(frozen=True, slots=True)
class Request:
    """One document: `kind` is what is wanted of it, `content` what it is said to be."""

    kind: str
    content: str
    charset: str
    url: str


def decode(body: bytes, charset: str) -> str:
    """The text of `body`. What does not fit the encoding becomes U+FFFD."""
    for mark, name in _MARKS:
        if body.startswith(mark):
            return body.decode(name, "replace")
    name = charset.strip().lower()
    if not _CHARSETS.fullmatch(name):
        name = "utf-8"
    try:
        return body.decode(name, "replace")
    except LookupError:
        return body.decode("utf-8", "replace")


def declared_charset(body: bytes) -> str:
    """The encoding that the page itself names; empty if none."""
    found = _DECLARED.search(body[:_CHARSET_WITHIN_BYTES])
    return found[1].decode("ascii") if found else ""
