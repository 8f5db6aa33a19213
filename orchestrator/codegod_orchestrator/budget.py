"""What a build has spent and may still spend: every model call is reserved here first, and settled by its usage.

There is one budget for a build, in the process that has the build claimed. It counts from the journal: what a killed
process had asked and nobody heard the answer of stays spent, as much as was reserved for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

import anyio

from codegod_models import ModelName, ModelRequest, Usage, price_of, request_tokens
from codegod_orchestrator.journal import ClaimedBuild, Event, Journal, ModelCall
from codegod_orchestrator.limits import (
    FLAGS,
    BudgetFault,
    LimitName,
    LimitReached,
    Limits,
    PriceUnknown,
    amount,
    require_prices,
)
from codegod_orchestrator.spend import Amount

LIMITS_CHANGED = "limits.changed"
ASKED = "model.asked"
CALLED = "model.called"
CLAIMED = "build.claimed"
NEVER_HEARD = "the process that asked went away before the answer was recorded"
EVENTS_PAGE = 500


@dataclass(frozen=True, slots=True)
class Held:
    """What is set aside for one call that has not ended yet. `cost` is None when the price is not known."""

    number: int
    tokens: int
    cost: Decimal | None


@dataclass(frozen=True, slots=True)
class Past:
    """What the journal tells of a build's spending, beside its model calls."""

    limits: Limits | None = None  # as they were changed last
    attempts: frozenset[str] = frozenset()  # those that asked a model
    seconds: float = 0.0  # of work, this run's own included
    unheard: tuple[Event, ...] = ()  # questions whose answers were never recorded


@dataclass(slots=True)
class Budget:
    """One build's limits and what counts against them; without limits it only counts."""

    limits: Limits = field(default_factory=Limits)
    clock: Callable[[], float] = time.monotonic
    tokens: int = 0
    cost: Decimal = Decimal(0)
    _attempts: set[str] = field(default_factory=set)
    _started: float | None = None
    _held: dict[int, Held] = field(default_factory=dict)
    _numbers: int = 0
    _settled: anyio.Event | None = None

    async def take_up(
        self, journal: Journal, claimed: ClaimedBuild, limits: Limits, models: Iterable[ModelName | str]
    ) -> None:
        """Count what the build has spent so far, and keep to `limits` or to what they were changed to since.

        Raises `PriceUnknown` when money is limited and cannot be counted.
        """
        past = past_of(await all_events(journal, claimed.id), datetime.now(UTC))
        for event in past.unheard:
            await claimed.record_model_call(_unheard(event))
        spend = await journal.spend(claimed.id)
        self.limits = past.limits or limits
        require_prices(self.limits, models, datetime.now(UTC).date())
        if self.limits.cost is not None and spend.total.unpriced_calls:
            unpriced = [model for model, one in spend.by_model.items() if one.unpriced_calls]
            raise PriceUnknown(unpriced, spent=True)
        self.tokens, self.cost = spend.total.tokens, spend.total.cost
        self._attempts = set(past.attempts)
        self._started = self.clock() - past.seconds

    @property
    def counting(self) -> bool:
        """Whether `take_up` has been called."""
        return self._started is not None

    @property
    def seconds(self) -> float:
        """How long the build has been worked on."""
        return 0.0 if self._started is None else self.clock() - self._started

    def seconds_left(self, most: float) -> float:
        """What is left of the limit in time, and `most` at most; raises `LimitReached` when nothing is."""
        if self.limits.seconds is None:
            return most
        left = self.limits.seconds - self.seconds
        if left <= 0:
            raise _reached("seconds", self.limits.seconds, f"{amount('seconds', self.seconds)} have passed")
        return min(left, most)

    def begin_attempt(self, attempt: str) -> None:
        """Count an attempt before its first call; raises `LimitReached` when it would be one too many."""
        limit = self.limits.attempts
        if attempt not in self._attempts and limit is not None and len(self._attempts) >= limit:
            raise _reached("attempts", limit, f"{amount('attempts', len(self._attempts))} were made")
        self._attempts.add(attempt)

    async def reserve(self, model: ModelName, request: ModelRequest) -> Held:
        """Set aside the most that `request` may take, waiting for open calls to settle if that can make room.

        Raises `LimitReached` when it does not fit into what is left, `PriceUnknown` when nobody can tell.
        """
        tokens, cost = most_tokens(request), most_cost(model, request)
        if cost is None and self.limits.cost is not None:
            raise PriceUnknown((str(model),))
        while True:
            self.seconds_left(0.0)
            self._require("tokens", self.tokens, tokens, self.limits.tokens)
            self._require("cost", self.cost, cost or Decimal(0), self.limits.cost)
            if self._fits(tokens, cost or Decimal(0)):
                break
            self._settled = self._settled or anyio.Event()
            await self._settled.wait()
        self._numbers += 1
        held = self._held[self._numbers] = Held(self._numbers, tokens, cost)
        return held

    def settle(self, held: Held, call: ModelCall | None) -> None:
        """Count what `call` took in place of what was held for it; None: it was never made."""
        del self._held[held.number]
        if call is not None:
            took = Amount().plus(call)
            self.tokens += took.tokens
            self.cost += took.cost
        if self._settled is not None:
            self._settled.set()
            self._settled = None

    def _require(
        self, name: LimitName, spent: Decimal | int, more: Decimal | int, limit: Decimal | int | None
    ) -> None:
        if limit is not None and spent + more > limit:
            said = f"{amount(name, spent)} spent, and the next call may take up to {amount(name, more)}"
            raise _reached(name, limit, said)

    def _fits(self, tokens: int, cost: Decimal) -> bool:
        """Whether there is room beside the calls that are open now."""
        open_tokens = sum(held.tokens for held in self._held.values())
        open_cost = sum((held.cost or Decimal(0) for held in self._held.values()), Decimal(0))
        enough_tokens = self.limits.tokens is None or self.tokens + open_tokens + tokens <= self.limits.tokens
        enough_money = self.limits.cost is None or self.cost + open_cost + cost <= self.limits.cost
        return enough_tokens and enough_money


