"""Values that are written into SQL text."""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise

from .finding import Finding
from .functions import last_name, own_nodes
from .project import Project, Source

_RUNS_SQL = frozenset(
    {"execute", "executemany", "executescript", "exec_driver_sql", "fetch", "fetchrow", "fetchval", "text"}
)
_SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|REPLACE|WHERE|VALUES)\b", re.IGNORECASE)
# What stands before a value, as opposed to the name of a table or column or a list of question marks.
_BEFORE_VALUE = re.compile(r"(['\"%]|[=<>]|\b(LIKE|LIMIT|OFFSET|VALUES\s*\(|IN\s*\(\s*'))\s*$", re.IGNORECASE)
# Pieces of SQL that code puts together, and numbers that cannot be anything else.
_HARMLESS = re.compile(
    r"^(int|len)\(|['\"]\?['\"]|placeholder|marks|column|field|clause|condition|assign", re.IGNORECASE
)


def check_injection(project: Project) -> list[Finding]:
    """Queries of the application (not of its tests) that anybody who chooses a value can rewrite."""
    return [
        finding for source in project.parsed if not source.is_test_code for finding in _check_file(source)
    ]


def _check_file(source: Source) -> Iterator[Finding]:
    assigned = _assigned(source)
    for node in source.nodes:
        if isinstance(node, ast.Call) and last_name(node.func) in _RUNS_SQL and node.args:
            first = node.args[0]
            known = assigned.get(node, []) if isinstance(first, ast.Name) else [first]
            if any(_is_injectable(query) for query in known):
                message = "A value is written into SQL text: use `?` (or a named parameter) and pass the value apart."
                yield Finding(source.path, node.lineno, "sql-injection", message)


def _assigned(source: Source) -> dict[ast.AST, list[ast.expr]]:
    """For each call with a name as its first argument, what that name was given in the same function."""
    found: dict[ast.AST, list[ast.expr]] = {}
    for placed in source.functions:
        nodes = list(own_nodes(placed.node))
        given: dict[str, list[ast.expr]] = {}
        for node in nodes:
            if (
                isinstance(node, ast.Assign)
                and len(node.targets) == 1
                and isinstance(node.targets[0], ast.Name)
            ):
                given.setdefault(node.targets[0].id, []).append(node.value)
        for node in nodes:
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Name):
                found[node] = given.get(node.args[0].id, [])
    return found


def _is_injectable(query: ast.expr) -> bool:
    pieces = _pieces(query)
    if pieces is None or not _SQL.search("".join(piece or "" for piece in pieces)):
        return False
    return any(
        value is None and before is not None and _BEFORE_VALUE.search(before)
        for before, value in pairwise(pieces)
    )


def _pieces(query: ast.expr) -> list[str | None] | None:
    """Text of a query with None where a value goes in; None when it is no such text."""
    if isinstance(query, ast.JoinedStr):
        return [str(each.value) if isinstance(each, ast.Constant) else _value(each) for each in query.values]
    if isinstance(query, ast.Constant) and isinstance(query.value, str):
        return [query.value]
    if isinstance(query, ast.BinOp) and isinstance(query.op, ast.Add):
        left, right = _pieces(query.left), _pieces(query.right)
        return None if left is None and right is None else [*(left or [None]), *(right or [None])]
    if isinstance(query, ast.BinOp) and isinstance(query.op, ast.Mod):
        return _split(query.left, r"%[sdr]")
    if (
        isinstance(query, ast.Call)
        and last_name(query.func) == "format"
        and isinstance(query.func, ast.Attribute)
    ):
        return _split(query.func.value, r"\{\w*\}")
    return None


def _split(text: ast.expr, pattern: str) -> list[str | None] | None:
    if not (isinstance(text, ast.Constant) and isinstance(text.value, str)):
        return None
    pieces: list[str | None] = []
    for part in re.split(pattern, text.value):
        pieces += [part, None]
    return pieces[:-1]


def _value(piece: ast.expr) -> str | None:
    """None for a value; some text for what is a piece of SQL itself."""
    inner = piece.value if isinstance(piece, ast.FormattedValue) else piece
    return "?" if _HARMLESS.search(ast.unparse(inner)) else None
