"""How JavaScript and TypeScript declare functions, values, and what classes and types hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from codegod_orchestrator.surfaces.script_types import type_text, without_undefined
from codegod_orchestrator.surfaces.source_tree import first_line, line_of, marked, text_of
from codegod_orchestrator.surfaces.surface import IMPORTED, Name, Parameter

if TYPE_CHECKING:
    from tree_sitter import Node

_LITERALS: Final = {
    "string": "string",
    "template_string": "string",
    "number": "number",
    "true": "boolean",
    "false": "boolean",
}
_FUNCTION_VALUES: Final = frozenset({"arrow_function", "function_expression", "generator_function"})
_GENERATORS: Final = frozenset({"generator_function_declaration", "generator_function"})
_METHODS: Final = frozenset({"method_definition", "method_signature", "abstract_method_signature"})
_PROPERTIES: Final = frozenset({"public_field_definition", "property_signature"})
_AT_ONCE: Final = "given at once"
_LATER: Final = "a promise or a generator"
_SIGNATURES: Final = frozenset({"call_signature", "construct_signature", "index_signature"})

_Names = Iterator[tuple[str, Name]]


def function_name(node: Node, kind: str, held: Node | None = None) -> Name:
    """A function or method; `held` is the variable or property whose value it is."""
    typed = _annotation(held) if held else None
    as_type = typed if typed is not None and typed.type == "function_type" else None
    parts, free = _answer(node, as_type)
    if typed is not None and as_type is None:
        parts["type"] = type_text(typed)
    if generic := node.child_by_field_name("type_parameters"):
        parts["type parameters"] = type_text(generic)
    return Name(
        kind,
        first_line(held or node, node.child_by_field_name("body")),
        line_of(held or node),
        parts,
        free,
        tuple(_parameters(as_type or node)),
        by_place=True,
    )


def value_name(node: Node, kind: str) -> Name:
    """A variable, a property, or a value that stands for itself."""
    parts, free = _typed(node)
    return Name(kind, first_line(node, node.child_by_field_name("value")), line_of(node), parts, free)


def class_names(name: str, node: Node) -> _Names:
    """A class with its public members."""
    parts = {} if node.type.startswith("abstract") else {"way of being made": "new"}
    bases = [
        each
        for heritage in node.children
        if heritage.type == "class_heritage"
        for each in heritage.children
        if each.type == "extends_clause"
    ]
    for base in bases:
        spelled = type_text(base).removeprefix("extends").strip()
        parts[f"base `{spelled}`"] = spelled
    body = node.child_by_field_name("body")
    yield name, Name("class", first_line(node, body), line_of(node), parts, {"way of being made": "abstract"})
    members = body.named_children if body else []
    if not any(text_of(each.child_by_field_name("name")) == "constructor" for each in members):
        yield f"{name}.constructor", _no_constructor(node, derived=bool(bases))
    found: dict[str, Name] = {}
    for member in members:
        for key, declared in _member(member):
            found[key] = _merged(found[key], declared) if key in found else declared
    yield from ((f"{name}.{key}", declared) for key, declared in found.items())


def type_names(name: str, node: Node) -> _Names:
    """An interface, or a type alias: with its members where it describes an object."""
    body = node.child_by_field_name("body") or node.child_by_field_name("value")
    parts: dict[str, str] = {}
    if generic := node.child_by_field_name("type_parameters"):
        parts["type parameters"] = type_text(generic)
    is_object = body is not None and body.type in {"interface_body", "object_type"}
    if not is_object:
        parts["definition"] = type_text(body)
    for clause in (each for each in node.named_children if each.type == "extends_type_clause"):
        for base in clause.children_by_field_name("type"):
            parts[f"base `{type_text(base)}`"] = type_text(base)
    members = body.named_children if body is not None and is_object else []
    if signatures := sorted(type_text(each) for each in members if each.type in _SIGNATURES):
        parts["signatures"] = "; ".join(signatures)
    yield name, Name("type", first_line(node, body if is_object else None), line_of(node), parts)
    for member in members:
        for key, declared in _member(member, demanded=True):
            yield f"{name}.{key}", declared


def _no_constructor(node: Node, *, derived: bool) -> Name:
    """What a class without one is made with: nothing, or what its base takes."""
    if derived:
        return Name(IMPORTED, "constructor", line_of(node))
    return Name("constructor", "constructor()", line_of(node), by_place=True)


def _member(node: Node, *, demanded: bool = False) -> _Names:
    """What a member of a class or a type is to others; private ones are not."""
    name = text_of(node.child_by_field_name("name"))
    if node.type not in _METHODS | _PROPERTIES or _is_private(node, name):
        return
    value = node.child_by_field_name("value")
    typed = _annotation(node)
    if name == "constructor" and node.type in _METHODS:
        yield name, function_name(node, "constructor")
        yield from _parameter_properties(node)
        return
    if node.type in _METHODS and not marked(node, "get", "set"):
        declared = function_name(node, "method")
    elif value is not None and value.type in _FUNCTION_VALUES:
        declared = function_name(value, "method", node)
    elif typed is not None and typed.type == "function_type":
        declared = function_name(typed, "method", node)
    else:
        declared = _property(node)
    yield name, _qualified(declared, node, demanded=demanded)


def _qualified(declared: Name, node: Node, *, demanded: bool) -> Name:
    """With what stands before and behind a member's name."""
    parts = dict(declared.parts)
    if demanded:
        parts["presence"] = "optional" if marked(node, "?") else "required"
    if marked(node, "static"):
        parts["place"] = "the class itself"
    return replace(declared, parts=parts, demanded=demanded and not marked(node, "?"))


