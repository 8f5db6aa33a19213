"""What a module of JavaScript or TypeScript promises to others: what it exports."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from codegod_orchestrator.surfaces.script_members import class_names, function_name, type_names, value_name
from codegod_orchestrator.surfaces.script_types import type_text
from codegod_orchestrator.surfaces.source_tree import line_of, marked, source_tree, text_of
from codegod_orchestrator.surfaces.surface import IMPORTED, Name

if TYPE_CHECKING:
    from tree_sitter import Node

_FUNCTIONS: Final = frozenset(
    {
        "function_declaration",
        "generator_function_declaration",
        "function_signature",
        "function_expression",
        "generator_function",
        "arrow_function",
    }
)
_CLASSES: Final = frozenset({"class_declaration", "abstract_class_declaration", "class"})
_VARIABLES: Final = frozenset({"lexical_declaration", "variable_declaration"})
_EXPORTS: Final = frozenset({"module.exports", "exports"})

_Names = Iterator[tuple[str, Name]]
_Locals = Mapping[str, Sequence["Node"]]


def surface(path: str, text: str) -> dict[str, Name]:
    """The exported names of a module; raises `SyntaxError` for a text that cannot be read.

    Types have a name space of their own: `type Item` may stand beside the value `Item`.
    """
    root = source_tree(path, text)
    declared = _declared(root)
    found: dict[str, Name] = {}
    for node in root.named_children:
        if node.type == "export_statement":
            found.update(_exported(node, declared))
        elif node.type == "expression_statement":
            found.update(_assigned(node, declared))
    return found


def _declared(root: Node) -> _Locals:
    """The declarations at the top of a module, by the names that they make; several where one is overloaded."""
    found: defaultdict[str, list[Node]] = defaultdict(list)
    for node in root.named_children:
        inner = node.child_by_field_name("declaration") if node.type == "export_statement" else node
        for each in _each(inner) if inner else ():
            if name := text_of(each.child_by_field_name("name")):
                found[name].append(each)
    return found


def _each(declaration: Node) -> list[Node]:
    """The single definitions of a declaration: `const a = 1, b = 2` has two."""
    if declaration.type in _VARIABLES:
        return [each for each in declaration.named_children if each.type == "variable_declarator"]
    return [declaration]


def _exported(node: Node, declared: _Locals) -> _Names:
    source = node.child_by_field_name("source") is not None
    if declaration := node.child_by_field_name("declaration"):
        for each in _each(declaration):
            name = text_of(each.child_by_field_name("name"))
            yield from _of_local("default" if marked(node, "default") else name, declared.get(name, [each]))
    elif value := node.child_by_field_name("value"):
        yield from _of_value("default", value, declared)
    for clause in (each for each in node.named_children if each.type == "export_clause"):
        for each in clause.named_children:
            name = text_of(each.child_by_field_name("name"))
            alias = text_of(each.child_by_field_name("alias")) or name
            yield from _of_local(alias, () if source else declared.get(name, ()))


def _assigned(node: Node, declared: _Locals) -> _Names:
    """What CommonJS hands out: `module.exports = { a, b: c }`, `exports.a = …`."""
    assignment = node.named_children[0] if node.named_children else None
    if assignment is None or assignment.type != "assignment_expression":
        return
    place, value = assignment.child_by_field_name("left"), assignment.child_by_field_name("right")
    holder, _, name = text_of(place).rpartition(".")
    if value is None or (text_of(place) not in _EXPORTS and holder not in _EXPORTS):
        return
    if holder in _EXPORTS:
        yield from _of_value(name, value, declared)
    elif value.type != "object":
        yield from _of_value("default", value, declared)
    else:
        for each in value.named_children:
            if each.type == "shorthand_property_identifier":
                yield from _of_local(text_of(each), declared.get(text_of(each), ()))
            elif each.type == "pair" and (given := each.child_by_field_name("value")):
                yield from _of_value(text_of(each.child_by_field_name("key")), given, declared)
            elif each.type == "method_definition":
                yield text_of(each.child_by_field_name("name")), function_name(each, "function")


def _of_value(name: str, value: Node, declared: _Locals) -> _Names:
    if value.type == "identifier" and text_of(value) in declared:
        yield from _of_local(name, declared[text_of(value)])
    else:
        yield from _of_declaration(name, value)


def _of_local(name: str, nodes: Sequence[Node]) -> _Names:
    """What a module says of one of its names; of an imported one, nothing."""
    if not nodes:
        yield name, Name(IMPORTED, name, 0)
        return
    overloads = [node for node in nodes if node.type == "function_signature"]
    if overloads:  # then its implementation is nobody's to call
        nodes = [*overloads, *(node for node in nodes if node.type not in _FUNCTIONS)]
    told = 0
    for node in nodes:
        told += node.type == "function_signature"
        yield from _of_declaration(f"{name} ({told})" if told > 1 else name, node)


def _of_declaration(name: str, node: Node) -> _Names:
    value = node.child_by_field_name("value") if node.type == "variable_declarator" else None
    if node.type in _FUNCTIONS:
        yield name, function_name(node, "function")
    elif value is not None and value.type in _FUNCTIONS:
        yield name, function_name(value, "function", node)
    elif node.type in _CLASSES:
        yield from class_names(name, node)
    elif value is not None and value.type in _CLASSES:
        yield from class_names(name, value)
    elif node.type in {"interface_declaration", "type_alias_declaration"}:
        yield from type_names(f"type {name}", node)
    elif node.type == "enum_declaration":
        yield from _enum(name, node)
    else:
        yield name, value_name(node, "value")


def _enum(name: str, node: Node) -> _Names:
    yield name, Name("enum", f"enum {name}", line_of(node))
    body = node.child_by_field_name("body")
    for member in body.named_children if body else ():
        key = member.child_by_field_name("name") if member.type == "enum_assignment" else member
        if member.type != "comment":
            parts = {"value": type_text(member.child_by_field_name("value"))}
            yield f"{name}.{text_of(key)}", Name("enum member", text_of(member), line_of(member), parts)
