"""Adding up what models used, without ever counting the unknown as nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol


class Charged(Protocol):
    """What is read of a model call; `journal.ModelCall` has it."""

    @property
    def model(self) -> str: ...
    @property
    def rung(self) -> int: ...
    @property
    def step(self) -> str: ...
    @property
    def simulated(self) -> bool: ...
    @property
    def input_tokens(self) -> int | None: ...
    @property
    def output_tokens(self) -> int | None: ...
    @property
    def cache_read_tokens(self) -> int: ...
    @property
    def cache_write_tokens(self) -> int: ...
    @property
    def reserved_tokens(self) -> int: ...
    @property
    def cost(self) -> Decimal | None: ...
    @property
    def seconds(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Amount:
    """A sum of calls; `reserved_tokens` stand in for the usage that a call did not report."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reserved_tokens: int = 0
    cost: Decimal = Decimal(0)
    unpriced_calls: int = 0  # calls whose cost nobody knows: `cost` is then only a lower bound
    seconds: float = 0.0

    @property
    def tokens(self) -> int:
        return (
            self.input_tokens
            + self.output_tokens
            + self.cache_read_tokens
            + self.cache_write_tokens
            + self.reserved_tokens
        )

    def plus(self, call: Charged) -> "Amount":
        known = (call.input_tokens or 0) + (call.output_tokens or 0)
        missing = call.input_tokens is None or call.output_tokens is None
        return Amount(
            calls=self.calls + 1,
            input_tokens=self.input_tokens + (call.input_tokens or 0),
            output_tokens=self.output_tokens + (call.output_tokens or 0),
            cache_read_tokens=self.cache_read_tokens + call.cache_read_tokens,
            cache_write_tokens=self.cache_write_tokens + call.cache_write_tokens,
            reserved_tokens=self.reserved_tokens + (max(0, call.reserved_tokens - known) if missing else 0),
            cost=self.cost + (call.cost or 0),
            unpriced_calls=self.unpriced_calls + (call.cost is None and not call.simulated),
            seconds=self.seconds + call.seconds,
        )


@dataclass(frozen=True, slots=True)
class Spend:
    total: Amount = Amount()
    by_model: Mapping[str, Amount] = field(default_factory=dict)
    by_rung: Mapping[int, Amount] = field(default_factory=dict)  # task calls only: planning stands on no rung
    simulated: tuple[str, ...] = ()  # the models that were simulated
    real: tuple[str, ...] = ()


def add_up(calls: Iterable[Charged]) -> Spend:
    """The sum of these calls, in all, per model, and per rung of the ladder."""
    total = Amount()
    by_model: dict[str, Amount] = {}
    by_rung: dict[int, Amount] = {}
    simulated: dict[str, bool] = {}
    for call in calls:
        total = total.plus(call)
        by_model[call.model] = by_model.get(call.model, Amount()).plus(call)
        if call.step == "task":
            by_rung[call.rung] = by_rung.get(call.rung, Amount()).plus(call)
        simulated[call.model] = call.simulated
    return Spend(
        total,
        by_model,
        dict(sorted(by_rung.items())),
        simulated=tuple(model for model, played in simulated.items() if played),
        real=tuple(model for model, played in simulated.items() if not played),
    )
