"""What each rung of the ladder solved, per model and type of task, and what that took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from codegod_orchestrator.ladder import StepKind
from codegod_orchestrator.spend import Amount


class Tried(Protocol):
    """What is read of an attempt; `journal.Attempt` has it."""

    @property
    def id(self) -> str: ...
    @property
    def task(self) -> str: ...
    @property
    def rung(self) -> int: ...
    @property
    def model(self) -> str: ...
    @property
    def kind(self) -> StepKind: ...
    @property
    def state(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Solved:
    """One row: what one model did on one rung with the tasks of one type."""

    rung: int
    model: str
    type: str
    tasks: int  # that reached this rung
    solved: int  # that ended here, accepted
    first: int  # of those: by the first try,
    repaired: int  # by a repair,
    resampled: int  # by a fresh try
    attempts: int
    amount: Amount


def solved_by(
    types: Mapping[str, str], attempts: Iterable[Tried], spent: Mapping[str, Amount]
) -> tuple[Solved, ...]:
    """The rows in the ladder's order. `types` are those of the tasks, `spent` is what each attempt took."""
    rows: dict[tuple[int, str, str], list[Tried]] = {}
    for attempt in attempts:
        key = (attempt.rung, attempt.model, types.get(attempt.task, ""))
        rows.setdefault(key, []).append(attempt)
    return tuple(_row(key, rows[key], spent) for key in sorted(rows))


def _row(key: tuple[int, str, str], attempts: Sequence[Tried], spent: Mapping[str, Amount]) -> Solved:
    rung, model, type_ = key
    kinds = [attempt.kind for attempt in attempts if attempt.state == "accepted"]
    total = Amount()
    for attempt in attempts:
        total = total.with_(spent.get(attempt.id, Amount()))
    return Solved(
        rung=rung,
        model=model,
        type=type_,
        tasks=len({attempt.task for attempt in attempts}),
        solved=len(kinds),
        first=kinds.count("first"),
        repaired=kinds.count("repair"),
        resampled=kinds.count("resample"),
        attempts=len(attempts),
        amount=total,
    )
