"""Wrong answers made from right ones: each is Python that runs, and that a test of what it does can tell apart."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from codegod_simulator.splice import lines_of, substituted
from codegod_simulator.stubs import FunctionNode, empty_bodies, functions, is_trivial

_FLIPPED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
# What a result of a type becomes when it is off by a little.
_SPOILT = {
    "str": '{} + "?"',
    "int": "{} + 1",
    "float": "{} + 1.0",
    "bool": "not {}",
    "bytes": '{} + b"?"',
}
_EMPTY = {"str": '""', "int": "0", "float": "0.0", "bool": "False", "bytes": 'b""'}
_EMPTY_OF = {"list": "[]", "dict": "{}", "tuple": "()", "set": "set()"}


def mutants(source: str, tests: str) -> list[str]:
    """Wrong variants of `source`, each with one slip in a function that `tests` name; without such one, in any."""
    tree = ast.parse(source)
    found = list(_named(tree, tests)) or [
        function for _, function in functions(tree) if not is_trivial(function)
    ]
    slips = [mutant for function in found for mutant in _slips(source, function) if _is_new(mutant, source)]
    return slips or [_without_body(source, function) for function in found[:1]]


def endless(source: str, tests: str) -> str | None:
    """`source` with a loop that never ends in a function that `tests` name."""
    named = next(_named(ast.parse(source), tests), None)
    loop = "waited = 1\n{indent}while waited:\n{indent}    waited += 1"
    return None if named is None else _with_first(source, named, loop)


def emptied_values(path: str, source: str) -> str:
    """`source` with every body replaced by the return of an empty value of the announced type."""
    stub = empty_bodies(path, source)
    changes: list[tuple[ast.expr | ast.stmt | ast.arg, str]] = []
    for _, function in functions(ast.parse(stub)):
        last = next((one for one in function.body if isinstance(one, ast.Raise)), None)
        if last is not None:
            changes.append((last, f"return {_empty(function)}".rstrip()))
    return substituted(stub, changes)


def _is_new(mutant: str, source: str) -> bool:
    try:
        ast.parse(mutant)
    except SyntaxError:  # a slip on a line that another one shares
        return False
    return mutant != source


def _named(tree: ast.Module, tests: str) -> Iterator[FunctionNode]:
    for _, function in functions(tree):
        public = not function.name.startswith("_")
        if public and not is_trivial(function) and re.search(rf"\b{function.name}\b", tests):
            yield function


def _slips(source: str, function: FunctionNode) -> Iterator[str]:
    yield from _wrong_results(source, function)
    yield from _wrong_comparisons(source, function)
    if _annotation(function) not in {"", "None"}:  # of the others, many do nothing that a test can see
        yield _without_body(source, function)


def _wrong_results(source: str, function: FunctionNode) -> Iterator[str]:
    """The last result that is returned, spoilt as its type allows."""
    form = _SPOILT.get(_annotation(function))
    returns = [one for one in _own(function) if isinstance(one, ast.Return) and one.value is not None]
    if form and returns:
        changes = [(one.value, form.format(f"({ast.unparse(one.value)})")) for one in returns if one.value]
        yield substituted(source, changes)


def _wrong_comparisons(source: str, function: FunctionNode) -> Iterator[str]:
    for node in _own(function):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Compare) and len(node.test.ops) == 1:
            flipped = _FLIPPED.get(type(node.test.ops[0]))
            if flipped:
                test = ast.Compare(node.test.left, [flipped()], node.test.comparators)
                yield substituted(source, [(node.test, ast.unparse(test))])


def _without_body(source: str, function: FunctionNode) -> str:
    """The function returns an empty value of its announced type, whatever it was given."""
    lines = lines_of(source)
    first, indent = _body_start(lines, function)
    lines[first : function.body[-1].end_lineno] = [f"{indent}{f'return {_empty(function)}'.rstrip()}\n"]
    return "".join(lines)


def _with_first(source: str, function: FunctionNode, statement: str) -> str:
    """`source` with a statement of its own at the start of a function's body, after its docstring."""
    lines = lines_of(source)
    first, indent = _body_start(lines, function)
    lines.insert(first, f"{indent}{statement.replace('{indent}', indent)}\n")
    return "".join(lines)


def _body_start(lines: Sequence[str], function: FunctionNode) -> tuple[int, str]:
    """The line of a function's first statement after its docstring, from 0, and its indentation."""
    documented = ast.get_docstring(function, clean=False) is not None and len(function.body) > 1
    first = function.body[1 if documented else 0].lineno - 1
    return first, lines[first][: len(lines[first]) - len(lines[first].lstrip())]


def _own(function: FunctionNode) -> Iterator[ast.AST]:
    """The nodes of a function without those of functions inside it."""
    pending: list[ast.AST] = list(function.body)
    while pending:
        node = pending.pop(0)
        yield node
        if not isinstance(node, FunctionNode | ast.Lambda | ast.ClassDef):
            pending.extend(ast.iter_child_nodes(node))


def _annotation(function: FunctionNode) -> str:
    return ast.unparse(function.returns) if function.returns else ""


def _empty(function: FunctionNode) -> str:
    announced = _annotation(function)
    if any(isinstance(node, ast.Yield | ast.YieldFrom) for node in ast.walk(function)):
        return ""
    return _EMPTY.get(announced) or _EMPTY_OF.get(announced.partition("[")[0], "None")
