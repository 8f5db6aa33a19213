"""What a build may take at most, and the two faults that say so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from codegod_models import ModelName, price_of

LimitName = Literal["attempts", "tokens", "seconds", "cost"]

FLAGS: Mapping[LimitName, str] = {
    "attempts": "--max-attempts",
    "tokens": "--max-tokens",
    "seconds": "--max-time",
    "cost": "--max-cost",
}
"""How each limit is named on the command line; messages quote it."""


class Limits(BaseModel):
    """The most that a build may take in all, however often it is resumed; None: no limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    attempts: Annotated[int, Field(ge=1)] | None = None
    tokens: Annotated[int, Field(ge=1)] | None = None
    seconds: Annotated[float, Field(gt=0)] | None = None
    """Of wall time while the build is worked on; the time between an interruption and a resume does not count."""
    cost: Annotated[Decimal, Field(gt=0)] | None = None
    """In US dollars."""

    def shown(self) -> str:
        """The limits that are set, e.g. `$2.50, 500000 tokens`; empty when there is none."""
        return ", ".join(amount(name, value) for name in FLAGS if (value := getattr(self, name)) is not None)


class BudgetFault(Exception):
    """A build may not go on, or not start, because of what it may spend."""


class LimitReached(BudgetFault):
    """The next step does not fit into what is left. Nothing of it was done, and nothing of it was spent."""

    def __init__(self, limit: str, spent: str, flag: str = "") -> None:
        named = f" ({flag})" if flag else ""
        super().__init__(f"The limit of {limit}{named} is reached: {spent}.")
        self.limit = limit
        self.spent = spent
        self.flag = flag

    def advice(self, build: str) -> str:
        """How to go on, as a command."""
        return f"codegod resume {build} {self.flag or '--max-…'} MORE"


class PriceUnknown(BudgetFault):
    """There is a limit in money, and nobody here knows what this model costs."""

    def __init__(self, models: Iterable[str], *, spent: bool = False) -> None:
        self.models = tuple(dict.fromkeys(models))
        names = " and ".join(map(repr, self.models))
        plural = len(self.models) > 1
        if spent:
            why = f"{names} {'were' if plural else 'was'} asked before, and what that cost is not known"
        else:
            why = f"the price of {names} is not known"
        super().__init__(
            f"A limit in money (--max-cost) cannot be kept: {why}. Choose models with a known price, or limit "
            "the build by --max-tokens instead."
        )


def require_prices(limits: Limits, models: Iterable[ModelName | str], at: date) -> None:
    """Return if money can be counted as far as `limits` ask for it; raises `PriceUnknown`, naming the models."""
    if limits.cost is None:
        return
    if unknown := [str(model) for model in models if price_of(model, at) is None]:
        raise PriceUnknown(unknown)


def amount(name: LimitName, value: Decimal | float) -> str:
    """An amount of this kind for people: `$0.1234`, `12 min`, `3 attempts`."""
    if name == "cost":
        return dollars(Decimal(value))
    if name == "seconds":
        return duration(float(value))
    return f"{int(value)} {name if value != 1 else name.removesuffix('s')}"


def dollars(cost: Decimal) -> str:
    """`$12.50`; below a dollar with four decimals, as a single call often costs less than a cent."""
    return f"${cost.quantize(Decimal('0.01') if cost >= 1 else Decimal('0.0001'))}"


def duration(seconds: float) -> str:
    """`45 s`, `12 min`, `2.5 h`."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7_200 else f"{seconds / 3_600:.1f} h"
