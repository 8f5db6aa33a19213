"""How often a model was right, counted by how its tasks ended."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from codegod_orchestrator.journal import Attempt, Task
from codegod_orchestrator.ladder import StepKind
from codegod_orchestrator.reports.rates import Tally, tallies_of, tally_of, together
from codegod_orchestrator.reports.report import Proof, TaskReport
from codegod_orchestrator.states import AttemptState, TaskState

# How the last answer to a task in such a state ended; any other task was stopped in the middle of one.
LAST: Mapping[TaskState, AttemptState] = {"accepted": "accepted", "failed": "rejected"}
NOTHING = Proof((), (), (), (), (), (), "", "", "")


def _attempt(number: int, kind: StepKind, state: AttemptState) -> Attempt:
    return Attempt(
        build="b",
        id=f"storage.{number}",
        task="storage",
        number=number,
        fence=number,
        kind=kind,
        rung=0,
        model="ollama:small",
        continues="",
        state=state,
        refused=False,
        branch="",
        base="",
        commit="",
        tree="",
        reason="",
        findings=(),
        evidence=None,
        dispatched=datetime.now(UTC),
        started=None,
        ended=None,
    )


def _report(state: TaskState, *kinds: StepKind, type_: str = "backend") -> TaskReport:
    """A task with an attempt of each kind, the last of them accepted where the task is."""
    last: AttemptState = LAST.get(state, "cancelled")
    attempts = tuple(
        _attempt(number, kind, last if number == len(kinds) else "rejected")
        for number, kind in enumerate(kinds, 1)
    )
    task = Task(
        build="b",
        id="storage",
        order=0,
        type=type_,
        title="Storage",
        files=(),
        tests=(),
        depends=(),
        priority=0,
        state=state,
        fence=0,
        forgiven=0,
        accepted_attempt=attempts[-1].id if state == "accepted" else "",
        reason="",
    )
    return TaskReport(task, NOTHING, attempts)


@pytest.mark.parametrize(
    ("report", "tally"),
    [
        (_report("accepted", "first"), Tally(first=1, attempts=1)),
        (_report("accepted", "first", "repair"), Tally(repaired=1, attempts=2)),
        (_report("accepted", "first", "repair", "repair", "resample"), Tally(fresh=1, attempts=4)),
        (_report("failed", "first", "resample"), Tally(given_up=1, attempts=2)),
        (_report("skipped"), Tally(unreached=1)),
        (_report("ready", "first", "repair"), Tally(unreached=1, attempts=1)),
    ],
)
def test_a_task_counts_by_the_answer_that_was_accepted(report: TaskReport, tally: Tally) -> None:
    assert tally_of(report) == tally


def test_what_a_model_above_has_finished_was_given_up() -> None:
    report = _report("accepted", "first", "resample", "first")
    *own, last = report.attempts
    assert tally_of(replace(report, attempts=(*own, replace(last, rung=1)))) == Tally(given_up=1, attempts=2)


def test_tasks_that_nobody_tried_to_the_end_say_nothing_of_the_model() -> None:
    tally = tallies_of([_report("accepted", "first"), _report("failed", "first"), _report("skipped")])[
        "backend"
    ]
    assert (tally.tried, tally.accepted, tally.unreached, tally.attempts) == (2, 1, 1, 2)


def test_builds_are_added_up_per_type() -> None:
    one = tallies_of([_report("accepted", "first"), _report("accepted", "first", type_="api")])
    other = tallies_of([_report("failed", "first")])
    assert together([one, other]) == {
        "backend": Tally(first=1, given_up=1, attempts=2),
        "api": Tally(first=1, attempts=1),
    }
