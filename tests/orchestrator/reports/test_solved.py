"""What each rung solved, per model and type of task."""

from dataclasses import dataclass
from decimal import Decimal

from codegod_orchestrator.ladder import StepKind
from codegod_orchestrator.reports.solved import Solved, solved_by
from codegod_orchestrator.spend import Amount


@dataclass(frozen=True)
class Try:
    id: str
    rung: int
    kind: StepKind = "first"
    state: str = "rejected"

    @property
    def task(self) -> str:
        return self.id.partition(".")[0]

    @property
    def model(self) -> str:
        return ("small", "big")[self.rung]


def test_rungs_models_and_types_are_told_apart() -> None:
    attempts = [
        Try("api.1", 0),
        Try("api.2", 0, "repair", "accepted"),
        Try("web.1", 0),
        Try("web.2", 0, "resample"),
        Try("web.3", 1, "first", "accepted"),
        Try("store.1", 0, "first", "accepted"),
    ]
    spent = {"api.1": Amount(1, 10, 5, cost=Decimal("0.1")), "api.2": Amount(1, 10, 5), "web.3": Amount(2)}
    types = {"api": "backend", "store": "backend", "web": "frontend"}
    assert solved_by(types, attempts, spent) == (
        Solved(0, "small", "backend", 2, 2, 1, 1, 0, 3, Amount(2, 20, 10, cost=Decimal("0.1"))),
        Solved(0, "small", "frontend", 1, 0, 0, 0, 0, 2, Amount()),
        Solved(1, "big", "frontend", 1, 1, 1, 0, 0, 1, Amount(2)),
    )


def test_without_attempts_there_is_no_row() -> None:
    assert solved_by({"api": "backend"}, [], {}) == ()
