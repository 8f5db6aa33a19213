"""RED and GREEN, per test, from check reports that the orchestrator itself had made. Pure functions.

A test is evidence for its task when it fails on the stubs by their own marker or by an assertion, and fails as well when
the stubs' bodies give back nothing (`hollow`). What passes on either is a guard: it must pass in the end, and it
proves nothing. What fails on the stubs in any other way is a mistake in the contract.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from codegod_kit.plan import Plan, Task
from codegod_orchestrator.empty_tests import EMPTY_TEST_RULES
from codegod_orchestrator.evidence import TestSeen
from codegod_orchestrator.surfaces.source_tree import language_of
from codegod_workers import Finding

_OUTCOMES_MET = frozenset({"passed", "skipped"})
_HOLLOW_TOLD = 5  # enough for one to see what is meant; its file is written again as a whole
_DEFAULT = "gives back the empty value of its return type (0, '', [], {}, False)"
_NONE = {
    "Go": "gives back the zero value of its type",
    "JavaScript": "gives back undefined",
    "TypeScript": "gives back undefined",
}

_ANY_STUB = "error of their own"
_STUB = {
    "Python": "NotImplementedError",
    "Go": 'panic("not implemented")',
    "JavaScript": 'Error("not implemented")',
    "TypeScript": 'Error("not implemented")',
}

_HOLLOW = "hollow"
_PASSES = "passes"
_UNPROVED_RULES = frozenset({_HOLLOW, _PASSES}) | EMPTY_TEST_RULES


@dataclass(frozen=True, slots=True)
class Red:
    """What the contract's tests did on the stubs, by test id."""

    evidence: tuple[str, ...]
    guards: tuple[str, ...]  # passes on the stubs or on null bodies

    def of(self, task: Task) -> tuple[str, ...]:
        """The tests that prove `task`."""
        return tuple(test for test in self.evidence if test.partition("::")[0] in task.tests)


def red_of(plan: Plan, tests: Iterable[TestSeen]) -> Red:
    """The plan's contract tests of a run on the stubs, sorted into evidence and guards."""
    ours = _contract_tests(plan, tests)
    return Red(
        evidence=tuple(test.id for test in ours if test.red),
        guards=tuple(
            test.id for test in ours if test.outcome in _OUTCOMES_MET or (test.fails_on_stubs and test.hollow)
        ),
    )


def judge_red(plan: Plan, tests: Iterable[TestSeen], told: Collection[str] = ()) -> tuple[Finding, ...]:
    """What the master has to mend in the contract after its runs on the stubs and on null bodies.

    `told` are test files of which it hears already that they cannot fail.
    """
    ours = _contract_tests(plan, tests)
    wrong = [
        _wrong_red(test) for test in ours if not test.fails_on_stubs and test.outcome not in _OUTCOMES_MET
    ]
    named = {finding.path.partition("::")[0] for finding in wrong} | {*told}
    red = red_of(plan, ours)
    # A worse finding may name the file already: then the rest is seen when that is mended.
    unproved = [
        task for task in plan.tasks if task.tests and not red.of(task) and not named.intersection(task.tests)
    ]
    return (*wrong, *(finding for task in unproved for finding in _unproved(task, ours)))


def only_unproved(findings: Sequence[Finding]) -> bool:
    """Whether nothing is wrong with a contract but that tests of it prove nothing."""
    return all(finding.rule in _UNPROVED_RULES for finding in findings)


def unproved_tasks(plan: Plan, red: Red) -> tuple[str, ...]:
    """The tasks that have tests, and none that proves them."""
    return tuple(task.id for task in plan.tasks if task.tests and not red.of(task))


def red_on_stubs(plan: Plan, tests: Iterable[TestSeen]) -> tuple[str, ...]:
    """The plan's contract tests that failed on the stubs as they should: what the null bodies are tried with."""
    return tuple(test.id for test in _contract_tests(plan, tests) if test.fails_on_stubs)


def judge_green(expected: Iterable[str], tests: Iterable[TestSeen]) -> tuple[Finding, ...]:
    """What of `expected` (evidence test ids) did not pass in a run on the candidate."""
    outcomes = {test.id: test.outcome for test in tests}
    return tuple(
        Finding(
            stage="evidence",
            path=test,
            message=f"this test has to pass, and it {_ending(outcomes.get(test))}",
        )
        for test in expected
        if outcomes.get(test) != "passed"
    )


def _ending(outcome: str | None) -> str:
    return "did not run" if outcome is None else f"ended as {outcome!r}"


def _contract_tests(plan: Plan, tests: Iterable[TestSeen]) -> tuple[TestSeen, ...]:
    files = {path for task in plan.tasks for path in task.tests}
    return tuple(test for test in tests if test.file in files)


def _wrong_red(test: TestSeen) -> Finding:
    return Finding(
        stage="red",
        path=test.id,
        rule=test.reason,
        message=(
            f"on the stubs this test has to fail by their {_STUB.get(language_of(test.file), _ANY_STUB)} or by an "
            "assertion, and it "
            f"ended otherwise: {test.message or test.outcome}"
        ),
    )


def _null_told(test: TestSeen) -> Iterator[str]:
    """What the stubs did that `test` passes on, in the words of its language."""
    if "none" in test.hollow:
        yield _NONE.get(language_of(test.file), "gives back None")
    if "default" in test.hollow:
        yield _DEFAULT


def _unproved(task: Task, tests: Sequence[TestSeen]) -> Iterator[Finding]:
    """Why nothing proves `task`: each test that even empty bodies pass, or all of its file if none was red."""
    hollow = [test for test in tests if test.file in task.tests and test.fails_on_stubs]
    for test in hollow[:_HOLLOW_TOLD]:
        told = " and ".join(_null_told(test))
        yield Finding(
            stage="red",
            path=test.id,
            rule=_HOLLOW,
            message=(
                f"this test passes although every stub {told}, so it would accept an empty answer, and the task "
                f"{task.id!r} has no better test. Assert exact values that only the finished code can give: what comes "
                "back, what changed, or which error is raised for which input"
            ),
        )
    if not hollow:
        yield Finding(
            stage="red",
            path=task.tests[0],
            rule=_PASSES,
            message=(
                f"no test of the task {task.id!r} fails on the stubs: they would pass with nothing done. Call the "
                "task's functions and assert what they give back"
            ),
        )
