"""Tests that prove nothing: without a check, with one that is always true, never run, or about a stand-in."""

import ast
from collections.abc import Iterator

from .finding import Finding
from .functions import Function, Placed, decorators, dotted, last_name, own_nodes
from .project import Project, Source

# What fails a test by itself, beside names that begin with "assert".
_CHECKS = frozenset({"raises", "warns", "fail", "deprecated_call", "expect", "assertion"})
_SKIPS = frozenset({"skip", "skipTest", "xfail"})
_CATCHES_ALL = frozenset({"", "Exception", "BaseException", "AssertionError"})
_MOCKS = frozenset({"Mock", "MagicMock", "AsyncMock", "NonCallableMock", "create_autospec"})
_ASYNC_MARKS = frozenset({"anyio", "asyncio", "trio", "asyncio_cooperative"})
_ASYNC_MODES = ("asyncio_mode", "anyio_mode")
_ASYNC_CASES = frozenset({"IsolatedAsyncioTestCase", "AsyncTestCase", "AsyncHTTPTestCase"})


def check_tests(project: Project) -> list[Finding]:
    """What keeps the project's tests from being evidence."""
    auto = any(
        mode in source.text and "auto" in source.text
        for source in project.sources.values()
        if source.path in ("pyproject.toml", "pytest.ini", "tox.ini", "setup.cfg")
        for mode in _ASYNC_MODES
    )
    helpers = {
        placed.node.name
        for source in project.parsed
        if source.is_test_code
        for placed in source.functions
        if assertions(placed.node)
    }
    findings = []
    for source in project.parsed:
        if source.is_test:
            findings += list(_check_file(source, auto, helpers))
    return findings


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
        if name in _SKIPS and not _has_condition(decorator):
            return True
        if name == "skipif" and isinstance(decorator, ast.Call) and decorator.args:
            first = decorator.args[0]
            if isinstance(first, ast.Constant) and first.value:
                return True
    first_statement = node.body[0] if isinstance(node, Function) else None
    return (
        isinstance(first_statement, ast.Expr)
        and isinstance(first_statement.value, ast.Call)
        and last_name(first_statement.value.func) in _SKIPS
    )


def _check_file(source: Source, auto: bool, helpers: set[str]) -> Iterator[Finding]:
    tests = tests_of(source)
    marks = _module_marks(source)
    if not tests:
        yield _nothing_collected(source)
        return
    if marks & _SKIPS:
        yield Finding(
            source.path, 1, "skipped-test", "The whole file is skipped: remove the mark, so that it runs."
        )
    for placed in tests:
        yield from _check_test(source, placed, helpers)
        if isinstance(placed.node, ast.AsyncFunctionDef) and not auto and not _runs_async(placed, marks):
            message = f"`{placed.name}` is async and never runs: mark it with `@pytest.mark.anyio`."
            yield Finding(source.path, placed.node.lineno, "async-test", message)


def _check_test(source: Source, placed: Placed, helpers: set[str]) -> Iterator[Finding]:
    node, name, line = placed.node, placed.name, placed.node.lineno
    if is_skipped(node) or any(is_skipped(each) for each in placed.classes):
        yield Finding(
            source.path, line, "skipped-test", f"`{name}` never runs, or may fail: remove the mark."
        )
    checks = assertions(node)
    calls_helper = any(
        isinstance(each, ast.Call) and last_name(each.func) in helpers for each in own_nodes(node)
    )
    if not checks and not calls_helper:
        yield Finding(source.path, line, "no-assertion", f"`{name}` checks nothing: assert what it expects.")
        return
    for check in checks:
        if isinstance(check, ast.Assert) and is_always_true(check):
            message = f"`assert {ast.unparse(check.test)[:60]}` is always true: assert a result instead."
            # `assert 1 == 1` is what a test of the test runner itself looks like.
            numbers = isinstance(check.test, ast.Compare) and isinstance(check.test.left, ast.Constant)
            yield Finding(source.path, check.lineno, "assert-true", message, advice=numbers)
    for handler in _swallowing(node):
        message = f"`{name}` catches its own failed assert here: remove the try, or use `pytest.raises`."
        yield Finding(source.path, handler.lineno, "swallowed-assert", message)
    mock = _asserts_mock(node)
    if mock:
        message = f"`{name}` tests the mock `{mock}` that it made itself: call the real code."
        yield Finding(source.path, line, "tests-mock", message)


