"""Python for somebody who only calls it: signatures with their docstrings, and nothing that begins with `_`."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeGuard

from codegod_workers.reach import reached

_PACKAGE_FILE: Final = "__init__.py"  # its imports are what it offers
_BLANK_LINES: Final = re.compile(r"\n{3,}")  # what leaving lines out leaves behind
_WORD: Final = re.compile(r"[^\W\d]\w*")

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Import = ast.Import | ast.ImportFrom


@dataclass(frozen=True, slots=True)
class _Cut:
    """Lines `first` to `last`, counted from 1, that go, and what stands in their place."""

    first: int
    last: int
    instead: tuple[str, ...] = ()


def python_outline(path: str, text: str) -> str:
    """`text` without bodies, private parts and unused imports; as it is when it does not parse."""
    tree = _tree(text)
    if tree is None:
        return text
    lines = text.splitlines()
    shorter = _without(lines, _bodies(tree.body, lines))
    if not path.endswith(_PACKAGE_FILE):
        shorter = _without_unused(shorter)
    return _BLANK_LINES.sub("\n\n", shorter).strip("\n") + "\n"


def _tree(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _bodies(statements: Sequence[ast.stmt], lines: Sequence[str]) -> Iterator[_Cut]:
    for statement in statements:
        if isinstance(statement, _Function):
            yield from _function(statement, lines)
        elif isinstance(statement, ast.ClassDef):
            yield from _class(statement, lines)


def _class(node: ast.ClassDef, lines: Sequence[str]) -> Iterator[_Cut]:
    fields = [part for part in node.body if _is_hidden_field(part, node)]
    hidden = [
        part in fields or (isinstance(part, _Function) and _is_private(part.name)) for part in node.body
    ]
    cuts = [*_bodies(node.body, lines), *map(_lines_of, fields)]
    if not all(hidden):
        yield from cuts
        return
    last = node.end_lineno or node.lineno
    yield _Cut(min(cut.first for cut in cuts), last, (" " * node.body[0].col_offset + "...",))


def _is_hidden_field(part: ast.stmt, holder: ast.ClassDef) -> bool:
    """A private field, where it cannot be a parameter or a key as in dataclasses and typed dictionaries."""
    return not holder.bases and not holder.decorator_list and bool(_private_constant(part))


def _function(node: _Function, lines: Sequence[str]) -> Iterator[_Cut]:
    if _is_private(node.name):
        yield _lines_of(node)
        return
    promised = ast.get_docstring(node, clean=False) is not None
    done = node.body[1:] if promised else node.body
    if not done:
        return
    first, last = done[0], node.end_lineno or node.lineno
    start = _lines_of(first).first
    line = lines[start - 1]
    # `ast` counts columns in bytes, and a body may stand on the line of its `def`.
    before = line.encode()[: first.col_offset].decode()
    yield _Cut(start, last, (f"{before}..." if before.strip() else " " * first.col_offset + "...",))


def _lines_of(statement: ast.stmt, instead: tuple[str, ...] = ()) -> _Cut:
    marks = [mark.lineno for mark in getattr(statement, "decorator_list", ())]
    return _Cut(min([statement.lineno, *marks]), statement.end_lineno or statement.lineno, instead)


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def _without(lines: Sequence[str], cuts: Iterator[_Cut]) -> str:
    kept: list[str] = []
    at = 0
    for cut in sorted(cuts, key=lambda cut: cut.first):
        kept += [*lines[at : cut.first - 1], *cut.instead]
        at = cut.last
    return "\n".join([*kept, *lines[at:]]) + "\n"


def _without_unused(text: str) -> str:
    """`text` without the private classes and constants that nothing public refers to, then unused imports."""
    tree = _tree(text)
    if tree is None:  # two statements on one line were cut through: keep all
        return text
    lines = text.splitlines()
    imports = [one for one in tree.body if isinstance(one, _Import) or _types_only(one)]
    gone = [_lines_of(one) for one in _unreached(tree.body)]
    # Words, and not only names: a docstring that speaks of an error is read better with the place it comes from.
    named = set(_WORD.findall(_without(lines, iter([*gone, *map(_lines_of, imports)]))))
    return _without(lines, iter([*gone, *_unused_imports(imports, named)]))


def _unreached(body: Sequence[ast.stmt]) -> list[ast.stmt]:
    """The private classes and constants that nothing which is kept names, and what runs only as a program."""
    asides = [one for one in body if _is_program(one)]
    kept = [one for one in body if not _is_program(one) and not _private_name(one)]
    if all(isinstance(one, _Import) or _is_text(one) for one in kept):
        return asides  # of a private module its classes are all there is
    found = reached(
        (at for at, one in enumerate(body) if not _is_program(one) and not _private_name(one)),
        [{_private_name(one)} - {""} for one in body],
        lambda at: _names(body[at]),
    )
    return [one for at, one in enumerate(body) if at not in found]


def _names(statement: ast.stmt) -> Iterator[str]:
    """The names that code uses, those in quoted annotations included; docstrings use none."""
    texts = {id(node.value) for node in ast.walk(statement) if isinstance(node, ast.stmt) and _is_text(node)}
    for node in ast.walk(statement):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in texts:
            yield from _WORD.findall(node.value)


def _unused_imports(imports: Sequence[ast.stmt], named: set[str]) -> Iterator[_Cut]:
    blocks = {one: _types_only(one) for one in imports}
    needed = {one: [part for part in block if _used_part(part, named) != ()] for one, block in blocks.items()}
    named = named | {"TYPE_CHECKING"} if any(needed.values()) else named
    for statement in imports:
        if isinstance(statement, _Import):
            left = _used_part(statement, named)
            if left is not None:
                yield _lines_of(statement, left)
        elif not needed[statement]:
            yield _lines_of(statement)


def _is_text(statement: ast.stmt) -> TypeGuard[ast.Expr]:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _is_program(statement: ast.stmt) -> bool:
    """`if __name__ == "__main__":`"""
    return isinstance(statement, ast.If) and "__name__" in ast.dump(statement.test) and not statement.orelse


def _types_only(statement: ast.stmt) -> list[_Import]:
    """The imports under `if TYPE_CHECKING:`."""
    if not isinstance(statement, ast.If) or "TYPE_CHECKING" not in ast.dump(statement.test):
        return []
    imports = [one for one in statement.body if isinstance(one, _Import)]
    return imports if len(imports) == len(statement.body) and not statement.orelse else []


def _private_name(statement: ast.stmt) -> str:
    """The name of a private class or constant, or nothing."""
    if isinstance(statement, ast.ClassDef):
        return statement.name if _is_private(statement.name) else ""
    return _private_constant(statement)


def _private_constant(statement: ast.stmt) -> str:
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    targets = [statement.target] if isinstance(statement, ast.AnnAssign) else targets
    name = targets[0].id if len(targets) == 1 and isinstance(targets[0], ast.Name) else ""
    return name if _is_private(name) else ""


def _used_part(statement: _Import, named: Collection[str]) -> tuple[str, ...] | None:
    """What is left of an import; None when all of it is used."""
    if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
        return ()
    used = [
        alias
        for alias in statement.names
        if alias.name == "*" or (alias.asname or alias.name).partition(".")[0] in named
    ]
    if len(used) == len(statement.names):
        return None
    if not used:
        return ()
    statement.names = used
    return (ast.unparse(statement),)
