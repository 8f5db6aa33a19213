"""Where the symbols of a source file begin and end, by tree-sitter: what outlines leave out and splices replace."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Language, Node

# Ordinary code nests three deep; what lies deeper than this is nobody's public symbol.
_DEPTH = 12

_GRAMMARS = {
    ".py": ("tree_sitter_python", "language"),
    ".js": ("tree_sitter_javascript", "language"),
    ".jsx": ("tree_sitter_javascript", "language"),
    ".mjs": ("tree_sitter_javascript", "language"),
    ".cjs": ("tree_sitter_javascript", "language"),
    ".ts": ("tree_sitter_typescript", "language_typescript"),
    ".mts": ("tree_sitter_typescript", "language_typescript"),
    ".tsx": ("tree_sitter_typescript", "language_tsx"),
    ".go": ("tree_sitter_go", "language"),
}
_FUNCTIONS = frozenset(
    {
        "function_definition",
        "function_declaration",
        "generator_function_declaration",
        "method_definition",
        "method_declaration",
    }
)
_CLASSES = frozenset({"class_definition", "class_declaration", "abstract_class_declaration"})
_NAMED_TYPES = frozenset(
    {
        "interface_declaration",
        "type_alias_declaration",
        "enum_declaration",
        "type_spec",
        "type_alias",
    }
)
# Their one definition is what they are about: decorators, `export`, `const f = () => …`, Go's `type T struct`.
_WRAPPERS = frozenset(
    {
        "decorated_definition",
        "export_statement",
        "lexical_declaration",
        "variable_declaration",
        "type_declaration",
    }
)
_FUNCTION_VALUES = frozenset({"arrow_function", "function_expression", "generator_function"})
_STRINGS = frozenset({"string", "template_string", "raw_string_literal"})
_BLOCKS = frozenset({"statement_block", "block"})


@dataclass(frozen=True, slots=True)
class Symbol:
    """A definition: its dotted name (`Store.add`) and its place in bytes, decorators and `export` included."""

    name: str
    start: int
    end: int


def is_spoken(path: str) -> bool:
    """Whether there is a grammar for files of this name."""
    return PurePosixPath(path).suffix in _GRAMMARS


def symbols(path: str, text: str, *, alone: bool = False) -> tuple[Symbol, ...] | None:
    """The functions, methods, classes and types of a file, in order; None when it does not parse.

    `alone`: None as well when anything but definitions and comments stands at the top.
    """
    root = parsed(path, text)
    if root is None:
        return None
    found = tuple(_symbols(root, "", 0))
    starts = {symbol.start for symbol in found}
    rest = [node for node in root.named_children if node.type != "comment" and node.start_byte not in starts]
    return None if alone and rest else found


def strings(path: str, text: str) -> frozenset[int]:
    """The lines, from 0, that begin inside a string that is no docstring: to indent them would change what the program says."""
    from tree_sitter import Parser

    root = (
        Parser(_language(PurePosixPath(path).suffix)).parse(text.encode("utf-8", "surrogatepass")).root_node
    )
    return frozenset(_string_lines(root))


def bodies_in(root: Node) -> tuple[tuple[int, int], ...]:
    """The places of the outermost function bodies under `root` in bytes, braces included."""
    return tuple(_bodies(root))


@lru_cache(maxsize=len(_GRAMMARS))
def _language(suffix: str) -> Language:
    from tree_sitter import Language

    module, factory = _GRAMMARS[suffix]
    return Language(getattr(importlib.import_module(module), factory)())


def parsed(path: str, text: str) -> Node | None:
    """The tree of a file; None when it does not parse, or there is no grammar for files of its name."""
    from tree_sitter import Parser

    suffix = PurePosixPath(path).suffix
    if suffix not in _GRAMMARS:
        return None
    root = Parser(_language(suffix)).parse(text.encode("utf-8", "surrogatepass")).root_node
    return None if root.has_error else root


def _symbols(block: Node, holder: str, depth: int) -> Iterator[Symbol]:
    for child in block.named_children:
        outer = inner = child
        while inner.type in _WRAPPERS and (held := _held(inner)) is not None:
            inner = held
        name = _name(inner)
        if not name:
            continue
        full = f"{holder}.{name}" if holder else name
        yield Symbol(full, outer.start_byte, outer.end_byte)
        body = inner.child_by_field_name("body")
        if inner.type in _CLASSES and body is not None and depth < _DEPTH:
            yield from _symbols(body, full, depth + 1)


def _held(wrapper: Node) -> Node | None:
    """The one definition in a wrapper; None when it holds none or several."""
    found = [node for node in wrapper.named_children if node.type in _WRAPPERS or _name(node)]
    return found[0] if len(found) == 1 else None


def _name(node: Node) -> str:
    """The name that a node defines, or nothing."""
    if node.type == "variable_declarator":
        value = node.child_by_field_name("value")
        return _text(node.child_by_field_name("name")) if value and value.type in _FUNCTION_VALUES else ""
    if node.type not in _FUNCTIONS | _CLASSES | _NAMED_TYPES:
        return ""
    name = _text(node.child_by_field_name("name"))
    receiver = node.child_by_field_name("receiver")
    return f"{receiver_of(_text(receiver))}.{name}" if receiver else name


def receiver_of(text: str) -> str:
    """The type of a method's receiver: `T` of Go's `(t *T[P])`."""
    words = text.strip("() ").partition("[")[0].split()
    return words[-1].lstrip("*") if words else ""


def _text(node: Node | None) -> str:
    return "" if node is None else (node.text or b"").decode("utf-8", "replace")


def _bodies(root: Node) -> Iterator[tuple[int, int]]:
    waiting = [root]
    while waiting:  # no recursion: a generated expression may nest deeper than Python's stack
        node = waiting.pop()
        if (
            node.parent is not None
            and node.type in _BLOCKS
            and node.parent.type in _FUNCTIONS | _FUNCTION_VALUES
        ):
            yield node.start_byte, node.end_byte
        else:
            waiting.extend(reversed(node.named_children))


def _string_lines(root: Node) -> Iterator[int]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.type not in _STRINGS:
            waiting.extend(node.named_children)
        # A docstring is left out: readers take its indentation off.
        elif node.parent is None or node.parent.type != "expression_statement":
            yield from range(node.start_point.row + 1, node.end_point.row + 1)