def _nothing_collected(source: Source) -> Finding:
    candidates = [
        placed for placed in source.functions if assertions(placed.node) and not placed.around.nested
    ]
    if candidates:
        names = ", ".join(f"`{placed.name}`" for placed in candidates[:3])
        line = candidates[0].node.lineno
        return Finding(
            source.path, line, "not-collected", f"pytest runs none of {names}: names begin with `test_`."
        )
    return Finding(
        source.path, 1, "empty-test-file", "There is no test in this file: write functions named `test_...`."
    )


def _is_test_class(node: ast.ClassDef) -> bool:
    opted_out = any(
        isinstance(each, ast.Assign) and any(dotted(target) == "__test__" for target in each.targets)
        for each in node.body
    )
    if opted_out:
        return False
    return node.name.startswith("Test") or any(last_name(base).endswith("TestCase") for base in node.bases)


def _module_marks(source: Source) -> set[str]:
    """Names of the marks that `pytestmark` gives to the whole file."""
    for node in source.tree.body if source.tree else ():
        if isinstance(node, ast.Assign) and any(dotted(target) == "pytestmark" for target in node.targets):
            marks = node.value.elts if isinstance(node.value, ast.List | ast.Tuple) else [node.value]
            return {last_name(mark) for mark in marks if not _has_condition(mark)}
    return set()


def _has_condition(mark: ast.expr) -> bool:
    """`xfail(sys.platform == ..., reason=...)` depends on something; `xfail(reason=...)` does not."""
    if not isinstance(mark, ast.Call):
        return False
    positional = [each for each in mark.args if not isinstance(each, ast.Constant)]
    strict = any(
        each.arg == "strict" and isinstance(each.value, ast.Constant) and each.value.value
        for each in mark.keywords
    )
    return bool(positional) or strict or any(each.arg in ("condition", "raises") for each in mark.keywords)


def _runs_async(placed: Placed, module_marks: set[str]) -> bool:
    marks = {name.rpartition(".")[2] for name in decorators(placed.node)} | module_marks
    for owner in placed.classes:
        marks |= {name.rpartition(".")[2] for name in decorators(owner)}
        if any(last_name(base) in _ASYNC_CASES for base in owner.bases):
            return True
    wants_backend = any(each.arg == "anyio_backend" for each in placed.node.args.args)
    return wants_backend or not marks.isdisjoint(_ASYNC_MARKS)


def _swallowing(function: Function) -> Iterator[ast.ExceptHandler]:
    for node in own_nodes(function):
        if isinstance(node, ast.Try) and any(
            isinstance(each, ast.Assert) for part in node.body for each in ast.walk(part)
        ):
            for handler in node.handlers:
                caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
                names = {last_name(each) if each is not None else "" for each in caught}
                if not names.isdisjoint(_CATCHES_ALL) and not _fails_anyway(handler):
                    yield handler
                    break


def _fails_anyway(handler: ast.ExceptHandler) -> bool:
    return any(
        isinstance(node, ast.Raise | ast.Assert)
        or (isinstance(node, ast.Call) and last_name(node.func) == "fail")
        for node in ast.walk(handler)
    )


def _asserts_mock(function: Function) -> str:
    """The mock that every assert of a test calls itself, '' when the test does more."""
    mocks = {
        target.id
        for node in own_nodes(function)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Call)
        and last_name(node.value.func) in _MOCKS
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    checks = assertions(function)
    if not mocks or not checks:
        return ""
    called = [_called_names(check) for check in checks]
    only_mocks = all(names and names <= mocks for names in called)
    return sorted(called[0])[0] if only_mocks else ""


def _called_names(check: ast.AST) -> set[str]:
    return {
        node.func.id
        for node in ast.walk(check)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
