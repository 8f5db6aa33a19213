"""TypeScript's types in one spelling, so that two declarations of the same type can be compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from codegod_orchestrator.surfaces.source_tree import joined, marked, source_tree, text_of

if TYPE_CHECKING:
    from tree_sitter import Node

# Types that people write nest three deep; what nests deeper than this is compared as it is written.
_DEPTH: Final = 24
_IGNORED: Final = frozenset({"comment", ";"})


def read_type(text: str) -> Node | None:
    """The type that stands alone in `text`; None when it is none."""
    try:
        root = source_tree("a.ts", f"type A = {text}\n")
    except SyntaxError:
        return None
    declared = root.named_children[0] if len(root.named_children) == 1 else None
    return declared.child_by_field_name("value") if declared else None


def alternatives(node: Node) -> Iterator[Node]:
    """The types that a union is one of; a type that is no union, itself."""
    for each, _ in _flat(node):
        yield each


def type_text(node: Node | None) -> str:
    """A type in one spelling: `Array<string> | null`, `null | string[]` and `(string[] | null)` are the same."""
    return "" if node is None else _text(node, 0)


def without_undefined(spelled: str) -> str:
    """The type of what may be left out, which is undefined then, said or not."""
    return " | ".join(part for part in spelled.split(" | ") if part != "undefined") or spelled


def _text(node: Node, depth: int) -> str:
    if depth > _DEPTH:
        return text_of(node)
    if spell := _SPELLED.get(node.type):
        return spell(node, depth + 1)
    parts = [child for child in node.children if child.type not in _IGNORED]
    if not parts:
        return text_of(node)
    return joined([_text(part, depth + 1) for part in parts])


def _is_wide(node: Node) -> bool:
    """Whether `readonly a[] | b` was read as `readonly (a[] | b)`, as the grammar does."""
    return node.type == "readonly_type" and any(child.type == "union_type" for child in node.named_children)


def _flat(node: Node) -> Iterator[tuple[Node, bool]]:
    """The alternatives of a union, and whether a `readonly` before all of them belongs to this one."""
    waiting = [(node, False)]
    while waiting:
        each, readonly = waiting.pop()
        if each.type in {"union_type", "parenthesized_type"} or _is_wide(each):
            inner = [child for child in each.named_children if child.type != "comment"]
            first = readonly or _is_wide(each)
            waiting.extend((child, first and child == inner[0]) for child in reversed(inner))
        else:
            yield each, readonly


def _union(node: Node, depth: int) -> str:
    return " | ".join(
        sorted({f"{'Readonly' * readonly}{_text(each, depth)}" for each, readonly in _flat(node)})
    )


def _joined(node: Node, depth: int) -> str:
    parts = {_grouped(each, depth) for each in node.named_children if each.type != "comment"}
    return " & ".join(sorted(parts))


def _grouped(node: Node, depth: int) -> str:
    spelled = _text(node, depth)
    return f"({spelled})" if " | " in spelled else spelled


def _inner(node: Node, depth: int) -> str:
    return " ".join(_text(each, depth) for each in node.named_children if each.type != "comment")


def _array(node: Node, depth: int) -> str:
    return f"Array<{_inner(node, depth)}>"


def _readonly(node: Node, depth: int) -> str:
    if _is_wide(node):
        return _union(node, depth)
    inner = _inner(node, depth)
    return f"Readonly{inner}" if inner.startswith("Array<") else f"readonly {inner}"


def _generic(node: Node, depth: int) -> str:
    arguments = node.child_by_field_name("type_arguments")
    given = ", ".join(_text(each, depth) for each in (arguments.named_children if arguments else ()))
    return f"{_last(node.child_by_field_name('name'))}<{given}>"


def _nested(node: Node, _depth: int) -> str:
    return _last(node)


def _last(node: Node | None) -> str:
    """The last part of a name: `React.JSX.Element` and `JSX.Element` are imported from different places."""
    return text_of(node).rpartition(".")[2]


def _object(node: Node, depth: int) -> str:
    members = sorted(_text(each, depth) for each in node.named_children if each.type != "comment")
    return f"{{ {'; '.join(members)} }}"


def _property(node: Node, depth: int) -> str:
    annotation = node.child_by_field_name("type")
    typed = f": {_text(annotation, depth)}" if annotation else ""
    name = text_of(node.child_by_field_name("name"))
    return f"{'readonly ' * marked(node, 'readonly')}{name}{'?' * marked(node, '?')}{typed}"


def _tuple(node: Node, depth: int) -> str:
    return f"[{', '.join(_text(each, depth) for each in node.named_children if each.type != 'comment')}]"


def _function(node: Node, depth: int) -> str:
    """By place: what a caller passes has no name in a type."""
    parameters = node.child_by_field_name("parameters")
    listed = parameters.named_children if parameters else []
    taken = ", ".join(_taken(each, depth) for each in listed if each.type != "comment")
    returned = node.child_by_field_name("return_type")
    return f"(({taken}) => {_text(returned, depth) if returned else ''})"


def _taken(parameter: Node, depth: int) -> str:
    pattern = parameter.child_by_field_name("pattern") or parameter.child_by_field_name("name")
    rest = "..." if pattern is not None and pattern.type == "rest_pattern" else ""
    annotation = parameter.child_by_field_name("type")
    spelled = _text(annotation, depth) if annotation else ""
    return f"{rest}{spelled}{'?' if parameter.type == 'optional_parameter' else ''}"


def _optional(node: Node, depth: int) -> str:
    return f"{_inner(node, depth)}?"


def _annotated(node: Node, depth: int) -> str:
    """Without its colon."""
    return _inner(node, depth)


def _literal(node: Node, _depth: int) -> str:
    told = text_of(node)
    return f'"{told[1:-1]}"' if told[:1] in {"'", '"'} else told


_SPELLED: Final[dict[str, Callable[[Node, int], str]]] = {
    "union_type": _union,
    "intersection_type": _joined,
    "parenthesized_type": _inner,
    "array_type": _array,
    "readonly_type": _readonly,
    "generic_type": _generic,
    "nested_type_identifier": _nested,
    "object_type": _object,
    "property_signature": _property,
    "tuple_type": _tuple,
    "function_type": _function,
    "required_parameter": _taken,
    "optional_parameter": _taken,
    "optional_type": _optional,
    "type_annotation": _annotated,
    "literal_type": _literal,
    "string": _literal,
}
