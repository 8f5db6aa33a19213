"""RED and GREEN, per test, from check reports that the orchestrator itself had made. Pure functions.

A test is evidence for its task when it fails on the stubs by their own marker or by an assertion. What passes on the
stubs is a guard: it must go on passing, and it proves nothing. What fails in any other way is a mistake in the contract.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from codegod_kit.plan import Plan, Task
from codegod_orchestrator.evidence import TestSeen
from codegod_workers import Finding

_OUTCOMES_MET = frozenset({"passed", "skipped"})


@dataclass(frozen=True, slots=True)
class Red:
    """What the contract's tests did on the stubs, by test id."""

    evidence: tuple[str, ...]
    guards: tuple[str, ...]

    def of(self, task: Task) -> tuple[str, ...]:
        """The tests that prove `task`."""
        return tuple(test for test in self.evidence if test.partition("::")[0] in task.tests)


def red_of(plan: Plan, tests: Iterable[TestSeen]) -> Red:
    """The plan's contract tests of a run on the stubs, sorted into evidence and guards."""
    ours = _contract_tests(plan, tests)
    return Red(
        evidence=tuple(test.id for test in ours if test.red),
        guards=tuple(test.id for test in ours if test.outcome in _OUTCOMES_MET),
    )


def judge_red(plan: Plan, tests: Iterable[TestSeen]) -> tuple[Finding, ...]:
    """What the master has to mend in the contract after a run on the stubs."""
    ours = _contract_tests(plan, tests)
    wrong = [_wrong_red(test) for test in ours if not test.red and test.outcome not in _OUTCOMES_MET]
    return (
        *wrong,
        *_unproved(plan.tasks, red_of(plan, ours), {finding.path.partition("::")[0] for finding in wrong}),
    )


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
            "on the stubs this test has to fail by their NotImplementedError or by an assertion, and it "
            f"ended otherwise: {test.message or test.outcome}"
        ),
    )


def _unproved(tasks: Sequence[Task], red: Red, named: set[str]) -> list[Finding]:
    """Tasks whose tests prove nothing, unless a worse finding already names their file."""
    return [
        Finding(
            stage="red",
            path=task.tests[0],
            message=f"no test of the task {task.id!r} fails on the stubs: they would pass with nothing done",
        )
        for task in tasks
        if task.tests and not red.of(task) and not named.intersection(task.tests)
    ]
