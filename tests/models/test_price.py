"""What a reply costs, and when nobody can say."""

from datetime import date
from decimal import Decimal

import pytest

from codegod_models import ModelName, Usage, cost, price_of

NOVEMBER = date(2026, 11, 22)
MILLION = 1_000_000


def test_each_kind_of_token_has_its_own_price() -> None:
    usage = Usage(MILLION, MILLION, cache_read_tokens=MILLION, cache_write_tokens=MILLION)
    assert cost("anthropic:claude-opus-5-5", usage, NOVEMBER) == Decimal("29.20")


@pytest.mark.parametrize(("day", "dollars"), [(6, "0.20"), (7, "0.10"), (31, "0.10")])
def test_a_price_holds_from_its_date(day: int, dollars: str) -> None:
    usage = Usage(0, 0, cache_read_tokens=MILLION)
    assert cost("claude-sonnet-5-5", usage, date(2026, 10, day)) == Decimal(dollars)


@pytest.mark.parametrize(
    ("usage", "dollars"),
    [
        (Usage(100_000, MILLION), "0.51"),
        (Usage(100_001, MILLION), "2.5500005"),
        (Usage(1, MILLION, cache_read_tokens=100_000), "2.5050005"),
    ],
)
def test_a_long_prompt_is_dearer_as_a_whole_and_cached_tokens_count(usage: Usage, dollars: str) -> None:
    assert cost("claude-haiku-5-5", usage, NOVEMBER) == Decimal(dollars)


def test_a_dated_name_has_the_price_of_its_model() -> None:
    assert price_of("claude-opus-4-5-20251101", NOVEMBER) == price_of("claude-opus-4-5", NOVEMBER)


@pytest.mark.parametrize(
    ("model", "day"),
    [
        ("anthropic:claude-nobody-knows", NOVEMBER),
        ("ollama:gpt-oss:120b-cloud", NOVEMBER),
        ("host:claude-desktop", NOVEMBER),
        ("openai:claude-opus-5-5", NOVEMBER),
        ("claude-opus-5-5", date(2025, 1, 1)),
    ],
)
def test_an_unknown_price_is_unknown_and_not_nothing(model: str, day: date) -> None:
    assert cost(model, Usage(1, 1), day) is None


@pytest.mark.parametrize("usage", [Usage(None, 5), Usage(5, None)])
def test_a_missing_count_makes_the_cost_unknown(usage: Usage) -> None:
    assert cost("claude-opus-5-5", usage, NOVEMBER) is None


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (ModelName("ollama", "qwen2.5-coder:7b"), "your own hardware"),
        (ModelName("anthropic", "claude-opus-5-5", simulated=True), "no model was asked"),
    ],
)
def test_what_costs_nothing_says_why(model: ModelName, why: str) -> None:
    price = price_of(model, NOVEMBER)
    assert price is not None
    assert why in price.note
    assert cost(model, Usage(None, None), NOVEMBER) == 0
