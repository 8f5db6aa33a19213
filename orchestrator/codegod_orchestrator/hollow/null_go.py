"""Null bodies of Go: stubs that return the zero values of what they declare."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from codegod_orchestrator.hollow.null_edits import Edit, edited
from codegod_orchestrator.surfaces.source_tree import source_tree, text_of

if TYPE_CHECKING:
    from tree_sitter import Node

_FUNCTIONS: Final = frozenset({"function_declaration", "method_declaration", "func_literal"})
_STUB: Final = re.compile(r"not (?:yet )?implemented|NotImplemented", re.IGNORECASE)
_LITERALS: Final = frozenset({"interpreted_string_literal", "raw_string_literal"})


def nulled(path: str, text: str) -> str:
    """The stub `text` with every body that panics as not implemented returning zero values.

    Go has no other empty value, so there is one kind of it. Raises `SyntaxError` for a text that cannot be read.
    """
    return edited(text, _edits(source_tree(path, text)))


def _edits(root: Node) -> Iterator[Edit]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        marker = _marker(node) if node.type in _FUNCTIONS else None
        if marker is None:
            waiting.extend(node.children)
            continue
        yield Edit(marker.start_byte, marker.end_byte, f"{_used(marker)}return")
        yield from _named_results(node.child_by_field_name("result"))


def _marker(function: Node) -> Node | None:
    """The statement of a body that says that it is not implemented."""
    body = function.child_by_field_name("body")
    statements = [each for block in body.named_children for each in block.named_children] if body else []
    return next((each for each in statements if _is_marker(each)), None)


def _is_marker(statement: Node) -> bool:
    call = statement.named_children[0] if statement.type == "expression_statement" else None
    return (
        call is not None
        and call.type == "call_expression"
        and text_of(call.child_by_field_name("function")) == "panic"
        and _STUB.search(text_of(call.child_by_field_name("arguments"))) is not None
    )


def _used(marker: Node) -> str:
    """What was told, if more than a literal: an import that nothing uses any more would not compile."""
    arguments = marker.named_children[0].child_by_field_name("arguments")
    told = arguments.named_children[0] if arguments else None
    return "" if told is None or told.type in _LITERALS else f"_ = {text_of(told)}; "


def _named_results(result: Node | None) -> Iterator[Edit]:
    """Results that have names are returned by a bare `return`: the zero value of any type, however it is declared."""
    if result is None:
        return
    if result.type != "parameter_list":
        yield Edit(result.start_byte, result.start_byte, "(_ ")
        yield Edit(result.end_byte, result.end_byte, ")")
        return
    for each in result.named_children:
        if each.type == "parameter_declaration" and each.child_by_field_name("name") is None:
            yield Edit(each.start_byte, each.start_byte, "_ ")
