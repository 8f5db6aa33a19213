"""JavaScript, TypeScript and Go as trees: what null bodies and signatures of these languages are read from."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tree_sitter import Language, Node

_SCRIPT = ("tree_sitter_typescript", "language_tsx")
# JavaScript is read as TypeScript, which holds it: one set of node names. Only `<T>value` needs the grammar without JSX.
_GRAMMARS: Final = {
    ".js": _SCRIPT,
    ".jsx": _SCRIPT,
    ".mjs": _SCRIPT,
    ".cjs": _SCRIPT,
    ".tsx": _SCRIPT,
    ".ts": ("tree_sitter_typescript", "language_typescript"),
    ".mts": ("tree_sitter_typescript", "language_typescript"),
    ".cts": ("tree_sitter_typescript", "language_typescript"),
    ".go": ("tree_sitter_go", "language"),
}
TYPESCRIPT: Final = frozenset({".ts", ".mts", ".cts", ".tsx"})
SCRIPTS: Final = TYPESCRIPT | {".js", ".jsx", ".mjs", ".cjs"}

_WORDS: Final = re.compile(r"[\w$][\w$]")
_COMMA: Final = re.compile(r",\s*(?=[^\s)\]}])")
_SHOWN_CHARACTERS: Final = 300  # a long parameter list; more hides what the message is about


def suffix_of(path: str) -> str:
    """What a file's language is told by."""
    return PurePosixPath(path).suffix


def language_of(path: str) -> str:
    """The language of a file by its name, as people write it; the ending itself where it is none of ours."""
    suffix = suffix_of(path)
    if suffix in SCRIPTS:
        return "TypeScript" if suffix in TYPESCRIPT else "JavaScript"
    return {".py": "Python", ".go": "Go"}.get(suffix, suffix)


def source_tree(path: str, text: str) -> Node:
    """The tree of a script or a Go file; raises `SyntaxError` with the first line that cannot be read."""
    from tree_sitter import Parser

    source = text.encode("utf-8", "surrogatepass")
    root = Parser(_language(suffix_of(path))).parse(source).root_node
    if root.has_error:
        wrong = next((node for node in nodes(root) if node.is_error or node.is_missing), root)
        raise SyntaxError(f"line {line_of(wrong)} cannot be read")
    return root


def nodes(root: Node) -> Iterator[Node]:
    """All nodes below `root`, itself first; without recursion: generated code nests deeper than Python's stack."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(node.children))


def text_of(node: Node | None) -> str:
    """What stands in the source for a node; nothing for none."""
    return "" if node is None else (node.text or b"").decode("utf-8", "replace")


def joined(signs: Sequence[str]) -> str:
    """Signs and words in one spelling: spaces only where two words would become one, and behind commas."""
    told = ""
    for sign in filter(None, signs):
        told += f" {sign}" if _WORDS.match(told[-1:] + sign[:1]) else sign
    return _COMMA.sub(", ", told)


def first_line(node: Node, end: Node | None) -> str:
    """A declaration up to its `end` on one line, as a message shows it."""
    whole = (node.text or b"")[: end.start_byte - node.start_byte if end else None]
    told = " ".join(whole.decode("utf-8", "replace").split()).removesuffix(" =")
    return told if len(told) <= _SHOWN_CHARACTERS else f"{told[:_SHOWN_CHARACTERS]} …"


def line_of(node: Node) -> int:
    """The line of the source, from 1, that a node begins in."""
    return node.start_point.row + 1


def marked(node: Node, *words: str) -> bool:
    """Whether one of these keywords or signs stands directly in a node: `async`, `static`, `*`."""
    return any(not child.is_named and child.type in words for child in node.children)


@lru_cache(maxsize=len(_GRAMMARS))
def _language(suffix: str) -> Language:
    from tree_sitter import Language

    module, factory = _GRAMMARS[suffix]
    return Language(getattr(importlib.import_module(module), factory)())
