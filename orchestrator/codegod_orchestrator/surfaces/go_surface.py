"""What a Go file promises to others: its exported functions, methods, types, fields, constants and variables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from codegod_orchestrator.surfaces.source_tree import (
    first_line,
    joined,
    line_of,
    marked,
    source_tree,
    text_of,
)
from codegod_orchestrator.surfaces.surface import Name, Parameter

if TYPE_CHECKING:
    from tree_sitter import Node

_VALUES: Final = frozenset({"const_spec", "var_spec"})
_LISTS: Final = frozenset({"var_spec_list"})


def surface(path: str, text: str) -> dict[str, Name]:
    """The exported names of a file; raises `SyntaxError` for a text that cannot be read."""
    return dict(_names(source_tree(path, text)))


def _names(root: Node) -> Iterator[tuple[str, Name]]:
    for node in root.named_children:
        match node.type:
            case "package_clause":
                yield "package", Name("package", text_of(node), line_of(node), {"name": text_of(node)})
            case "function_declaration":
                yield from _function(node, "")
            case "method_declaration":
                yield from _method(node)
            case "type_declaration":
                for each in node.named_children:
                    yield from _type(each)
            case "const_declaration" | "var_declaration":
                yield from _values(node)
            case _:
                pass


def _function(node: Node, owner: str) -> Iterator[tuple[str, Name]]:
    name = text_of(node.child_by_field_name("name"))
    if not _is_exported(name):
        return
    parts = {"result": _results(node.child_by_field_name("result"))}
    if generic := node.child_by_field_name("type_parameters"):
        parts["type parameters"] = _spelled(generic)
    # A method of the value can be called on a pointer as well, so it may take the place of one of the pointer.
    of_pointer = "*" in text_of(node.child_by_field_name("receiver"))
    if node.type == "method_declaration" and not of_pointer:
        parts["receiver"] = "value"
    declared = Name(
        kind="method" if owner else "function",
        shown=first_line(node, node.child_by_field_name("body")),
        line=line_of(node),
        parts=parts,
        free={"receiver": "pointer"} if of_pointer else {},
        parameters=tuple(_parameters(node.child_by_field_name("parameters"))),
        by_place=True,
        demanded=node.type == "method_elem",
    )
    yield f"{owner}{name}", declared


def _method(node: Node) -> Iterator[tuple[str, Name]]:
    owner = text_of(_receiver_type(node))
    if _is_exported(owner):
        yield from _function(node, f"{owner}.")


def _receiver_type(node: Node) -> Node | None:
    """The name of the type that a method belongs to."""
    found = node.child_by_field_name("receiver")
    declared = found.named_children[0].child_by_field_name("type") if found and found.named_children else None
    while declared is not None and declared.type in {"pointer_type", "generic_type", "parenthesized_type"}:
        declared = declared.child_by_field_name("type") or next(iter(declared.named_children), None)
    return declared


def _type(node: Node) -> Iterator[tuple[str, Name]]:
    name, declared = text_of(node.child_by_field_name("name")), node.child_by_field_name("type")
    if not _is_exported(name) or declared is None:
        return
    kind = {"struct_type": "struct", "interface_type": "interface"}.get(declared.type, "type")
    parts: dict[str, str] = {}
    if kind == "type":
        parts["underlying type"] = ("= " if node.type == "type_alias" else "") + _spelled(declared)
    if generic := node.child_by_field_name("type_parameters"):
        parts["type parameters"] = _spelled(generic)
    yield name, Name(kind, f"type {first_line(node, None)}", line_of(node), parts)
    if kind == "struct":
        yield from _fields(declared, name)
    elif kind == "interface":
        yield from _elements(declared, name)


def _fields(struct: Node, owner: str) -> Iterator[tuple[str, Name]]:
    for listed in struct.named_children:
        for node in listed.named_children if listed.type == "field_declaration_list" else ():
            declared = node.child_by_field_name("type")
            spelled = ("*" if marked(node, "*") else "") + _spelled(declared)
            names = [text_of(each) for each in node.children_by_field_name("name")]
            parts = {"type": spelled, "tag": text_of(node.child_by_field_name("tag"))}
            for name in names or [spelled.lstrip("*").partition("[")[0].rpartition(".")[2]]:
                if node.type == "field_declaration" and _is_exported(name):
                    yield f"{owner}.{name}", Name("field", first_line(node, None), line_of(node), parts)


def _elements(interface: Node, owner: str) -> Iterator[tuple[str, Name]]:
    for node in interface.named_children:
        if node.type == "method_elem":
            yield from _function(node, f"{owner}.")
        elif node.type == "type_elem":
            spelled = _spelled(node)
            yield f"{owner}.{spelled}", Name("embedded type", spelled, line_of(node), demanded=True)


def _values(node: Node) -> Iterator[tuple[str, Name]]:
    word = node.type.partition("_")[0]
    specs = [
        spec
        for each in node.named_children
        for spec in (each.named_children if each.type in _LISTS else [each])
    ]
    for spec in specs:
        declared = _spelled(spec.child_by_field_name("type"))
        for name in spec.children_by_field_name("name") if spec.type in _VALUES else ():
            if _is_exported(text_of(name)):
                parts = {"type": declared} if declared else {}
                yield (
                    text_of(name),
                    Name(_WORDS[word], f"{word} {first_line(spec, None)}", line_of(spec), parts),
                )


_WORDS: Final[Mapping[str, str]] = {"const": "constant", "var": "variable"}


def _parameters(listed: Node | None) -> Iterator[Parameter]:
    """By place: each name of `a, b int`, or a type alone."""
    for place, (names, spelled, passed) in enumerate(_taken(listed), start=1):
        yield Parameter(names or f"number {place}", passed, spelled, optional=False)


def _taken(listed: Node | None) -> Iterator[tuple[str, str, str]]:
    for node in listed.named_children if listed else ():
        spelled = _spelled(node.child_by_field_name("type"))
        passed = "*" if node.type == "variadic_parameter_declaration" else "any"
        names = [text_of(name) for name in node.children_by_field_name("name")]
        if node.type != "comment":
            yield from ((name, spelled, passed) for name in names or [""])


def _results(result: Node | None) -> str:
    """What comes back, by place: results may have names or not."""
    if result is None or result.type != "parameter_list":
        return _spelled(result)
    types = [spelled for _, spelled, _ in _taken(result)]
    return types[0] if len(types) == 1 else f"({', '.join(types)})"


def _spelled(node: Node | None) -> str:
    """A type without the spaces, line ends and comments that its author gave it."""
    if node is None:
        return ""
    signs: list[str] = []
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if each.type == "comment" or text_of(each) == "\n":
            continue
        if each.type == "interface_type" and not each.named_children:
            signs.append("any")
        elif each.children:
            waiting.extend(reversed(each.children))
        else:
            signs.append(text_of(each))
    return joined(signs)


def _is_exported(name: str) -> bool:
    return name[:1].isupper()
