"""What a body is, by what its server says and by its first bytes."""

import re
from typing import Literal

Content = Literal["html", "text"]

_TYPE = re.compile(r"\s*([a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+)\s*(?:;|$)")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_-]{1,40})", re.IGNORECASE)
# As much as browsers look at.
_SNIFF_BYTES = 1024
_HTML_STARTS = (b"<!doctype html", b"<html", b"<head", b"<body", b"<title", b"<h1", b"<!--")
_TEXT_TYPES = re.compile(
    r"text/.+|application/(.+\+)?(json|xml|yaml|toml)|application/(x-)?(json-?[a-z]*|ndjson|yaml|toml|javascript|sh|sql)"
)


class NotText(Exception):
    """The body has no text; `content` says what it is, in our words or as a well-formed media type."""

    def __init__(self, content: str) -> None:
        super().__init__(content)
        self.content = content


def media_type(header: str) -> str:
    """`text/html` from `Text/HTML; charset=utf-8`; empty when the header is no media type."""
    found = _TYPE.match(header.lower()[:200])
    return found[1] if found else ""


def charset(header: str) -> str:
    """The charset that a Content-Type header names; empty if none."""
    found = _CHARSET.search(header)
    return found[1] if found else ""


def content_of(header: str, body: bytes) -> Content:
    """How to read `body`; raises `NotText`."""
    kind = media_type(header)
    start = body[:_SNIFF_BYTES]
    if kind == "application/pdf" or start.startswith(b"%PDF-"):
        raise NotText("a PDF file")
    if kind in ("text/html", "application/xhtml+xml"):
        return "html"
    if kind and not _TEXT_TYPES.fullmatch(kind) and kind != "application/octet-stream":
        raise NotText(f"of type {kind}")
    if b"\0" in start and not start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise NotText("a binary file")
    looks_html = not kind and start.lstrip().lower().startswith(_HTML_STARTS)
    return "html" if looks_html else "text"
