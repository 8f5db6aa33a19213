"""What tokens cost, by model and date. A model that is not in the table has no price, which is not a price of nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from codegod_models.names import ModelName, parse_model

if TYPE_CHECKING:
    from codegod_models.provider import Usage

MILLION = Decimal(1_000_000)
_DATED = re.compile(r"-(?:\d{8}|latest)$")


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens. `long` holds for a whole request whose prompt exceeds `long_above` tokens."""

    input: Decimal
    output: Decimal
    cache_write: Decimal
    cache_read: Decimal
    long_above: int | None = None
    long: Price | None = None
    note: str = ""

    def of(self, usage: Usage) -> Decimal | None:
        """The cost in dollars, or None when the server did not say how many tokens it used."""
        if not self.input and not self.output:
            return Decimal(0)
        if usage.input_tokens is None or usage.output_tokens is None:
            return None
        prompt = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
        if self.long and self.long_above is not None and prompt > self.long_above:
            return self.long.of(usage)
        return (
            self.input * usage.input_tokens
            + self.output * usage.output_tokens
            + self.cache_write * usage.cache_write_tokens
            + self.cache_read * usage.cache_read_tokens
        ) / MILLION


def _price(input_: str, output: str, cache_write: str, cache_read: str) -> Price:
    return Price(Decimal(input_), Decimal(output), Decimal(cache_write), Decimal(cache_read))


def _free(note: str) -> Price:
    nothing = Decimal(0)
    return Price(nothing, nothing, nothing, nothing, note=note)


LOCAL = _free("runs on your own hardware: no price per token")
SIMULATED = _free("simulated: no model was asked, nothing is paid")

_READ = date(
    2026, 10, 1
)  # read from the provider's price pages in October 2026; no claim is made for earlier days
_OPUS = _price("5", "25", "6.25", "0.50")
_OPUS_5_5 = _price("4", "20", "5", "0.20")
_SONNET_4 = _price("3", "15", "3.75", "0.30")
_SONNET_5 = _price("2", "10", "2.50", "0.20")
_SONNET_5_5 = _price("2", "10", "2.50", "0.10")
_HAIKU_4_5 = _price("1", "5", "1.25", "0.10")
_HAIKU_5_5_LONG = _price("0.50", "2.50", "0.625", "0.05")
_HAIKU_5_5 = Price(
    Decimal("0.10"),
    Decimal("0.50"),
    Decimal("0.125"),
    Decimal("0.01"),
    long_above=100_000,
    long=_HAIKU_5_5_LONG,
)
_FABLE_5 = _price("10", "50", "12.50", "1.00")
_FABLE_5_1 = _price("10", "50", "12.50", "0.25")

# Each row holds from its date until the next row of the same model.
_ANTHROPIC: tuple[tuple[str, date, Price], ...] = (
    ("claude-opus-4-5", _READ, _OPUS),
    ("claude-opus-4-6", _READ, _OPUS),
    ("claude-opus-4-7", _READ, _OPUS),
    ("claude-opus-4-8", _READ, _OPUS),
    ("claude-opus-5", _READ, _OPUS),
    ("claude-opus-5-5", _READ, _OPUS_5_5),
    ("claude-sonnet-4-5", _READ, _SONNET_4),
    ("claude-sonnet-4-6", _READ, _SONNET_4),
    ("claude-sonnet-5", _READ, _SONNET_5),
    ("claude-sonnet-5-5", _READ, _SONNET_5),
    ("claude-sonnet-5-5", date(2026, 10, 7), _SONNET_5_5),
    ("claude-haiku-4-5", _READ, _HAIKU_4_5),
    ("claude-haiku-5-5", date(2026, 10, 7), _HAIKU_5_5),
    ("claude-fable-5", _READ, _FABLE_5),
    ("claude-fable-5-1", _READ, _FABLE_5_1),
)


def price_of(model: ModelName | str, at: date) -> Price | None:
    """The price of `model` on that day; None when nobody here knows it."""
    name = parse_model(model) if isinstance(model, str) else model
    if name.simulated:
        return SIMULATED
    if name.provider == "ollama":
        return (
            None if name.model.endswith("cloud") else LOCAL
        )  # `…-cloud` runs on a paid service behind Ollama
    plain = _DATED.sub("", name.model)
    rows = [(since, price) for row, since, price in _ANTHROPIC if row == plain and since <= at]
    return max(rows, key=lambda row: row[0])[1] if rows and name.provider == "anthropic" else None


def cost(model: ModelName | str, usage: Usage, at: date) -> Decimal | None:
    """What a reply of `model` cost in dollars on that day; None when price or usage is unknown."""
    price = price_of(model, at)
    return price.of(usage) if price else None
