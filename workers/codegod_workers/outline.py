"""What a worker needs to know of a file that it only calls: public signatures and what they promise, not bodies.

The text is cut, never printed anew: comments, docstrings and their indentation are the author's. Where a body was, a `...`
stands.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from codegod_workers.syntax import bodies, is_spoken

_PACKAGE_FILE = "__init__.py"  # its imports are what it offers
_BLANK_LINES = re.compile(r"\n{3,}")  # what leaving lines out leaves behind
_WORD = re.compile(r"[^\W\d]\w*")

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def outline(path: str, text: str) -> str:
    """`text` without bodies, private functions and unused imports; what cannot be read so comes as it is."""
    if path.endswith(".py"):
        return _python(path, text)
    return _script(path, text) if is_spoken(path) else text


@dataclass(frozen=True, slots=True)
class _Cut:
    """Lines `first` to `last`, counted from 1, that go, and what stands in their place."""

    first: int
    last: int
    instead: tuple[str, ...] = ()


def _python(path: str, text: str) -> str:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return text
    lines = text.splitlines()
    shorter = _without(lines, list(_bodies(tree.body, lines)))
    if not path.endswith(_PACKAGE_FILE):
        shorter = _without_unused(shorter)
    return _BLANK_LINES.sub("\n\n", shorter).strip("\n") + "\n"


def _bodies(statements: Sequence[ast.stmt], lines: Sequence[str]) -> Iterator[_Cut]:
    for statement in statements:
        if isinstance(statement, _Function):
            yield from _function(statement, lines)
        elif isinstance(statement, ast.ClassDef):
            yield from _class(statement, lines)


def _class(node: ast.ClassDef, lines: Sequence[str]) -> Iterator[_Cut]:
    hidden = [isinstance(part, _Function) and _is_private(part.name) for part in node.body]
    cuts = list(_bodies(node.body, lines))
    if not all(hidden):
        yield from cuts
        return
    last = node.end_lineno or node.lineno
    yield _Cut(min(cut.first for cut in cuts), last, (" " * node.body[0].col_offset + "...",))


def _function(node: _Function, lines: Sequence[str]) -> Iterator[_Cut]:
    last = node.end_lineno or node.lineno
    if _is_private(node.name):
        yield _Cut(min([node.lineno, *(mark.lineno for mark in node.decorator_list)]), last)
        return
    promised = ast.get_docstring(node, clean=False) is not None
    done = node.body[1:] if promised else node.body
    if not done:
        return
    first = done[0]
    start = min([first.lineno, *(mark.lineno for mark in getattr(first, "decorator_list", ()))])
    line = lines[start - 1]
    # `ast` counts columns in bytes, and a body may stand on the line of its `def`.
    before = line.encode()[: first.col_offset].decode()
    yield _Cut(start, last, (f"{before}..." if before.strip() else " " * first.col_offset + "...",))


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def _without(lines: Sequence[str], cuts: Sequence[_Cut]) -> str:
    kept: list[str] = []
    at = 0
    for cut in sorted(cuts, key=lambda cut: cut.first):
        kept += [*lines[at : cut.first - 1], *cut.instead]
        at = cut.last
    return "\n".join([*kept, *lines[at:]]) + "\n"


def _without_unused(text: str) -> str:
    """`text` without the imports, and the private constants, that nothing left in it names."""
    try:
        tree = ast.parse(text)
    except (
        SyntaxError,
        ValueError,
        RecursionError,
        MemoryError,
    ):  # two statements on one line were cut through: keep all
        return text
    lines = text.splitlines()
    named = _words(tree, lines)
    cuts = []
    for statement in tree.body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            instead = _used_part(statement, named)
        elif _hidden(statement) and named.count(_hidden(statement)) < 2:
            instead = ()
        else:
            continue
        if instead is not None:
            cuts.append(_Cut(statement.lineno, statement.end_lineno or statement.lineno, instead))
    return _without(lines, cuts)


def _words(tree: ast.Module, lines: Sequence[str]) -> list[str]:
    """Every word of the text outside its imports."""
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    rest = _without(lines, [_Cut(node.lineno, node.end_lineno or node.lineno) for node in imports])
    return _WORD.findall(rest)


def _hidden(statement: ast.stmt) -> str:
    """The name of a private constant, or nothing."""
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    targets = [statement.target] if isinstance(statement, ast.AnnAssign) else targets
    name = targets[0].id if len(targets) == 1 and isinstance(targets[0], ast.Name) else ""
    return name if _is_private(name) else ""


def _used_part(statement: ast.Import | ast.ImportFrom, named: Sequence[str]) -> tuple[str, ...] | None:
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


def _script(path: str, text: str) -> str:
    """JavaScript, TypeScript and Go: what stands between the braces of a function goes."""
    spans = bodies(path, text)
    if spans is None:
        return text
    source = text.encode()
    kept, at = [], 0
    for start, end in spans:
        kept += [source[at:start], b"{ ... }"]
        at = end
    return b"".join([*kept, source[at:]]).decode()
