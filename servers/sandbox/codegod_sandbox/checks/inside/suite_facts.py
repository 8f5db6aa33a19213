"""What a test is, what it checks, and whether it runs at all: facts that several rules judge by."""

import ast

from .functions import Function, Placed, decorators, dotted, last_name
from .project import Source

# Marks and calls that keep a test from running, or let it fail.
SKIPS = frozenset({"skip", "skipTest", "xfail"})
# What fails a test by itself, beside names that begin with "assert".
_CHECKS = frozenset({"raises", "warns", "fail", "deprecated_call", "expect", "assertion"})


def tests_of(source: Source) -> list[Placed]:
    """What pytest collects from a file by itself: functions `test*`, also in classes `Test*` and test cases."""
    return [
        placed
        for placed in source.functions
        if placed.node.name.startswith("test")
        and not placed.around.nested
        and not any(name.rpartition(".")[2] == "fixture" for name in decorators(placed.node))
        and all(_is_test_class(each) for each in placed.classes)
    ]


def assertions(function: Function) -> list[ast.AST]:
    """The asserts, `raises` and `fail` of a function (and of functions inside it), and calls named `assert...`."""
    found: list[ast.AST] = []
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            found.append(node)
        elif isinstance(node, ast.Call):
            name = last_name(node.func).lstrip("_")
            if name.startswith("assert") or name in _CHECKS:
                found.append(node)
    return found


def is_always_true(node: ast.Assert) -> bool:
    """`assert True`, `assert x == x`, `assert x or True` and their like."""
    test = node.test
    if isinstance(test, ast.Constant):
        return bool(test.value)
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or):
        return any(isinstance(each, ast.Constant) and each.value for each in test.values)
    if (
        isinstance(test, ast.Compare)
        and len(test.ops) == 1
        and isinstance(test.ops[0], ast.Eq | ast.Is | ast.LtE | ast.GtE)
    ):
        # A call may answer differently the second time.
        quiet = not any(isinstance(each, ast.Call) for each in ast.walk(test))
        return quiet and ast.dump(test.left) == ast.dump(test.comparators[0])
    return False


def is_skipped(node: Function | ast.ClassDef) -> bool:
    """Whether it is marked never to run, or to be allowed to fail, whatever the conditions."""
    for decorator in node.decorator_list:
        name = last_name(decorator)
        if name in SKIPS and not has_condition(decorator):
            return True
        if name == "skipif" and isinstance(decorator, ast.Call) and decorator.args:
            first = decorator.args[0]
            if isinstance(first, ast.Constant) and first.value:
                return True
    first_statement = node.body[0] if isinstance(node, Function) else None
    return (
        isinstance(first_statement, ast.Expr)
        and isinstance(first_statement.value, ast.Call)
        and last_name(first_statement.value.func) in SKIPS
    )


def has_condition(mark: ast.expr) -> bool:
    """`xfail(sys.platform == ..., reason=...)` depends on something; `xfail(reason=...)` does not."""
    if not isinstance(mark, ast.Call):
        return False
    positional = [each for each in mark.args if not isinstance(each, ast.Constant)]
    strict = any(
        each.arg == "strict" and isinstance(each.value, ast.Constant) and each.value.value
        for each in mark.keywords
    )
    return bool(positional) or strict or any(each.arg in ("condition", "raises") for each in mark.keywords)


def _is_test_class(node: ast.ClassDef) -> bool:
    opted_out = any(
        isinstance(each, ast.Assign) and any(dotted(target) == "__test__" for target in each.targets)
        for each in node.body
    )
    if opted_out:
        return False
    return node.name.startswith("Test") or any(last_name(base).endswith("TestCase") for base in node.bases)
