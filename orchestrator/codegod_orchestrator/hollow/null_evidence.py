"""What a build's journal says of its null bodies: which languages were tried, and why a task's tests prove nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from codegod_orchestrator.hollow.null_runs import Hollow
from codegod_orchestrator.journal import Event

# The event that holds what the contract's tests have shown on stubs and on null bodies.
PROVED = "contract.proved"
_NAMED = 3  # one sees what is meant; the evidence lists all


@dataclass(frozen=True, slots=True)
class NullBodies:
    """What the newest version of a contract was tried with; all empty where no such run is on record."""

    tried: tuple[str, ...] = ()  # languages
    untried: tuple[
        str, ...
    ] = ()  # stubs that nobody could empty, and tests that met one, each with the reason

    @property
    def unproved(self) -> tuple[str, ...]:
        """What these runs leave open, a sentence each."""
        return tuple(f"not tried on empty bodies: {one}" for one in self.untried)


def told(hollow: Hollow) -> dict[str, list[str]]:
    """What the event of a proved contract says of the languages of its null bodies."""
    return {"tried": list(hollow.tried), "untried": list(hollow.untried)}


def null_bodies_of(events: Sequence[Event]) -> NullBodies:
    """What the last of these events that speaks of null bodies says."""
    proved = [event.data for event in events if event.kind == PROVED and "tried" in event.data]
    if not proved:
        return NullBodies()
    return NullBodies(tuple(map(str, proved[-1]["tried"])), tuple(map(str, proved[-1]["untried"])))


def unproved_task(task: str, guards: Sequence[str], hollow: Sequence[str], empty: Sequence[str] = ()) -> str:
    """Why no contract test proves `task`: its tests `guards` passed on the stubs, those in `hollow` on empty bodies.

    Those in `empty` assert nothing.
    """
    if empty:
        return f"task {task}: its tests assert nothing: {_some(empty)}"
    if hollow:
        return f"task {task}: its tests pass on empty bodies, so an empty answer would do: {_some(hollow)}"
    if guards:
        return f"task {task}: its tests pass with nothing done: {_some(guards)}"
    return f"task {task} has no test that failed on its stubs: the checks and the suite stand for it"


def _some(tests: Sequence[str]) -> str:
    more = len(tests) - _NAMED
    return ", ".join(tests) if more <= 0 else f"{', '.join(tests[:_NAMED])} and {more} more"
