"""Takes out of a module the imports that it used before its bodies were emptied, and does not use any more."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from codegod_simulator.splice import Edit, apply, blocks, lines_of

_THROUGH = re.compile(r"\b(\w+)\.(?=(\w+))")  # overlapping: `shop.slow.time` reaches slow and time


def wanted_outside(sources: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """By path, the names that other sources reach through a module: `storage.time`, `from storage import x`."""
    reached = {path: _reached(path, text) for path, text in sources.items()}
    return {
        path: frozenset(
            name
            for other, names in reached.items()
            if other != path
            for name in names.get(PurePosixPath(path).stem, ())
        )
        for path in sources
    }


def _reached(path: str, text: str) -> dict[str, set[str]]:
    """What one source takes out of modules, by the last part of their names."""
    names: dict[str, set[str]] = {}
    for module, name in _THROUGH.findall(text):
        names.setdefault(module, set()).add(name)
    for statement in ast.walk(ast.parse(text, path)):
        if isinstance(statement, ast.ImportFrom):
            module = (statement.module or "").rpartition(".")[2]
            names.setdefault(module, set()).update(alias.name for alias in statement.names)
    return names


def without_unused_imports(before: ast.Module, source: str, path: str, wanted: frozenset[str]) -> str:
    """`source` without the imports that were used before and are not any more."""
    tree = ast.parse(source, path)
    gone = _used(before) - _used(tree) - wanted
    lines = lines_of(source)
    slimmed = [
        edit for statement, in_block in _imports(tree) if (edit := _slimmer(statement, gone, in_block))
    ]
    edits = [_with_blank_above(edit, lines) for edit in _joined(slimmed)]
    return apply(lines, edits)


def _joined(edits: list[Edit]) -> list[Edit]:
    """The edits in order, removals of neighbouring lines made one."""
    joined: list[Edit] = []
    for edit in sorted(edits, key=lambda edit: edit.first):
        before = joined[-1] if joined else None
        if before and before.last + 1 == edit.first and not before.lines and not edit.lines:
            joined[-1] = Edit(before.first, edit.last, ())
        else:
            joined.append(edit)
    return joined


def _imports(tree: ast.Module) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    """The imports of a module, and whether each is the only statement of its block."""
    pending: list[list[ast.stmt]] = [tree.body]
    while pending:
        block = pending.pop()
        for statement in block:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                yield statement, block is not tree.body
            elif isinstance(statement, ast.If | ast.Try):
                pending.extend(blocks(statement))


def _slimmer(statement: ast.Import | ast.ImportFrom, gone: set[str], in_block: bool) -> Edit | None:
    left = [name for name in statement.names if (name.asname or name.name.partition(".")[0]) not in gone]
    if len(left) == len(statement.names) or getattr(statement, "module", None) == "__future__":
        return None
    blank = " " * statement.col_offset
    if left:
        text = f"{blank}{ast.unparse(_with_names(statement, left))}\n"
    else:
        text = f"{blank}pass\n" if in_block else ""
    return Edit(statement.lineno, statement.end_lineno or statement.lineno, (text,) if text else ())


def _with_blank_above(edit: Edit, lines: list[str]) -> Edit:
    """A removal between two blank lines takes one of them along."""
    around = lines[edit.first - 2 : edit.first - 1] + lines[edit.last : edit.last + 1]
    if edit.lines or len(around) < 2 or any(line.strip() for line in around):
        return edit
    return Edit(edit.first - 1, edit.last, ())


def _with_names(statement: ast.Import | ast.ImportFrom, names: list[ast.alias]) -> ast.stmt:
    if isinstance(statement, ast.Import):
        return ast.Import(names=names)
    return ast.ImportFrom(module=statement.module, names=names, level=statement.level)


def _used(tree: ast.Module) -> set[str]:
    """Every name that the module reads, and every word of its strings: annotations and `__all__` may be strings."""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            names.update(re.findall(r"\w+", node.value))
    return names
