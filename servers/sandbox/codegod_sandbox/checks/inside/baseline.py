"""What a change did to the tests that were there before."""

import ast

from .finding import Finding
from .functions import Placed, last_name
from .project import Project, Source
from .suite_facts import assertions, is_always_true, is_skipped, tests_of

# How much an assertion demands: an equal value most, that something is there at all least.
_EQUAL, _ORDERED, _THERE = 4, 2, 1
_ANY_ERROR = frozenset({"Exception", "BaseException"})


def check_baseline(project: Project, before: dict[str, str]) -> list[Finding]:
    """Tests of `before` (path to text) that are gone, demand less, or do not run any more."""
    findings: list[Finding] = []
    for path, text in before.items():
        old = Source(path, text.encode())
        if old.is_test and old.tree is not None:
            findings += _compare(old, project.sources.get(path))
    return findings


def _compare(old: Source, new: Source | None) -> list[Finding]:
    tests = tests_of(old)
    if new is None:
        names = ", ".join(f"`{placed.name}`" for placed in tests[:3])
        return (
            [Finding(old.path, 0, "deleted-test", f"The test file is gone, with {names}: put it back.")]
            if tests
            else []
        )
    if new.tree is None:
        # The syntax stage says so.
        return []
    now = {placed.name: placed for placed in tests_of(new)}
    findings = []
    for placed in tests:
        finding = _judge(new, placed, now.get(placed.name))
        if finding is not None:
            findings.append(finding)
    return findings


def _judge(source: Source, old: Placed, new: Placed | None) -> Finding | None:
    if new is None:
        message = f"The test `{old.name}` is gone: put it back and make it pass by changing the code."
        return Finding(source.path, 0, "deleted-test", message)
    line = new.node.lineno
    if is_skipped(new.node) and not is_skipped(old.node):
        return Finding(source.path, line, "weakened-test", f"`{old.name}` is skipped now: remove the mark.")
    before, after = _strength(old), _strength(new)
    if after < before:
        message = f"`{old.name}` demands less than before: put its asserts back and change the code instead."
        return Finding(source.path, line, "weakened-test", message)
    return None


def _strength(placed: Placed) -> int:
    return sum(_weight(node) for node in assertions(placed.node))


def _weight(node: ast.AST) -> int:
    if isinstance(node, ast.Call):
        broad = last_name(node.func) == "raises" and any(
            last_name(each) in _ANY_ERROR for each in node.args[:1]
        )
        return _THERE if broad else _EQUAL
    if not isinstance(node, ast.Assert) or is_always_true(node):
        return 0
    return _demand(node.test)


def _demand(test: ast.expr) -> int:
    if isinstance(test, ast.BoolOp):
        each = [_demand(value) for value in test.values]
        return min(each) if isinstance(test.op, ast.Or) else sum(each)
    if isinstance(test, ast.Compare):
        if any(isinstance(op, ast.Eq | ast.Is) for op in test.ops):
            nothing = any(isinstance(part, ast.Constant) and part.value is None for part in test.comparators)
            return _ORDERED if nothing else _EQUAL
        return _ORDERED
    return _THERE
