"""The schedule: dependencies first, each task once, never more in flight than allowed."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codegod_orchestrator.schedule import (
    NotInFlight,
    PlanCycle,
    Schedule,
    ScheduleFault,
    TaskTwice,
    UnknownDependency,
)


@dataclass(frozen=True)
class Work:
    id: str
    depends: tuple[str, ...] = ()
    priority: int = 0
    type: str = "backend"


@st.composite
def plans(draw: st.DrawFn) -> list[Work]:
    """Tasks in any order whose dependencies form no circle."""
    size = draw(st.integers(1, 25))
    tasks = [
        Work(
            f"t{number}",
            tuple(f"t{one}" for one in draw(st.sets(st.integers(0, number - 1), max_size=3)))
            if number
            else (),
            draw(st.integers(-2, 2)),
            draw(st.sampled_from(["backend", "frontend", "testing"])),
        )
        for number in range(size)
    ]
    return draw(st.permutations(tasks))


def ancestors(tasks: Sequence[Work], task: str) -> set[str]:
    by_id = {one.id: one for one in tasks}
    found: set[str] = set()
    waiting = [*by_id[task].depends]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting.extend(by_id[one].depends)
    return found


# How long it takes to think of a plan says how busy the machine is, and nothing of the schedule.
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.data(), plans(), st.integers(1, 6))
def test_whatever_happens_the_rules_hold(data: st.DataObject, tasks: list[Work], max_parallel: int) -> None:
    """Accept, fail and put back at random, with random free slots: compare with the rules, step by step."""
    by_id = {task.id: task for task in tasks}
    schedule = Schedule(tasks, max_parallel=max_parallel)
    accepted: set[str] = set()
    dead: set[str] = set()
    flying: set[str] = set()
    while not schedule.over:
        slots = data.draw(
            st.none()
            | st.fixed_dictionaries({kind: st.integers(0, 3) for kind in ("backend", "frontend", "testing")})
        )
        if not flying:
            slots = None  # somebody has to be free, or nothing ever happens
        taken = schedule.take(slots)
        assert not set(taken) & (accepted | dead | flying) and len(set(taken)) == len(taken)
        assert all(set(by_id[task].depends) <= accepted for task in taken)
        for kind in ("backend", "frontend", "testing"):
            assert slots is None or sum(by_id[task].type == kind for task in taken) <= slots[kind]
        flying |= set(taken)
        assert schedule.in_flight == flying and len(flying) <= max_parallel
        runnable = {
            t.id for t in tasks if t.id not in accepted | dead | flying and set(t.depends) <= accepted
        }
        assert set(schedule.ready) == runnable
        if slots is None:
            assert len(flying) == max_parallel or not runnable
        task = data.draw(st.sampled_from(sorted(flying)))
        match data.draw(st.sampled_from(["accept", "accept", "accept", "fail", "again"])):
            case "accept":
                schedule.accepted(task)
                accepted.add(task)
            case "fail":
                skipped = schedule.failed(task)
                assert set(skipped) == {t.id for t in tasks if task in ancestors(tasks, t.id)} - dead
                dead |= {task, *skipped}
            case "again":
                schedule.put_back(task)
        flying.discard(task)
    assert accepted | dead == by_id.keys()


@given(st.data(), plans())
def test_a_schedule_made_anew_from_what_was_accepted_goes_on_alike(
    data: st.DataObject, tasks: list[Work]
) -> None:
    schedule = Schedule(tasks, max_parallel=1)
    accepted: list[str] = []
    for _ in range(data.draw(st.integers(0, len(tasks)))):
        (task,) = schedule.take()
        schedule.accepted(task)
        accepted.append(task)
    again = Schedule(tasks, max_parallel=1, accepted=accepted)
    assert again.ready == schedule.ready
    rest: list[str] = []
    while not again.over:
        rest += again.take()
        again.accepted(rest[-1])
    assert sorted(accepted + rest) == sorted(task.id for task in tasks)


def test_the_highest_priority_goes_first_then_the_longest_way_then_the_plans_order() -> None:
    tasks = [
        Work("plain"),
        Work("start"),
        Work("middle", ("start",)),
        Work("end", ("middle",)),
        Work("urgent", priority=1),
        Work("also plain"),
    ]
    schedule = Schedule(tasks, max_parallel=10)
    assert schedule.take() == ("urgent", "start", "plain", "also plain")


def test_a_specialty_without_a_free_worker_waits_and_the_others_go_on() -> None:
    tasks = [Work("page", type="frontend", priority=5), Work("one"), Work("two"), Work("three")]
    schedule = Schedule(tasks, max_parallel=4)
    assert schedule.take({"backend": 2}) == ("one", "two")
    assert schedule.take({"backend": 0, "frontend": 0}) == ()
    assert schedule.ready == ("page", "three")
    assert schedule.take({"frontend": 7}) == ("page",)
    assert schedule.take({"backend": 7}) == ("three",)


def test_types_are_grouped_into_specialties() -> None:
    schedule = Schedule(
        [Work("a", type="api"), Work("d", type="database")], max_parallel=4, specialty=lambda _: "backend"
    )
    assert schedule.take({"backend": 1}) == ("a",)


def test_failed_tasks_of_an_earlier_run_stay_down_with_all_that_needs_them() -> None:
    tasks = [Work("a"), Work("b", ("a",)), Work("c")]
    schedule = Schedule(tasks, max_parallel=4, failed=["a", "b"])
    assert schedule.take() == ("c",)
    schedule.accepted("c")
    assert schedule.over


def test_a_dependency_named_twice_counts_once() -> None:
    schedule = Schedule([Work("a"), Work("b", ("a", "a"))], max_parallel=2)
    assert schedule.take() == ("a",)
    schedule.accepted("a")
    assert schedule.take() == ("b",)


@pytest.mark.parametrize(
    ("tasks", "fault", "said"),
    [
        ([Work("a", ("a",))], PlanCycle, "a -> a"),
        ([Work("x"), Work("a", ("b",)), Work("b", ("c",)), Work("c", ("a",))], PlanCycle, "-> "),
        ([Work("a", ("ghost",))], UnknownDependency, "'a' depends on 'ghost'"),
        ([Work("a"), Work("a")], TaskTwice, "'a'"),
    ],
)
def test_tasks_without_an_order_are_refused_by_name(
    tasks: list[Work], fault: type[ScheduleFault], said: str
) -> None:
    with pytest.raises(fault, match=said):
        Schedule(tasks, max_parallel=1)


def test_a_circle_is_named_in_the_direction_of_depends() -> None:
    with pytest.raises(PlanCycle) as caught:
        Schedule([Work("a", ("b",)), Work("b", ("c",)), Work("c", ("a",))], max_parallel=1)
    path = caught.value.path
    needs = {"a": "b", "b": "c", "c": "a"}
    assert path[0] == path[-1] and len(path) == 4
    assert all(needs[one] == other for one, other in pairwise(path))


def test_only_what_is_in_flight_can_end() -> None:
    schedule = Schedule([Work("a"), Work("b", ("a",))], max_parallel=1)
    for end in (schedule.accepted, schedule.failed, schedule.put_back):
        with pytest.raises(NotInFlight, match="'b'"):
            end("b")
    schedule.take()
    schedule.accepted("a")
    with pytest.raises(NotInFlight, match="'a'"):
        schedule.accepted("a")


def test_at_least_one_task_must_be_allowed_to_run() -> None:
    with pytest.raises(ScheduleFault, match="max_parallel is 0"):
        Schedule([Work("a")], max_parallel=0)


def test_a_schedule_made_anew_knows_what_is_in_flight() -> None:
    tasks = [Work("a"), Work("b", ("a",)), Work("c", ("b",))]
    # `b` was handed out before its dependency had to be done once more.
    schedule = Schedule(tasks, max_parallel=2, in_flight=["b"])
    assert schedule.take() == ("a",)
    schedule.accepted("b")
    assert schedule.ready == ("c",)
    schedule.accepted("a")
    assert schedule.take() == ("c",)
