"""Cutting a module's text where its syntax tree says, so that what stays is the author's own."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edit:
    """Lines `first` to `last` (from 1, both included) become `lines`."""

    first: int
    last: int
    lines: tuple[str, ...]


def lines_of(source: str) -> list[str]:
    """The lines as the parser counts them: `splitlines` would split at form feeds as well."""
    return [f"{line}\n" for line in source.removesuffix("\n").split("\n")]


def apply(lines: Sequence[str], edits: Sequence[Edit]) -> str:
    result = list(lines)
    for edit in sorted(edits, key=lambda edit: edit.first, reverse=True):
        result[edit.first - 1 : edit.last] = edit.lines
    return "".join(result)


def blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    """The statements inside an `if`, `try`, `with`, loop or `match`."""
    for name in ("body", "orelse", "finalbody"):
        block = getattr(statement, name, None)
        if isinstance(block, list):
            yield block
    for part in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
        yield part.body


def substituted(source: str, changes: Sequence[tuple[ast.expr | ast.stmt | ast.arg, str]]) -> str:
    """`source` with the text of some nodes replaced; none of them may lie inside another."""
    data = source.encode()
    starts = [0]
    for line in data.split(b"\n"):
        starts.append(starts[-1] + len(line) + 1)
    for node, text in sorted(
        changes, key=lambda change: -starts[change[0].lineno - 1] - change[0].col_offset
    ):
        first = starts[node.lineno - 1] + node.col_offset
        last = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        data = data[:first] + text.encode() + data[last:]
    return data.decode()