def _property(node: Node) -> Name:
    """A field or an accessor: who reads it does not see which."""
    getter = node.child_by_field_name("return_type") if marked(node, "get") else None
    parts, free = ({"type": type_text(getter)}, {}) if getter is not None else _typed(node)
    shown = first_line(node, node.child_by_field_name("body") or node.child_by_field_name("value"))
    return _used(Name("property", shown, line_of(node), parts, free), node)


def _used(declared: Name, node: Node) -> Name:
    """A property that may be changed stays so; one that is only read may become another."""
    if marked(node, "readonly", "get"):
        return replace(declared, free={**declared.free, "use": "reading"})
    return replace(declared, parts={**declared.parts, "use": "reading and writing"})


def _parameter_properties(constructor: Node) -> _Names:
    """`constructor(readonly id: number)` declares the property `id` as well."""
    listed = constructor.child_by_field_name("parameters")
    for node in listed.named_children if listed else ():
        name = text_of(node.child_by_field_name("pattern"))
        access = any(each.type == "accessibility_modifier" for each in node.named_children)
        if (access or marked(node, "readonly")) and not _is_private(node, name):
            yield name, _used(Name("property", text_of(node), line_of(node), *_typed(node)), node)


def _merged(one: Name, other: Name) -> Name:
    """A getter with its setter; of other members with one name, the later."""
    if one.kind != "property" or other.kind != "property":
        return other
    parts = {**other.parts, **one.parts}
    return Name("property", one.shown, one.line, parts, {} if "use" in parts else one.free)


def _is_private(node: Node, name: str) -> bool:
    hidden = any(
        each.type == "accessibility_modifier" and text_of(each) != "public" for each in node.named_children
    )
    return hidden or name.startswith(("#", "_"))


def _answer(node: Node, as_type: Node | None) -> tuple[dict[str, str], dict[str, str]]:
    """What comes back, and whether it has to be awaited: all that is known where no type is declared."""
    declared = (as_type or node).child_by_field_name("return_type")
    later = marked(node, "async", "*") or node.type in _GENERATORS
    if declared is None:
        return ({}, {"answer": _LATER}) if later else ({"answer": _AT_ONCE}, {})
    spelled = type_text(declared)
    later = later or spelled.startswith("Promise<")
    return {"return type": spelled}, {"answer": _LATER if later else _AT_ONCE}


def _parameters(function: Node) -> Iterator[Parameter]:
    listed = function.child_by_field_name("parameters")
    alone = function.child_by_field_name("parameter")  # `x => …`
    for node in [*(listed.named_children if listed else ()), *([alone] if alone else ())]:
        pattern = node.child_by_field_name("pattern") or node
        name = " ".join(text_of(pattern).split())
        if node.type == "comment" or name == "this":
            continue
        optional = node.type == "optional_parameter" or node.child_by_field_name("value") is not None
        rest = pattern.type == "rest_pattern"
        spelled = type_text(_annotation(node))
        yield Parameter(
            name,
            "*" if rest else "any",
            without_undefined(spelled) if optional else spelled,
            optional or rest,
            inferred=_inferred(node),
        )


def _annotation(node: Node) -> Node | None:
    """The type that a variable, property or parameter declares, without parentheses around it."""
    found = node.child_by_field_name("type")
    while found is not None and found.type in {"type_annotation", "parenthesized_type"}:
        found = next((each for each in found.named_children if each.type != "comment"), None)
    return found


def _typed(node: Node) -> tuple[dict[str, str], dict[str, str]]:
    """The type of a variable or property: as it is declared, or as everybody reads it from a plain value."""
    if spelled := type_text(_annotation(node)):
        return {"type": without_undefined(spelled) if marked(node, "?") else spelled}, {}
    inferred = _inferred(node)
    return {}, {"type": inferred} if inferred else {}


def _inferred(node: Node) -> str:
    value = node.child_by_field_name("value")
    return _LITERALS.get(value.type, "") if value is not None else ""
