"""HTML as Markdown: the main part of the page, without what a browser does not show.

lexbor builds the tree as browsers do, the hidden and the useless is cut out of it, and markdownify writes what is left.
"""

import re
import sys
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

from markdownify import ATX, markdownify
from selectolax.lexbor import LexborHTMLParser, LexborNode

from codegod_fetch.reader.text import TEXT_LIMIT_CHARS, clean, clean_line, page

_TITLE_CHARS = 300
_LINK_CHARS = 200
_URL_CHARS = 2048
# More than any table of contents has.
_LINKS = 2000
# Markdown has no use for more; markdownify calls itself three times for each.
_DEPTH = 100
_RECURSION = 3000
# A <main> with less than this is a stub beside the real text.
_MAIN_CHARS = 200

_USELESS = (
    "script, style, template, noscript, iframe, frame, object, embed, applet, svg, math, canvas, audio, video, map, "
    "input, select, textarea, datalist, button, dialog:not([open]), [hidden], [aria-hidden='true' i], head"
)
_AROUND = (
    "nav, header, footer, aside, [role='navigation'], [role='banner'], [role='contentinfo'], [role='search']"
)
_COMMENT = re.compile(r"/\*.*?(\*/|$)", re.DOTALL)
_ESCAPE = re.compile(r"\\([0-9a-fA-F]{1,6})\s?|\\(.)", re.DOTALL)
_HIDING = re.compile(
    r"display:none|visibility:(hidden|collapse)|opacity:0?\.?0*(;|!|$)|font-size:0?\.?[01]?(px|pt|em|rem|%)?(;|!|$)"
    r"|color:transparent|(left|top|right|bottom|text-indent|margin-left|margin-top):-\d{3,}"
    r"|clip:rect\(|clip-path:(inset\((50|100)%|circle\(0)|transform:(scale\(0\)|translate\w*\(-\d{3,})"
    r"|(^|;)(max-)?(height|width):0(px)?(;|!|$)"
)
_LANGUAGE = re.compile(r"(?:^|\s)(?:language|lang|highlight-source|brush:)-?\s?([A-Za-z0-9+#_.-]{1,20})")
_NOSCRIPT = re.compile(r"<(/?)noscript\b[^>]{0,200}>", re.IGNORECASE)
_BLANK_LINES = re.compile(r"\n\s*\n\s*\n+")


def read_html(html: str, url: str) -> dict[str, object]:
    """The answer for a page at `url`."""
    html = _without_fallbacks(html)
    tree = LexborHTMLParser(html)
    title = clean_line(_text(tree.css_first("title")), _TITLE_CHARS)
    base = _absolute(url, _attribute(tree.css_first("base[href]"), "href")) or url
    body = _tidy(tree, base)
    if body is None:
        return page(title, "", [])
    title = title or clean_line(_text(body.css_first("h1")), _TITLE_CHARS)
    links = list(_links(body))
    main = _main(body)
    if not _text(main).strip():
        # The page is all frame: then the frame is what it says.
        main = _tidy(LexborHTMLParser(html), base) or main
    return page(title, _markdown(main), links)


def _without_fallbacks(html: str) -> str:
    """`html` without its noscript elements. A browser takes them as text; to the parser here they may be content."""
    kept, position, begun = [], 0, -1
    for tag in _NOSCRIPT.finditer(html):
        closes = tag[1] == "/"
        if begun < 0 and not closes:
            begun = tag.start()
        elif begun >= 0 and closes:
            kept.append(html[position:begun])
            position, begun = tag.end(), -1
    return "".join([*kept, html[position:]])


def _tidy(tree: LexborHTMLParser, base: str) -> LexborNode | None:
    """The body, as somebody sees it who looks at the page, its links whole addresses."""
    if tree.body is not None:
        _cut_out(tree.body)
        _point_links(tree.body, base)
    return tree.body


def _cut_out(body: LexborNode) -> None:
    for node in body.css(_USELESS):
        node.decompose()
    for node in body.css("[style]"):
        if _hides(_attribute(node, "style")):
            node.decompose()
    # An image's address can carry data out; its description is what there is to read.
    for node in body.css("img, picture source"):
        node.replace_with(_attribute(node, "alt"))


def _hides(style: str) -> bool:
    plain = _ESCAPE.sub(_unescaped, _COMMENT.sub("", style))
    return _HIDING.search(re.sub(r"\s", "", plain).lower()) is not None


def _unescaped(found: re.Match[str]) -> str:
    if found[2]:
        return found[2]
    code = int(found[1], 16)
    return chr(code) if code <= sys.maxunicode else ""


def _point_links(body: LexborNode, base: str) -> None:
    for node in body.css("a"):
        address = _absolute(base, _attribute(node, "href"))
        if address:
            node.attrs["href"] = address
        else:
            node.unwrap()


def _absolute(base: str, reference: str) -> str:
    """Where `reference` leads when it is a page on the web; empty otherwise."""
    try:
        address = urljoin(base, reference.strip())
        parts = urlsplit(address)
    except ValueError:
        return ""
    usable = parts.scheme in ("http", "https") and parts.netloc and "@" not in parts.netloc
    address = clean(address).replace(" ", "%20").replace("(", "%28").replace(")", "%29")
    return address if reference and usable and len(address) <= _URL_CHARS else ""


def _links(body: LexborNode) -> Iterator[dict[str, str]]:
    seen: set[str] = set()
    for node in body.css("a[href]"):
        address = _attribute(node, "href")
        if address not in seen and len(seen) < _LINKS:
            seen.add(address)
            yield {"text": clean_line(_text(node), _LINK_CHARS), "url": address}


def _main(body: LexborNode) -> LexborNode:
    """The part of the page that is its text: what says so itself, else all but the frame around it."""
    for candidates in (body.css("main, [role='main']"), body.css("article")):
        if len(candidates) == 1 and len(_text(candidates[0])) >= _MAIN_CHARS:
            return candidates[0]
    for node in body.css(_AROUND):
        node.decompose()
    return body


def _markdown(root: LexborNode) -> str:
    _flatten(root)
    sys.setrecursionlimit(_RECURSION)
    written = markdownify(
        root.html or "",
        heading_style=ATX,
        bullets="-",
        escape_asterisks=False,
        escape_underscores=False,
        escape_misc=False,
        code_language_callback=_language,
    )
    return _BLANK_LINES.sub("\n\n", clean(written[: 2 * TEXT_LIMIT_CHARS])).strip()


def _flatten(root: LexborNode) -> None:
    """Replace what is nested deeper than any text is by its bare text."""
    level: list[LexborNode] = [root]
    for _ in range(_DEPTH):
        level = [child for node in level for child in node.iter()]
    for node in level:
        node.replace_with(_text(node))


def _language(code: object) -> str | None:
    classes = " ".join(_classes(code))
    found = _LANGUAGE.search(classes)
    return found[1] if found else None


def _classes(element: object) -> Iterator[str]:
    """The classes of a `pre` and of the `code` in it, as markdownify's own tree has them."""
    for node in (element, getattr(element, "code", None)):
        attributes = getattr(node, "attrs", None) or {}
        value = attributes.get("class", [])
        yield from [value] if isinstance(value, str) else value


def _text(node: LexborNode | None) -> str:
    return "" if node is None else node.text(deep=True)


def _attribute(node: LexborNode | None, name: str) -> str:
    return "" if node is None else node.attributes.get(name) or ""
