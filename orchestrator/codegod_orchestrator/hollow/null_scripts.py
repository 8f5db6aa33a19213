"""Null bodies of JavaScript and TypeScript: stubs that return undefined, or the empty value of their type."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from codegod_orchestrator.hollow.null_bodies import NullKind
from codegod_orchestrator.hollow.null_edits import Edit, edited
from codegod_orchestrator.surfaces.script_values import NOTHING, Empty
from codegod_orchestrator.surfaces.source_tree import (
    TYPESCRIPT,
    marked,
    nodes,
    source_tree,
    suffix_of,
    text_of,
)

if TYPE_CHECKING:
    from tree_sitter import Node

_GENERATORS: Final = frozenset({"generator_function_declaration", "generator_function"})
_FUNCTIONS: Final = _GENERATORS | {
    "function_declaration",
    "function_expression",
    "arrow_function",
    "method_definition",
}
_CLASSES: Final = frozenset({"class_declaration", "abstract_class_declaration"})
# Their one definition is what the comment above them is about.
_WRAPPERS: Final = frozenset(
    {
        "assignment_expression",
        "export_statement",
        "expression_statement",
        "lexical_declaration",
        "pair",
        "public_field_definition",
        "variable_declaration",
        "variable_declarator",
    }
)
_ERROR: Final = re.compile(r"(?:^|\.)\w*Error$")
_STUB_ERROR: Final = re.compile(r"(?:^|\.)NotImplemented(?:Error)?$")
_STUB: Final = re.compile(r"^\W*(?:todo\b.*)?not (?:yet )?implemented\b", re.IGNORECASE)


def nulled(path: str, text: str, kind: NullKind) -> str:
    """The stub module `text` with every body that throws as not implemented giving back undefined or an empty value.

    Only such bodies are unfinished: all else stays. Raises `SyntaxError` for a text that cannot be read.
    """
    root = source_tree(path, text)
    classes = frozenset(
        text_of(node.child_by_field_name("name")) for node in nodes(root) if node.type in _CLASSES
    )
    bodies = _Nulled(kind, Empty(classes), " as any" if suffix_of(path) in TYPESCRIPT else "")
    return edited(text, bodies.edits(root))


@dataclass(frozen=True, slots=True)
class _Nulled:
    kind: NullKind
    empty: Empty
    cast: str
    """What keeps a type checker from refusing the value: a runner may check types before it runs anything."""

    def edits(self, root: Node) -> Iterator[Edit]:
        waiting = [root]
        while waiting:
            node = waiting.pop()
            marker = _marker(node) if node.type in _FUNCTIONS else None
            if marker is None:
                waiting.extend(node.children)
            elif marker.type == "call_expression":
                yield Edit(marker.start_byte, marker.end_byte, f"({self._returned(node)})")
            else:
                yield Edit(marker.start_byte, marker.end_byte, self._statement(node))

    def _statement(self, function: Node) -> str:
        """What stands in place of the marker."""
        if _is_constructor(function):
            return f"{_missing_super(function)}return;"
        if function.type in _GENERATORS or marked(function, "*", "set"):
            return "return;"  # a generator without an element
        return f"return {self._returned(function)};"

    def _returned(self, function: Node) -> str:
        return f"{NOTHING if self.kind == 'none' else self._value(function)}{self.cast}"

    def _value(self, function: Node) -> str:
        declared = function.child_by_field_name("return_type") or _from_context(function)
        if declared is not None:
            return self.empty.of_annotation(declared, awaited=marked(function, "async"))
        return self.empty.of_comment(_comment(function), awaited=marked(function, "async"))


def _marker(function: Node) -> Node | None:
    """The statement of a body that says that it is not implemented, or the whole body of `() => Promise.reject(…)`."""
    body = function.child_by_field_name("body")
    if body is None or body.type != "statement_block":
        return body if body is not None and _is_rejected(body) else None
    return next((each for each in body.named_children if _is_marker(each)), None)


def _is_marker(statement: Node) -> bool:
    """`throw new Error("not implemented")`, or the same as a rejected promise."""
    told = statement.named_children[0] if statement.named_children else None
    if told is None or statement.type not in {"throw_statement", "return_statement"}:
        return False
    return _is_stub_error(told) if statement.type == "throw_statement" else _is_rejected(told)


def _is_rejected(call: Node) -> bool:
    is_rejection = text_of(call.child_by_field_name("function")) == "Promise.reject"
    return is_rejection and any(_is_stub_error(each) for each in _arguments(call))


def _is_stub_error(made: Node) -> bool:
    if made.type not in {"new_expression", "call_expression"}:
        return False
    name = text_of(made.child_by_field_name("constructor") or made.child_by_field_name("function"))
    said = next((text_of(each) for each in _arguments(made)), "")
    return bool(_STUB_ERROR.search(name) or (_ERROR.search(name) and _STUB.search(said)))


def _arguments(call: Node) -> list[Node]:
    given = call.child_by_field_name("arguments")
    return given.named_children if given else []


def _is_constructor(function: Node) -> bool:
    return (
        function.type == "method_definition"
        and text_of(function.child_by_field_name("name")) == "constructor"
    )


def _missing_super(constructor: Node) -> str:
    """The call without which a derived object cannot be made; a typed stub has it, one in JavaScript may not."""
    held_by = constructor.parent.parent if constructor.parent else None
    derived = held_by is not None and any(child.type == "class_heritage" for child in held_by.children)
    return (
        "super(...arguments); "
        if derived and not any(node.type == "super" for node in nodes(constructor))
        else ""
    )


def _from_context(function: Node) -> Node | None:
    """What `const f: (x: number) => string = …` says that the function returns."""
    declared = function.parent.child_by_field_name("type") if function.parent else None
    if declared is None or not declared.named_children or declared.named_children[0].type != "function_type":
        return None
    return declared.named_children[0].child_by_field_name("return_type")


def _comment(function: Node) -> str:
    """The comment above a function, where JavaScript declares its types."""
    node = function
    while node.parent is not None and node.parent.type in _WRAPPERS:
        node = node.parent
    before = node.prev_named_sibling
    return text_of(before) if before is not None and before.type == "comment" else ""
