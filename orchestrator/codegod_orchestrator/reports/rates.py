"""How often a model was right: its tasks by how they ended, per type of task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict

from codegod_orchestrator.reports.report import TaskReport

_JUDGED = frozenset({"accepted", "rejected"})  # the others were lost or cancelled before anybody judged them


class Tally(BaseModel):
    """Tasks of one kind, by how they ended."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first: int = 0
    """Accepted: the first answer,"""
    repaired: int = 0
    """an answer that was mended by its findings,"""
    fresh: int = 0
    """or one that was written anew."""
    given_up: int = 0
    """Not accepted from this model; another one may have finished them."""
    unreached: int = 0
    """Nobody tried them to the end: what they need was given up, or a limit was reached."""
    attempts: int = 0
    """Answers that were judged."""

    @property
    def tried(self) -> int:
        """The tasks that say something about the model."""
        return self.first + self.repaired + self.fresh + self.given_up

    @property
    def accepted(self) -> int:
        return self.first + self.repaired + self.fresh

    def plus(self, other: Self) -> Self:
        """Both together."""
        names = type(self).model_fields
        return type(self)(**{name: getattr(self, name) + getattr(other, name) for name in names})


def tally_of(task: TaskReport) -> Tally:
    """One task as a tally of the model on the ladder's first rung; what those above it did is not its own."""
    attempts = sum(one.state in _JUDGED and one.rung == 0 for one in task.attempts)
    accepted = next((one for one in task.attempts if one.id == task.task.accepted_attempt), None)
    if task.task.state == "accepted" and accepted is not None:
        if accepted.rung:
            return Tally(given_up=1, attempts=attempts)
        match accepted.kind:
            case "first":
                return Tally(first=1, attempts=attempts)
            case "repair":
                return Tally(repaired=1, attempts=attempts)
            case "resample":
                return Tally(fresh=1, attempts=attempts)
    if task.task.state == "failed":
        return Tally(given_up=1, attempts=attempts)
    return Tally(unreached=1, attempts=attempts)


def tallies_of(tasks: Iterable[TaskReport]) -> dict[str, Tally]:
    """The tasks of a build per type, in the order in which the types come."""
    found: dict[str, Tally] = {}
    for task in tasks:
        found[task.task.type] = found.get(task.task.type, Tally()).plus(tally_of(task))
    return found


def together(tallies: Iterable[Mapping[str, Tally]]) -> dict[str, Tally]:
    """Several builds as one."""
    found: dict[str, Tally] = {}
    for by_type in tallies:
        for type_, tally in by_type.items():
            found[type_] = found.get(type_, Tally()).plus(tally)
    return found
