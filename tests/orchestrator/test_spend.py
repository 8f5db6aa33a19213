"""Adding up: the unknown never counts as nothing."""

from dataclasses import dataclass
from decimal import Decimal

from codegod_orchestrator.spend import Amount, add_up


@dataclass(frozen=True)
class Call:
    model: str = "m"
    rung: int = 0
    step: str = "task"
    task: str = "t"
    attempt: str = "t.1"
    simulated: bool = False
    input_tokens: int | None = 100
    output_tokens: int | None = 50
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reserved_tokens: int = 1000
    cost: Decimal | None = Decimal("0.1")
    seconds: float = 1.0


def test_nothing_adds_up_to_nothing() -> None:
    assert add_up([]).total == Amount()


def test_tokens_of_caches_count() -> None:
    total = add_up([Call(cache_read_tokens=7, cache_write_tokens=3)]).total
    assert (total.tokens, total.reserved_tokens) == (160, 0)


def test_missing_usage_counts_as_what_was_reserved() -> None:
    total = add_up([Call(input_tokens=None, output_tokens=None), Call(output_tokens=None)]).total
    assert (total.tokens, total.reserved_tokens) == (2000, 1900)


def test_an_unknown_price_is_counted_and_a_simulated_call_is_free() -> None:
    spend = add_up([Call(cost=None), Call(), Call(model="played", simulated=True, cost=None)])
    assert (spend.total.cost, spend.total.unpriced_calls) == (Decimal("0.1"), 1)
    assert (spend.simulated, spend.real) == (("played",), ("m",))


def test_costs_are_exact() -> None:
    assert add_up([Call(cost=Decimal("0.1"))] * 3).total.cost == Decimal("0.3")


def test_rungs_are_those_of_tasks() -> None:
    spend = add_up([Call(rung=1), Call(rung=0), Call(step="plan", rung=0)])
    assert {rung: amount.calls for rung, amount in spend.by_rung.items()} == {0: 1, 1: 1}
    assert spend.by_model["m"].calls == 3
