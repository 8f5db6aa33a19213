"""What a report says of null bodies."""

from datetime import UTC, datetime

from codegod_orchestrator.hollow.null_evidence import PROVED, NullBodies, null_bodies_of, told, unproved_task
from codegod_orchestrator.hollow.null_runs import Hollow
from codegod_orchestrator.journal import Event

HOLLOW = Hollow(tried=("Go", "TypeScript"), untried=("src/lib.rs: null bodies are not made for '.rs' files",))


def _event(number: int, **data: object) -> Event:
    return Event(build="b", seq=number, at=datetime.now(UTC), kind=PROVED, task="", attempt="", data=data)


def test_the_last_run_that_speaks_of_null_bodies_counts() -> None:
    old = _event(1, evidence=3, guards=0, hollow={})
    assert null_bodies_of([old]) == NullBodies()
    seen = null_bodies_of([old, _event(2, **told(Hollow(tried=("Python",)))), _event(3, **told(HOLLOW))])
    assert seen == NullBodies(HOLLOW.tried, HOLLOW.untried)
    assert seen.unproved == (
        "not tried on empty bodies: src/lib.rs: null bodies are not made for '.rs' files",
    )


def test_a_task_that_nothing_proves_is_told_by_what_was_seen() -> None:
    hollow = [f"tests/a.py::test_{number}" for number in range(5)]
    assert unproved_task("a", ["tests/a.py::test_x"], hollow) == (
        "task a: its tests pass on empty bodies, so an empty answer would do: "
        "tests/a.py::test_0, tests/a.py::test_1, tests/a.py::test_2 and 2 more"
    )
    assert unproved_task("a", ["tests/a.py::test_x"], []) == (
        "task a: its tests pass with nothing done: tests/a.py::test_x"
    )
    assert "has no test that failed on its stubs" in unproved_task("docs", [], [])
