"""The empty value of a TypeScript type, as an expression."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from codegod_orchestrator.surfaces.script_types import alternatives, read_type
from codegod_orchestrator.surfaces.source_tree import marked, text_of

if TYPE_CHECKING:
    from tree_sitter import Node

NOTHING: Final = "undefined"
_MISSING: Final = frozenset({NOTHING, "null"})
# Types that people write nest three deep; what nests deeper than this was not written by people.
_DEPTH: Final = 12

_EMPTY: Final = {
    "string": '""',
    "String": '""',
    "number": "0",
    "Number": "0",
    "bigint": "0n",
    "boolean": "false",
    "Boolean": "false",
    "symbol": "Symbol()",
    "object": "{}",
    "Object": "{}",
    "Record": "{}",
    "Partial": "{}",
    "Array": "[]",
    "ReadonlyArray": "[]",
    "Iterable": "[]",
    "ArrayLike": "[]",
    "Iterator": "[][Symbol.iterator]()",
    "IterableIterator": "[][Symbol.iterator]()",
    "Generator": "(function* () {})()",
    "AsyncIterable": "(async function* () {})()",
    "AsyncIterator": "(async function* () {})()",
    "AsyncIterableIterator": "(async function* () {})()",
    "AsyncGenerator": "(async function* () {})()",
    "Map": "new Map()",
    "ReadonlyMap": "new Map()",
    "Set": "new Set()",
    "ReadonlySet": "new Set()",
    "Date": "new Date(0)",
    "Uint8Array": "new Uint8Array()",
    "ArrayBuffer": "new ArrayBuffer(0)",
    "Buffer": "Buffer.alloc(0)",
    "URLSearchParams": "new URLSearchParams()",
    "Headers": "new Headers()",
    "FormData": "new FormData()",
    "Response": "new Response()",
}
# What is written around a type and changes nothing of its empty value.
_AROUND: Final = frozenset({"Readonly", "Required", "NonNullable", "Awaited", "NoInfer"})
_PROMISES: Final = frozenset({"Promise", "PromiseLike", "Thenable"})
_RETURNED: Final = re.compile(r"@returns?\s*\{")


@dataclass(frozen=True, slots=True)
class Empty:
    """Empty values in a module that declares `classes`: an object of one of these can be made without its constructor."""

    classes: frozenset[str]

    def of_annotation(self, annotation: Node, *, awaited: bool) -> str:
        """The empty value of what a function declares to return; `awaited`, of what its promise gives."""
        if annotation.type == "type_predicate_annotation":
            return "false"
        if annotation.type == "asserts_annotation":
            return NOTHING
        declared = annotation.named_children[0] if annotation.type == "type_annotation" else annotation
        if awaited and _name(declared) in _PROMISES:
            return self._first_of(_given(declared)[:1], 0)
        return self._of(declared, 0)

    def of_comment(self, comment: str, *, awaited: bool) -> str:
        """The empty value of what `@returns {T}` in a comment declares."""
        found = _RETURNED.search(comment)
        declared = read_type(_braced(comment[found.end() :])) if found else None
        return NOTHING if declared is None else self.of_annotation(declared, awaited=awaited)

    def _of(self, node: Node, depth: int) -> str:
        if depth > _DEPTH:
            return NOTHING
        if make := _MADE.get(node.type):
            return make(self, node, depth + 1)
        name = _name(node)
        if name in _AROUND:
            return self._first_of(_given(node)[:1], depth + 1)
        if name in _PROMISES:
            return f"Promise.resolve({self._first_of(_given(node)[:1], depth + 1)})"
        return f"Object.create({name}.prototype)" if name in self.classes else _EMPTY.get(name, NOTHING)

    def _first_of(self, types: Iterable[Node], depth: int) -> str:
        """The value of the first of several types that has one; null where that is the only one."""
        values = [self._of(each, depth) for each in types]
        return next(
            (value for value in values if value not in _MISSING), max(values, default=NOTHING, key=_says)
        )

    def _union(self, node: Node, depth: int) -> str:
        return self._first_of(alternatives(node), depth)

    def _inner(self, node: Node, depth: int) -> str:
        return self._first_of(node.named_children, depth)

    def _tuple(self, node: Node, depth: int) -> str:
        return f"[{', '.join(self._of(each, depth) for each in node.named_children if _is_needed(each))}]"

    def _member(self, node: Node, depth: int) -> str:
        """The value of a named part of a tuple or an object."""
        return self._first_of([part for each in _typed(node) for part in each.named_children], depth)

    def _object(self, node: Node, depth: int) -> str:
        parts = [
            f"{text_of(each.child_by_field_name('name'))}: {self._of(each, depth)}"
            for each in node.named_children
            if each.type == "property_signature" and _is_needed(each)
        ]
        return f"({{ {', '.join(parts)} }})" if parts else "{}"

    def _function(self, node: Node, depth: int) -> str:
        return f"() => ({self._first_of(_typed(node, 'return_type'), depth)})"


_MADE: Final[dict[str, Callable[[Empty, Node, int], str]]] = {
    "union_type": Empty._union,
    "intersection_type": Empty._inner,
    "parenthesized_type": Empty._union,
    "readonly_type": Empty._inner,
    "tuple_type": Empty._tuple,
    "required_parameter": Empty._member,
    "property_signature": Empty._member,
    "object_type": Empty._object,
    "function_type": Empty._function,
    "array_type": lambda _empty, _node, _depth: "[]",
    "template_literal_type": lambda _empty, _node, _depth: '""',
    "literal_type": lambda _empty, node, _depth: text_of(node),
    "type_predicate": lambda _empty, _node, _depth: "false",
    "this_type": lambda _empty, _node, _depth: "this",
}


def _says(value: str) -> bool:
    """Whether a missing value is null: who declares it asks for it by name."""
    return value == "null"


def _name(node: Node) -> str:
    """The last part of a type's name, without its arguments."""
    named = node.child_by_field_name("name") if node.type == "generic_type" else node
    return text_of(named).rpartition(".")[2]


def _given(node: Node) -> Sequence[Node]:
    """The arguments of a generic type."""
    arguments = node.child_by_field_name("type_arguments")
    return arguments.named_children if arguments else ()


def _typed(node: Node, field: str = "type") -> list[Node]:
    found = node.child_by_field_name(field)
    return [found] if found else []


def _is_needed(node: Node) -> bool:
    return node.type not in {"optional_parameter", "optional_type", "rest_type"} and not marked(node, "?")


def _braced(text: str) -> str:
    """`text` up to the brace that closes what was opened before it."""
    depth = 1
    for place, sign in enumerate(text):
        depth += (sign == "{") - (sign == "}")
        if not depth:
            return text[:place].strip()
    return ""
