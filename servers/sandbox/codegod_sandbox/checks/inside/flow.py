"""Where the program goes, or never gets: endless loops and recursion, code behind a return, conditions without sense."""

import ast
import builtins
from collections.abc import Iterator
from itertools import pairwise

from .finding import Finding
from .functions import Function, Placed, last_name, own_nodes
from .project import Project, Source

_LEAVES = (ast.Break, ast.Return, ast.Raise, ast.Yield, ast.YieldFrom, ast.Await)
_JUMPS = (ast.Return, ast.Raise, ast.Break, ast.Continue)
# Whatever may keep a function from calling itself.
_BRANCHES = (
    ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.Match, ast.BoolOp, ast.comprehension, ast.Yield,
    ast.YieldFrom, ast.Lambda, ast.FunctionDef, ast.AsyncFunctionDef, ast.With, ast.AsyncWith,
)  # fmt: skip


def check_flow(project: Project) -> list[Finding]:
    """What can be said of the paths through each function and file."""
    findings: list[Finding] = []
    for source in project.parsed:
        for placed in source.functions:
            findings += _endless_loops(source, placed.node)
            findings += _endless_recursion(source, placed)
        for node in source.nodes:
            findings += _never_reached(source, node)
            findings += _constant_conditions(source, node)
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


def _endless_recursion(source: Source, placed: Placed) -> Iterator[Finding]:
    """A function that calls itself whatever happens."""
    node = placed.node
    body = [each for statement in node.body for each in ast.walk(statement)]
    if placed.around.nested or any(isinstance(each, _BRANCHES) for each in body):
        return
    called = f"self.{node.name}" if placed.classes else node.name
    for each in body:
        if isinstance(each, ast.Call) and ast.unparse(each.func) == called:
            message = f"`{placed.name}` calls itself without an end: return before that in some case."
            yield Finding(source.path, each.lineno, "endless-recursion", message)
            return


def _never_reached(source: Source, node: ast.AST) -> Iterator[Finding]:
    """Statements behind a jump, and handlers behind one that catches everything."""
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if isinstance(block, list):
            for jump, following in pairwise(block):
                if isinstance(jump, _JUMPS) and not _makes_generator(following):
                    message = (
                        f"Nothing after line {jump.lineno} is ever reached here: remove it, or move it up."
                    )
                    yield Finding(source.path, following.lineno, "unreachable", message)
                    break
    if isinstance(node, ast.Try):
        for handler, behind in pairwise(node.handlers):
            if _catches(handler, behind):
                message = (
                    f"The handler in line {handler.lineno} catches this first: put the special one before it."
                )
                yield Finding(source.path, behind.lineno, "unreachable", message)
                break


def _catches(handler: ast.ExceptHandler, behind: ast.ExceptHandler) -> bool:
    """Whether what the later handler is for never gets there, as far as the names of Python's own exceptions tell."""
    first = last_name(handler.type) if handler.type is not None else ""
    special = getattr(builtins, last_name(behind.type), None) if behind.type is not None else None
    return first == "Exception" and isinstance(special, type) and issubclass(special, Exception)


def _makes_generator(statement: ast.stmt) -> bool:
    """`yield` behind a `return` makes an empty generator on purpose."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Yield | ast.YieldFrom)


def _constant_conditions(source: Source, node: ast.AST) -> Iterator[Finding]:
    """`if x == "a" or "b":` is always true."""
    if not isinstance(node, ast.If | ast.While | ast.IfExp):
        return
    test = node.test
    if not (isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or)):
        return
    *before, last = test.values
    compares = any(isinstance(each, ast.Compare) for each in before)
    if (
        compares
        and isinstance(last, ast.Constant)
        and isinstance(last.value, str | int | float)
        and last.value
    ):
        message = f"`or {ast.unparse(last)}` is always true: write out the comparison, e.g. `x in (a, b)`."
        yield Finding(source.path, node.test.lineno, "always-true", message)
