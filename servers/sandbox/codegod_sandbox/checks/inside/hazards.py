"""Defects that linters see too rarely or too often: loops without end, values inside SQL, secrets."""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise

from .finding import Finding
from .functions import Function, last_name, own_nodes
from .project import Project, Source

_RUNS_SQL = frozenset(
    {"execute", "executemany", "executescript", "exec_driver_sql", "fetch", "fetchrow", "fetchval", "text"}
)
_SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|REPLACE|WHERE|VALUES)\b", re.IGNORECASE)
# What stands before a value, as opposed to the name of a table or column or a list of question marks.
_BEFORE_VALUE = re.compile(r"(['\"%]|[=<>]|\b(LIKE|LIMIT|OFFSET|VALUES\s*\(|IN\s*\(\s*'))\s*$", re.IGNORECASE)
_SECRETS = (
    (re.compile(r"\bAKIA[0-9A-Z]{16}\b"), "an AWS access key"),
    (re.compile(r"\bsk[-_](live|ant|proj|test)[-_][A-Za-z0-9_-]{16,}"), "an API key"),
    (re.compile(r"\bgh[pousr]_[A-Za-z0-9]{30,}\b"), "a GitHub token"),
    (re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{20,}"), "a Slack token"),
    (re.compile(r"\bAIza[0-9A-Za-z_-]{35}\b"), "a Google API key"),
    (re.compile(r"-----BEGIN ([A-Z]+ )?PRIVATE KEY-----"), "a private key"),
)
_EXAMPLES = re.compile(r"EXAMPLE$|X{6,}|0{8,}|\.\.\.", re.IGNORECASE)
_LEAVES = (ast.Break, ast.Return, ast.Raise, ast.Yield, ast.YieldFrom, ast.Await)


def check_hazards(project: Project) -> list[Finding]:
    """Endless loops and injectable SQL in Python, secrets in every file."""
    findings: list[Finding] = []
    for source in project.parsed:
        for placed in source.functions:
            findings += _endless_loops(source, placed.node)
        if not source.is_test_code:
            findings += _injections(source)
    for source in project.sources.values():
        findings += _secrets(source)
    return findings


def _endless_loops(source: Source, function: Function) -> Iterator[Finding]:
    """Loops on a comparison of local names, none of which the loop changes, with no other way out."""
    shared = {
        name
        for node in ast.walk(function)
        if isinstance(node, ast.Global | ast.Nonlocal)
        for name in node.names
    }
    local = {
        node.id
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    arguments = function.args
    local |= {each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
    for loop in own_nodes(function):
        if not isinstance(loop, ast.While) or not isinstance(loop.test, ast.Compare):
            continue
        parts = [loop.test.left, *loop.test.comparators]
        names = {part.id for part in parts if isinstance(part, ast.Name)}
        plain = all(isinstance(part, ast.Name | ast.Constant) for part in parts)
        ordered = all(
            isinstance(each, ast.Lt | ast.LtE | ast.Gt | ast.GtE | ast.Eq | ast.NotEq)
            for each in loop.test.ops
        )
        if plain and ordered and names and names <= local - shared and not _ends(loop, names):
            changed = " or ".join(f"`{name}`" for name in sorted(names))
            message = f"The loop never ends: nothing in it changes {changed}. Change it in the body, or leave with `break`."
            yield Finding(source.path, loop.lineno, "endless-loop", message)


def _ends(loop: ast.While, names: set[str]) -> bool:
    for statement in loop.body:
        for node in ast.walk(statement):
            if isinstance(node, _LEAVES):
                return True
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del) and node.id in names:
                return True
            # A program that means to stop there.
            if isinstance(node, ast.Call) and last_name(node.func) in ("exit", "_exit", "abort", "fail"):
                return True
    return False


def _injections(source: Source) -> Iterator[Finding]:
    for node in source.nodes:
        if isinstance(node, ast.Call) and last_name(node.func) in _RUNS_SQL and node.args:
            query = _pieces(node.args[0])
            if query is None or not _SQL.search("".join(piece or "" for piece in query)):
                continue
            for before, value in pairwise(query):
                if value is None and before is not None and _BEFORE_VALUE.search(before):
                    message = "A value is written into SQL text: use `?` (or a named parameter) and pass the value apart."
                    yield Finding(source.path, node.lineno, "sql-injection", message)
                    break


def _pieces(query: ast.expr) -> list[str | None] | None:
    """Text of a query with None where a value goes in; None when it is no such text."""
    if isinstance(query, ast.JoinedStr):
        return [str(each.value) if isinstance(each, ast.Constant) else None for each in query.values]
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


def _secrets(source: Source) -> Iterator[Finding]:
    for number, line in enumerate(source.lines, start=1):
        if len(line) > 2000:
            continue
        for pattern, what in _SECRETS:
            found = pattern.search(line)
            if found and not _EXAMPLES.search(found[0]):
                message = (
                    f"This is {what}: read it from the environment instead, and never write it into a file."
                )
                # What a test holds up to the code that looks for secrets is none.
                yield Finding(source.path, number, "secret", message, advice=source.is_test_code)
                break
