"""Adding up what models used, without ever counting the unknown as nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
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
    def task(self) -> str: ...
    @property
    def attempt(self) -> str: ...
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
    reserved_cost: Decimal = Decimal(
        0
    )  # the part of `cost` that was only reserved: no usage was reported for it
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

    @property
    def prompt_tokens(self) -> int:
        """All input that was reported, whether it came from a cache or not."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens

    @property
    def cache_share(self) -> float | None:
        """The part of the input that was read from the provider's cache, 0 to 1; None without any input."""
        return self.cache_read_tokens / self.prompt_tokens if self.prompt_tokens else None

    def with_(self, other: "Amount") -> "Amount":
        """Both together."""
        return Amount(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

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
            reserved_cost=self.reserved_cost + (call.cost or 0 if missing else 0),
            unpriced_calls=self.unpriced_calls + (call.cost is None and not call.simulated),
            seconds=self.seconds + call.seconds,
        )


@dataclass(frozen=True, slots=True)
class Share:
    """What one model took for one kind of step, on one rung of the ladder, for one task."""

    step: str
    model: str
    rung: int
    task: str
    amount: Amount


@dataclass(frozen=True, slots=True)
class Spend:
    total: Amount = Amount()
    master: Amount = Amount()  # every call but those that answer a task
    by_model: Mapping[str, Amount] = field(default_factory=dict)
    by_rung: Mapping[int, Amount] = field(default_factory=dict)  # task calls only: planning stands on no rung
    simulated: tuple[str, ...] = ()  # the models that were simulated
    real: tuple[str, ...] = ()
    shares: tuple[Share, ...] = ()  # the same calls, told apart
    by_attempt: Mapping[str, Amount] = field(default_factory=dict)


def add_up(calls: Iterable[Charged]) -> Spend:
    """The sum of these calls, in all, per model, and per rung of the ladder."""
    total, master = Amount(), Amount()
    by_model: dict[str, Amount] = {}
    by_rung: dict[int, Amount] = {}
    by_attempt: dict[str, Amount] = {}
    shares: dict[tuple[str, str, int, str], Amount] = {}
    simulated: dict[str, bool] = {}
    for call in calls:
        total = total.plus(call)
        by_model[call.model] = by_model.get(call.model, Amount()).plus(call)
        if call.step == "task":
            by_rung[call.rung] = by_rung.get(call.rung, Amount()).plus(call)
        else:
            master = master.plus(call)
        if call.attempt:
            by_attempt[call.attempt] = by_attempt.get(call.attempt, Amount()).plus(call)
        key = (call.step, call.model, call.rung, call.task)
        shares[key] = shares.get(key, Amount()).plus(call)
        simulated[call.model] = call.simulated
    return Spend(
        total,
        master,
        by_model,
        dict(sorted(by_rung.items())),
        simulated=tuple(model for model, played in simulated.items() if played),
        real=tuple(model for model, played in simulated.items() if not played),
        shares=tuple(Share(*key, amount) for key, amount in shares.items()),
        by_attempt=by_attempt,
    )