def most_tokens(request: ModelRequest) -> int:
    """The most tokens that one try at `request` may take, in and out."""
    return request_tokens(request) + request.max_tokens


def most_cost(model: ModelName, request: ModelRequest) -> Decimal | None:
    """The most dollars that one try at `request` may cost; None when the price is not known."""
    price = price_of(model, datetime.now(UTC).date())
    if price is None:
        return None
    prompt = request_tokens(request)
    plain = Usage(input_tokens=prompt, output_tokens=request.max_tokens)
    written = Usage(input_tokens=0, output_tokens=request.max_tokens, cache_write_tokens=prompt)
    return max(price.of(plain) or Decimal(0), price.of(written) or Decimal(0))


def past_of(events: Iterable[Event], now: datetime) -> Past:
    """What these events of one build, oldest first, tell of its spending until `now`."""
    limits: Limits | None = None
    attempts: set[str] = set()
    seconds, begun, last = 0.0, None, None
    asked: dict[tuple[str, str, str, str], list[Event]] = {}
    for event in events:
        if event.kind == CLAIMED:
            seconds += (last - begun).total_seconds() if begun and last else 0.0
            begun = event.at
        last = event.at
        if event.kind == LIMITS_CHANGED:
            limits = Limits.model_validate(event.data)
        elif event.kind == ASKED:
            asked.setdefault(_question(event), []).append(event)
            attempts |= {event.attempt} - {""}
        elif event.kind == CALLED:
            _take_answered(asked.get(_question(event), []))
    seconds += (now - begun).total_seconds() if begun else 0.0
    unheard = tuple(event for waiting in asked.values() for event in waiting)
    return Past(limits, frozenset(attempts), seconds, unheard)


def _question(event: Event) -> tuple[str, str, str, str]:
    return event.task, event.attempt, str(event.data.get("step")), str(event.data.get("model"))


def _take_answered(waiting: list[Event]) -> None:
    """Take one off: where several of a kind wait, the one with the least reserved, so that no money is forgotten."""
    if waiting:
        waiting.remove(min(waiting, key=lambda event: int(event.data.get("reserved_tokens", 0))))


def _unheard(event: Event) -> ModelCall:
    """The call behind a question that nobody heard the answer of: it stays spent."""
    data, cost = event.data, event.data.get("reserved_cost")
    return ModelCall(
        step=data["step"],
        model=str(data["model"]),
        simulated=bool(data.get("simulated", False)),
        request="",
        reply="",
        stop="",
        seconds=0.0,
        reserved_tokens=int(data.get("reserved_tokens", 0)),
        cost=None if cost is None else Decimal(cost),
        rung=int(data.get("rung", 0)),
        task=event.task,
        attempt=event.attempt,
        error=NEVER_HEARD,
    )


async def all_events(journal: Journal, build: str) -> list[Event]:
    """Everything that happened to a build, oldest first."""
    events: list[Event] = []
    while page := await journal.events(build, events[-1].seq if events else 0, EVENTS_PAGE):
        events += page
    return events


def _reached(name: LimitName, limit: Decimal | float, spent: str) -> LimitReached:
    return LimitReached(amount(name, limit), spent, FLAGS[name])


__all__ = [
    "LIMITS_CHANGED",
    "Budget",
    "BudgetFault",
    "Held",
    "LimitReached",
    "Limits",
    "PriceUnknown",
    "all_events",
    "most_cost",
    "most_tokens",
    "past_of",
    "require_prices",
]
