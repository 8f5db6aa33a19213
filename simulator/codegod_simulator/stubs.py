"""From a finished Python module to the module that a contract holds: everything but the bodies of its functions.

The text is cut, not printed anew: what stays, stays as its author wrote it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef

_MARKER = "raise NotImplementedError"
_TEST_FILE = re.compile(r"(?:^|/)(?:test_[^/]*|[^/]*_test)\.py$")
_INDENT = re.compile(r"[ \t]*")


@dataclass(frozen=True, slots=True)
class _Edit:
    """Lines `first` to `last` (from 1, both included) become `lines`."""

    first: int
    last: int
    lines: tuple[str, ...]


def empty_bodies(path: str, source: str, keep: Collection[str] = ()) -> str:
    """`source` with every function's body replaced by `raise NotImplementedError`; raises `SyntaxError`.

    Functions whose qualified name is in `keep` stay whole: they run while the module is being imported. Bodies that
    say nothing (`...`, `pass`, a docstring) stay, so protocols, overloads and abstract methods do. A test module's
    own tests are left out: an emptied test is neither a test nor a stub. Imports that only bodies used go as well.
    """
    tree = ast.parse(source, path)
    lines = source.splitlines(keepends=True)
    drop_tests = bool(_TEST_FILE.search(path))
    emptied = _apply(lines, list(_edits(tree, lines, frozenset(keep), drop_tests)))
    if path.rpartition("/")[2] == "__init__.py":
        return emptied  # its imports are there for others
    return _without_unused_imports(tree, emptied, path)


def functions(tree: ast.Module) -> Iterator[tuple[str, FunctionNode]]:
    """The outermost functions and methods of a module with their qualified names, in order."""
    yield from _functions(tree.body, "")


def is_trivial(function: FunctionNode) -> bool:
    """Whether the body says nothing that a stub would not say."""
    return all(_says_nothing(statement) for statement in function.body)


def _functions(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, FunctionNode]]:
    for statement in body:
        if isinstance(statement, FunctionNode):
            yield f"{prefix}{statement.name}", statement
        elif isinstance(statement, ast.ClassDef):
            yield from _functions(statement.body, f"{prefix}{statement.name}.")
        else:
            for block in _blocks(statement):
                yield from _functions(block, prefix)


def _blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    """The statements inside an `if`, `try`, `with`, loop or `match`."""
    for name in ("body", "orelse", "finalbody"):
        block = getattr(statement, name, None)
        if isinstance(block, list):
            yield block
    for part in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
        yield part.body


def _says_nothing(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Pass) or (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and (statement.value.value is Ellipsis or isinstance(statement.value.value, str))
    )


def _edits(
    tree: ast.Module, lines: list[str], keep: frozenset[str], drop_tests: bool
) -> Iterator[_Edit]:
    dropped: set[str] = set()
    for name, function in functions(tree):
        if drop_tests and function.name.startswith("test"):
            dropped.add(name)
        elif name not in keep and not is_trivial(function):
            yield _emptied(function, lines)
    yield from _removals(tree.body, "", dropped, lines)


def _emptied(function: FunctionNode, lines: list[str]) -> _Edit:
    has_docstring = ast.get_docstring(function, clean=False) is not None
    rest = function.body[1:] if has_docstring else function.body
    first, last = _first_line(rest[0]), rest[-1].end_lineno or rest[-1].lineno
    head = lines[first - 1][: rest[0].col_offset]
    stub = [_MARKER, "yield"] if _is_generator(function) else [_MARKER]
    if head.strip():  # `def f(): return 1`: the body shares a line with what has to stay
        return _Edit(first, last, (head.rstrip() + " " + "; ".join(stub) + "\n",))
    while first > 1 and _is_comment_or_blank(lines[first - 2]):
        first -= 1  # what stands above the first statement explains it
    indent = _INDENT.match(lines[_first_line(rest[0]) - 1])
    blank = indent.group() if indent else ""
    return _Edit(first, last, tuple(f"{blank}{line}\n" for line in stub))


def _removals(body: list[ast.stmt], prefix: str, dropped: set[str], lines: list[str]) -> Iterator[_Edit]:
    """The edits that take the dropped tests out, and what then is an empty class."""
    for statement in body:
        if isinstance(statement, FunctionNode) and f"{prefix}{statement.name}" in dropped:
            yield _removal(statement, lines)
        elif isinstance(statement, ast.ClassDef):
            inner = f"{prefix}{statement.name}."
            if all(isinstance(s, FunctionNode) and f"{inner}{s.name}" in dropped or _says_nothing(s) for s in statement.body):
                yield _removal(statement, lines)
            else:
                yield from _removals(statement.body, inner, dropped, lines)


def _removal(statement: FunctionNode | ast.ClassDef, lines: list[str]) -> _Edit:
    first, last = _first_line(statement), statement.end_lineno or statement.lineno
    while first > 1 and not lines[first - 2].strip():
        first -= 1
    return _Edit(first, last, ())


def _first_line(statement: ast.stmt) -> int:
    decorators = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(decorator.lineno for decorator in decorators)])


def _is_comment_or_blank(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _is_generator(function: FunctionNode) -> bool:
    """Whether `function` itself yields; what is nested in it does not count."""
    pending: list[ast.AST] = list(function.body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(node, FunctionNode | ast.Lambda | ast.ClassDef):
            pending.extend(ast.iter_child_nodes(node))
    return False


def _apply(lines: list[str], edits: list[_Edit]) -> str:
    result = list(lines)
    for edit in sorted(edits, key=lambda edit: edit.first, reverse=True):
        result[edit.first - 1 : edit.last] = edit.lines
    return "".join(result)


def _without_unused_imports(before: ast.Module, source: str, path: str) -> str:
    """`source` without the imports that were used before and are not any more."""
    tree = ast.parse(source, path)
    gone = _used(before) - _used(tree)
    edits = [edit for statement, indent in _imports(tree) if (edit := _slimmer(statement, gone, indent))]
    return _apply(source.splitlines(keepends=True), edits)


def _imports(tree: ast.Module) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    """The imports of a module, and whether each is the only statement of its block."""
    pending: list[list[ast.stmt]] = [tree.body]
    while pending:
        block = pending.pop()
        for statement in block:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                yield statement, block is not tree.body
            elif isinstance(statement, ast.If | ast.Try):
                pending.extend(_blocks(statement))


def _slimmer(statement: ast.Import | ast.ImportFrom, gone: set[str], in_block: bool) -> _Edit | None:
    left = [name for name in statement.names if (name.asname or name.name.partition(".")[0]) not in gone]
    if len(left) == len(statement.names) or getattr(statement, "module", None) == "__future__":
        return None
    blank = " " * statement.col_offset
    if left:
        text = f"{blank}{ast.unparse(_with_names(statement, left))}\n"
    else:
        text = f"{blank}pass\n" if in_block else ""
    return _Edit(statement.lineno, statement.end_lineno or statement.lineno, (text,) if text else ())


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
