"""Tests that prove nothing: without a check, with one that is always true, never run, or about a stand-in."""

import ast
from collections.abc import Iterator

from .finding import Finding
from .functions import Function, Placed, decorators, dotted, last_name, own_nodes
from .project import Project, Source
from .suite_facts import SKIPS, assertions, has_condition, is_always_true, is_skipped, tests_of

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
    checkers = {
        placed.node.name
        for source in project.parsed
        if source.is_test_code
        for placed in source.functions
        if assertions(placed.node)
    }
    findings = []
    for source in project.parsed:
        if source.is_test:
            findings += list(_check_file(source, auto, checkers))
    return findings


def _check_file(source: Source, auto: bool, checkers: set[str]) -> Iterator[Finding]:
    tests = tests_of(source)
    marks = _module_marks(source)
    if not tests:
        yield _nothing_collected(source)
        return
    if marks & SKIPS:
        yield Finding(
            source.path, 1, "skipped-test", "The whole file is skipped: remove the mark, so that it runs."
        )
    for placed in tests:
        yield from _check_test(source, placed, checkers)
        if isinstance(placed.node, ast.AsyncFunctionDef) and not auto and not _runs_async(placed, marks):
            message = f"`{placed.name}` is async and never runs: mark it with `@pytest.mark.anyio`."
            yield Finding(source.path, placed.node.lineno, "async-test", message)


def _check_test(source: Source, placed: Placed, checkers: set[str]) -> Iterator[Finding]:
    node, name, line = placed.node, placed.name, placed.node.lineno
    if is_skipped(node) or any(is_skipped(each) for each in placed.classes):
        yield Finding(
            source.path, line, "skipped-test", f"`{name}` never runs, or may fail: remove the mark."
        )
    checks = assertions(node)
    calls_checker = any(
        isinstance(each, ast.Call) and last_name(each.func) in checkers for each in own_nodes(node)
    )
    if not checks and not calls_checker:
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


def _module_marks(source: Source) -> set[str]:
    """Names of the marks that `pytestmark` gives to the whole file."""
    for node in source.tree.body if source.tree else ():
        if isinstance(node, ast.Assign) and any(dotted(target) == "pytestmark" for target in node.targets):
            marks = node.value.elts if isinstance(node.value, ast.List | ast.Tuple) else [node.value]
            return {last_name(mark) for mark in marks if not has_condition(mark)}
    return set()


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
