"""JavaScript and TypeScript for somebody who only calls it: what is exported, and what that refers to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from codegod_workers.reach import reached
from codegod_workers.syntax import bodies_in, parsed
from codegod_workers.trimming import (
    LEFT_OUT_BODY,
    LEFT_OUT_PARAMETERS,
    Cut,
    Gone,
    names_in,
    tidy,
    walk,
    whole,
    without,
)

if TYPE_CHECKING:
    from tree_sitter import Node

# Other files see these without an import, or through `require`.
_OUTWARD: Final = frozenset({"export_statement", "ambient_declaration"})
_COMMON_EXPORTS: Final = (b"module.exports", b"exports.")
_WORD: Final = re.compile(r"[^\W\d]\w*")
_DECLARES: Final = frozenset(
    {
        "function_declaration",
        "generator_function_declaration",
        "function_signature",
        "class_declaration",
        "abstract_class_declaration",
        "interface_declaration",
        "type_alias_declaration",
        "enum_declaration",
        "lexical_declaration",
        "variable_declaration",
    }
)


def script_outline(path: str, text: str) -> str:
    """`text` without bodies and what is not exported; a file that exports nothing loses its bodies alone."""
    root = parsed(path, text)
    if root is None:
        return text
    source = text.encode("utf-8", "surrogatepass")
    cuts = [Cut(start, end, LEFT_OUT_BODY.encode()) for start, end in bodies_in(root)]
    statements = root.named_children
    if not any(map(is_outward, statements)):
        return without(source, cuts)
    cuts += _private_members(root, source, Gone.of(cuts))
    kept = _reached(statements, Gone.of(cuts))
    for index, node in enumerate(statements):
        if index not in kept and node.type not in {"comment", "import_statement"}:
            cuts.append(whole(source, statements, index))
    return tidy(without(source, [*cuts, *_unused_imports(statements, source, cuts)]))


def is_outward(statement: Node) -> bool:
    """Whether a statement at the top of a file offers something to other files."""
    text = statement.text or b""
    common = statement.type == "expression_statement" and text.startswith(_COMMON_EXPORTS)
    return common or statement.type in _OUTWARD


def _private_members(root: Node, source: bytes, gone: Gone) -> Iterator[Cut]:
    """Members that only their class may use. That a constructor is private concerns a caller: it stays."""
    for node in walk(root, gone):
        if node.type != "class_body":
            continue
        members = node.named_children
        for at, member in enumerate(members):
            name = member.child_by_field_name("name") or member.child_by_field_name("property")
            parameters = member.child_by_field_name("parameters")
            if name is None or not _is_private(member, name):
                continue
            if name.text == b"constructor" and parameters is not None:
                yield Cut(parameters.start_byte, parameters.end_byte, LEFT_OUT_PARAMETERS.encode())
            else:
                yield whole(source, members, at)


def _is_private(member: Node, name: Node) -> bool:
    marks = [child.text for child in member.named_children if child.type == "accessibility_modifier"]
    return b"private" in marks or name.type == "private_property_identifier"


def _reached(statements: Sequence[Node], gone: Gone) -> set[int]:
    """The statements that others can see, with those that these name, and so on."""
    return reached(
        (at for at, node in enumerate(statements) if is_outward(node) or _is_directive(node)),
        [set(_answers_to(node)) for node in statements],
        lambda at: names_in(statements[at], gone),
    )


def _answers_to(statement: Node) -> Iterator[str]:
    """The names that it defines, or that it does something with: `router.get(…)`."""
    if statement.type in _DECLARES:
        yield from defined_by(statement)
    elif statement.type == "expression_statement":
        yield _first_name(statement)


def _unused_imports(statements: Sequence[Node], source: bytes, cuts: Sequence[Cut]) -> Iterator[Cut]:
    imports = [node for node in statements if node.type == "import_statement"]
    rest = without(source, [*cuts, *(Cut(node.start_byte, node.end_byte) for node in imports)])
    # Words, and not only names: a comment that speaks of an error is read better with the place it comes from.
    named = set(_WORD.findall(rest))
    for node in imports:
        yield from _unused_names(node, source, named)


def _unused_names(statement: Node, source: bytes, named: set[str]) -> Iterator[Cut]:
    """What nobody needs of an import, which may be all of it."""
    if not names_in(statement) & named:
        yield whole(source, [statement], 0)  # a comment above the first import speaks of the file
        return
    for node in walk(statement):
        if node.type == "named_imports":
            used = [one.text or b"" for one in node.named_children if names_in(one) & named]
            if used and len(used) < node.named_child_count:
                yield Cut(node.start_byte, node.end_byte, b"{ " + b", ".join(used) + b" }")


def defined_by(statement: Node) -> Iterator[str]:
    """The names that a statement at the top of a file defines or exports."""
    declaration = statement.child_by_field_name("declaration") or statement
    if declaration.type not in _DECLARES:
        yield from names_in(statement) if statement.type == "export_statement" else ()
        return
    parts = [one for one in declaration.named_children if one.type == "variable_declarator"]
    for part in parts or [declaration]:
        if (name := part.child_by_field_name("name")) is not None:
            yield from names_in(name)


def _first_name(statement: Node) -> str:
    node = statement
    while node.named_children and node.type != "identifier":
        node = node.named_children[0]
    return (node.text or b"").decode("utf-8", "replace") if node.type == "identifier" else ""


def _is_directive(statement: Node) -> bool:
    """`"use client";` and its like."""
    inner = statement.named_children
    return statement.type == "expression_statement" and len(inner) == 1 and inner[0].type == "string"
