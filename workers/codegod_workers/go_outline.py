"""Go for somebody who only calls it: what begins with a capital letter, and what that refers to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from codegod_workers.reach import reached
from codegod_workers.syntax import bodies_in, parsed, receiver_of
from codegod_workers.trimming import LEFT_OUT_BODY, Cut, Gone, names_in, tidy, walk, whole, without

if TYPE_CHECKING:
    from tree_sitter import Node

_FUNCTIONS: Final = frozenset({"function_declaration", "method_declaration"})
_SPECS: Final = frozenset({"type_spec", "type_alias", "const_spec", "var_spec"})
_PIECE: Final = re.compile(r"\w+")


def go_outline(path: str, text: str, *, inside: bool = False) -> str:
    """`text` without bodies and what other packages cannot use; `inside` its package all names count.

    A program (`package main`) and a file that offers nothing lose their bodies alone.
    """
    root = parsed(path, text)
    if root is None:
        return text
    source = text.encode("utf-8", "surrogatepass")
    cuts = [Cut(start, end, LEFT_OUT_BODY.encode()) for start, end in bodies_in(root)]
    parts = list(parts_of(root))
    if inside or _is_program(root) or not any(map(is_offered, parts)):
        return without(source, cuts)
    cuts += _hidden_fields(root, source, Gone.of(cuts))
    hidden = Gone.of(cuts)
    kept = _reached(parts, hidden)
    gone = {node.start_byte for node in parts if node.start_byte not in kept}
    named = {name for node in parts if node.start_byte in kept for name in names_in(node, hidden)}
    gone |= {spec.start_byte for spec in _imports(root) if not _is_used(spec, named)}
    return tidy(without(source, [*cuts, *_lines(root, source, gone)]))


def parts_of(root: Node) -> Iterator[Node]:
    """Functions, methods, and each type, constant and variable; constants that are counted stay together."""
    for node in root.named_children:
        if node.type in _FUNCTIONS or (node.type == "const_declaration" and b"iota" in (node.text or b"")):
            yield node
        elif node.type.endswith("_declaration"):
            yield from (spec for spec in walk(node) if spec.type in _SPECS)


def names_of(part: Node) -> list[str]:
    """The names that one of `parts_of` defines."""
    holders = [part] if part.type in _SPECS | _FUNCTIONS else part.named_children
    found = [name for holder in holders for name in holder.children_by_field_name("name")]
    return [name for name in map(_text, found) if name != ","]


def is_offered(part: Node) -> bool:
    """Whether other packages can use it; a method also needs a type that they can name."""
    receiver = part.child_by_field_name("receiver")
    shown = receiver is None or receiver_of(_text(receiver))[:1].isupper()
    return shown and any(name[:1].isupper() for name in names_of(part))


def _is_program(root: Node) -> bool:
    return any(
        node.type == "package_clause" and _text(node).split() == ["package", "main"]
        for node in root.named_children
    )


def _reached(parts: Sequence[Node], gone: Gone) -> set[int]:
    """Where the parts begin that others can use, with those that these name, and so on."""
    kept = reached(
        (at for at, node in enumerate(parts) if is_offered(node)),
        [_answers_to(node) for node in parts],
        lambda at: names_in(parts[at], gone),
    )
    return {parts[at].start_byte for at in kept}


def _answers_to(part: Node) -> list[str]:
    """Its names; of a method, its type, when others can call it."""
    if (receiver := part.child_by_field_name("receiver")) is not None:
        public = any(name[:1].isupper() for name in names_of(part))
        return [receiver_of(_text(receiver))] if public else []
    return names_of(part)


def _hidden_fields(root: Node, source: bytes, gone: Gone) -> Iterator[Cut]:
    for node in walk(root, gone):
        if node.type != "field_declaration_list":
            continue
        fields = node.named_children
        for at, field in enumerate(fields):
            names = [_text(name) for name in field.children_by_field_name("name")]
            if names and not any(name[:1].isupper() for name in names):
                yield whole(source, fields, at)


def _imports(root: Node) -> Iterator[Node]:
    for node in root.named_children:
        if node.type == "import_declaration":
            yield from (spec for spec in walk(node) if spec.type == "import_spec")


def _is_used(spec: Node, named: set[str]) -> bool:
    """Whether kept code may speak of the package; its name is not always the last word of its path."""
    name = spec.child_by_field_name("name")
    if name is not None:
        return name.type == "dot" or _text(name) in named
    return not named.isdisjoint(_PIECE.findall(_text(spec)))


def _lines(root: Node, source: bytes, gone: set[int]) -> Iterator[Cut]:
    """Whole declarations where nothing of them is left, else the lines of each part."""
    siblings = root.named_children
    for at, node in enumerate(siblings):
        if node.start_byte in gone:
            yield whole(source, siblings, at)
            continue
        specs = [one for one in walk(node) if one.type in _SPECS or one.type == "import_spec"]
        if specs and all(spec.start_byte in gone for spec in specs):
            yield whole(source, siblings, at)
            continue
        for spec in specs:
            if spec.start_byte in gone and spec.parent is not None:
                beside = spec.parent.named_children
                yield whole(source, beside, beside.index(spec))


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")
