"""Where the functions and classes of a source file begin and end, by tree-sitter."""

import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import PurePosixPath
from typing import NamedTuple

from tree_sitter import Language, Node, Parser

from codegod_memory.grammars import FUNCTION_VALUES, GRAMMARS, LEADING, NAMED_VALUES, Grammar, load

# Ordinary files parse in milliseconds; a file made to be slow must not hold a worker thread.
_PARSE_SECONDS = 5.0
# Definitions nested deeper than this stay in one piece with what holds them.
_DEPTH = 24


class Mark(NamedTuple):
    """From `row` (counted from 0) on, the lines belong to the symbol `name` ("" is the file itself)."""

    row: int
    name: str


def has_grammar(source: str) -> bool:
    """Whether a file of this name is cut by its symbols."""
    return _suffix(source) in GRAMMARS


def symbol_marks(source: str, text: str) -> list[Mark] | None:
    """The marks of a file in order, the first at row 0; None when it could not be parsed in time."""
    grammar = GRAMMARS[_suffix(source)]
    root = _parse(grammar, text.encode("utf-8", "surrogatepass"))
    if root is None:
        return None
    marks = [Mark(0, "")]
    for mark in _walk(grammar, root, "", 0):
        # Several definitions may share a line; lines are not cut, so the last one names it.
        if mark.row <= marks[-1].row:
            mark = Mark(marks.pop().row, mark.name)
        marks.append(mark)
    return marks


def _suffix(source: str) -> str:
    return PurePosixPath(source).suffix.lower()


@lru_cache(maxsize=len(GRAMMARS))
def _language(grammar: Grammar) -> Language:
    return load(grammar)


def _parse(grammar: Grammar, source: bytes) -> Node | None:
    deadline = time.monotonic() + _PARSE_SECONDS
    parser = Parser(_language(grammar))
    try:
        tree = parser.parse(
            lambda offset, _: source[offset : offset + 65_536],
            progress_callback=lambda _, __: time.monotonic() > deadline,
        )
    except ValueError:  # what the binding raises for a parse that its callback ended
        return None
    return tree.root_node


def _walk(grammar: Grammar, block: Node, holder: str, depth: int) -> Iterator[Mark]:
    """The marks of the definitions in `block`, each with the comments right above it; `holder` owns the block."""
    lead, end = None, -1
    for child in block.named_children:
        first = child.start_point.row
        if child.type in LEADING:
            if first > end and (lead is None or first > end + 1):
                lead = first
        else:
            marks = list(_marks(grammar, child, holder, depth))
            if marks and lead is not None and first == end + 1 == marks[0].row:
                marks[0] = Mark(lead, marks[0].name)
            yield from marks
            lead = None
        end = child.end_point.row


def _marks(grammar: Grammar, node: Node, holder: str, depth: int) -> Iterator[Mark]:
    """The marks of what `node` defines, from its first line to the line after its last."""
    first, after = node.start_point.row, Mark(node.end_point.row + 1, holder)
    value = _named_value(node)
    if value or node.type in grammar.functions:
        yield Mark(first, _join(holder, value or _name(node)))
        yield after
    elif depth == _DEPTH:
        return
    elif node.type in grammar.classes:
        name = _join(holder, _name(node))
        yield Mark(first, name)
        body = node.child_by_field_name("body")
        yield from () if body is None else _walk(grammar, body, name, depth + 1)
        yield after
    elif node.type in grammar.wrappers:
        inside = list(_walk(grammar, node, holder, depth + 1))
        yield from (Mark(first, mark.name) if mark is inside[0] else mark for mark in inside)
    elif node.type in grammar.blocks:
        yield from _walk(grammar, node, holder, depth + 1)


def _named_value(node: Node) -> str:
    """`f` of `const f = () => …` and of its kin; "" for everything else."""
    fields = NAMED_VALUES.get(node.type)
    if fields is None:
        return ""
    name, value = (node.child_by_field_name(field) for field in fields)
    return _text(name) if name and value and value.type in FUNCTION_VALUES else ""


def _name(node: Node) -> str:
    name, receiver = node.child_by_field_name("name"), node.child_by_field_name("receiver")
    return _join(_receiver_type(receiver) if receiver else "", _text(name) if name else "")


def _receiver_type(receiver: Node) -> str:
    """`T` of Go's `(t *T[P])`."""
    words = _text(receiver).strip("() ").partition("[")[0].split()
    return words[-1].lstrip("*") if words else ""


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")


def _join(holder: str, name: str) -> str:
    return ".".join(part for part in (holder, name) if part)
