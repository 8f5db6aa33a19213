"""From a finished Python module to the module that a contract holds: everything but the bodies of its functions.

The text is cut, not printed anew: what stays, stays as its author wrote it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator

from codegod_simulator.splice import Edit, apply, blocks, lines_of
from codegod_simulator.unused_imports import without_unused_imports

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef

_MARKER = "raise NotImplementedError"
_TEST_FILE = re.compile(r"(?:^|/)(?:test_[^/]*|[^/]*_test)\.py$")
_INDENT = re.compile(r"[ \t]*")


def empty_bodies(
    path: str, source: str, *, keep: Collection[str] = (), wanted_outside: Collection[str] = ()
) -> str:
    """`source` with every function's body replaced by `raise NotImplementedError`; raises `SyntaxError`.

    Functions whose qualified name is in `keep` stay whole: they run while the module is being imported. Bodies that
    say nothing (`...`, `pass`, a docstring) stay, so protocols, overloads and abstract methods do. A test module's
    own tests are left out: an emptied test is neither a test nor a stub. Imports that only bodies used go as well, but
    for those that other modules reach through this one, `wanted_outside`.
    """
    tree = ast.parse(source, path)
    lines = lines_of(source)
    drop_tests = bool(_TEST_FILE.search(path))
    emptied = apply(lines, list(_edits(tree, lines, frozenset(keep), drop_tests)))
    if path.rpartition("/")[2] == "__init__.py":
        return emptied  # its imports are there for others
    return without_unused_imports(tree, emptied, path, frozenset(wanted_outside))


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
            for block in blocks(statement):
                yield from _functions(block, prefix)


def _says_nothing(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Pass) or (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and (statement.value.value is Ellipsis or isinstance(statement.value.value, str))
    )


def _edits(tree: ast.Module, lines: list[str], keep: frozenset[str], drop_tests: bool) -> Iterator[Edit]:
    dropped: set[str] = set()
    for name, function in functions(tree):
        if drop_tests and function.name.startswith("test"):
            dropped.add(name)
        elif name not in keep and not is_trivial(function):
            yield _emptied(function, lines)
    yield from _removals(tree.body, "", dropped, lines)


def _emptied(function: FunctionNode, lines: list[str]) -> Edit:
    has_docstring = ast.get_docstring(function, clean=False) is not None
    rest = function.body[1:] if has_docstring else function.body
    first, last = _first_line(rest[0]), rest[-1].end_lineno or rest[-1].lineno
    head = lines[first - 1].encode()[: rest[0].col_offset].decode()  # columns count bytes
    stub = [_MARKER, "yield"] if _is_generator(function) else [_MARKER]
    if head.strip():  # `def f(): return 1`: the body shares a line with what has to stay
        return Edit(first, last, (head.rstrip() + " " + "; ".join(stub) + "\n",))
    while first > 1 and _is_comment_or_blank(lines[first - 2]):
        first -= 1  # what stands above the first statement explains it
    indent = _INDENT.match(lines[_first_line(rest[0]) - 1])
    blank = indent.group() if indent else ""
    return Edit(first, last, tuple(f"{blank}{line}\n" for line in stub))


def _removals(body: list[ast.stmt], prefix: str, dropped: set[str], lines: list[str]) -> Iterator[Edit]:
    """The edits that take the dropped tests out, and what then is an empty class."""
    for statement in body:
        if isinstance(statement, FunctionNode) and f"{prefix}{statement.name}" in dropped:
            yield _removal(statement, lines)
        elif isinstance(statement, ast.ClassDef):
            inner = f"{prefix}{statement.name}."
            tests = [s for s in statement.body if f"{inner}{getattr(s, 'name', '')}" in dropped]
            if tests and all(s in tests or _says_nothing(s) for s in statement.body):
                yield _removal(statement, lines)
            else:
                yield from _removals(statement.body, inner, dropped, lines)


def _removal(statement: FunctionNode | ast.ClassDef, lines: list[str]) -> Edit:
    first, last = _first_line(statement), statement.end_lineno or statement.lineno
    while first > 1 and not lines[first - 2].strip():
        first -= 1
    return Edit(first, last, ())


def _first_line(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
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
