"""The tables of states."""

from itertools import pairwise
from typing import get_args

import pytest

from codegod_orchestrator import states
from codegod_orchestrator.states import (
    AttemptState,
    BuildState,
    IllegalTransition,
    Subject,
    TaskState,
    require_way,
)


@pytest.mark.parametrize(
    ("table", "known"),
    [(states.BUILD, BuildState), (states.TASK, TaskState), (states.ATTEMPT, AttemptState)],
)
def test_a_table_knows_every_state_and_no_other(table: dict[str, frozenset[str]], known: object) -> None:
    assert set(table) == set(get_args(known))
    assert set().union(*table.values()) <= set(table)


@pytest.mark.parametrize(
    ("subject", "way"),
    [
        ("build", ["planning", "contracting", "running", "finishing", "done"]),
        ("task", ["blocked", "ready", "inflight", "accepted"]),
        ("attempt", ["dispatched", "started", "submitted", "accepted"]),
    ],
)
def test_the_straight_way_is_open_and_no_step_may_be_left_out(subject: Subject, way: list[str]) -> None:
    for before, after in pairwise(way):
        require_way(subject, "x", before, after)
    for before, after in zip(way, way[2:], strict=False):
        if (subject, before) != ("task", "ready"):  # a landing that the journal had not heard of
            with pytest.raises(IllegalTransition):
                require_way(subject, "x", before, after)


@pytest.mark.parametrize(
    ("subject", "state"),
    [
        ("build", "done"),
        ("build", "cancelled"),
        ("task", "cancelled"),
        ("attempt", "accepted"),
        ("attempt", "rejected"),
    ],
)
def test_what_has_ended_for_good_stays(subject: Subject, state: str) -> None:
    for table in (states.BUILD, states.TASK, states.ATTEMPT):
        for after in table:
            with pytest.raises(IllegalTransition, match=f"'x' is '{state}' and cannot become '{after}'"):
                require_way(subject, "x", state, str(after))


def test_an_accepted_task_is_done_once_more_only_by_way_of_an_amendment() -> None:
    assert states.TASK["accepted"] == {"amended"}
    for before, after in pairwise(["accepted", "amended", "blocked", "ready", "inflight", "accepted"]):
        require_way("task", "x", before, after)
