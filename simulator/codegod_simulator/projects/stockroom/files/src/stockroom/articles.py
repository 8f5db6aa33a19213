"""Articles, movements and what callers may say about them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from stockroom.errors import BadInput

SKU = re.compile(r"[A-Z0-9-]{2,20}")
LONGEST_NAME = 100
LARGEST_CHANGE = 1_000_000  # pieces; more is a slip of the keyboard


@dataclass(frozen=True, slots=True)
class Article:
    """One kind of thing that is kept, and how many of it there are."""

    sku: str
    name: str
    minimum: int = 0
    quantity: int = 0

    @property
    def lacking(self) -> int:
        """How many pieces are missing to the minimum; 0 or less when there are enough."""
        return self.minimum - self.quantity


@dataclass(frozen=True, slots=True)
class Movement:
    """Pieces that came in (above 0) or went out (below 0)."""

    sku: str
    change: int
    reason: str
    at: datetime


def parse_article(values: object) -> Article:
    """The new article that decoded JSON means: sku and name, and minimum if it is not 0; raises BadInput."""
    fields = _mapping(values, {"sku", "name", "minimum"})
    problems = _unknown(fields, {"sku", "name", "minimum"})
    sku, name, minimum = (
        fields.get("sku"),
        fields.get("name"),
        fields.get("minimum", 0),
    )
    if not (isinstance(sku, str) and SKU.fullmatch(sku)):
        problems["sku"] = "2 to 20 capital letters, digits or dashes"
    stripped = name.strip() if isinstance(name, str) else ""
    if not 1 <= len(stripped) <= LONGEST_NAME:
        problems["name"] = f"1 to {LONGEST_NAME} characters"
    if not (_is_integer(minimum) and 0 <= int(str(minimum)) <= LARGEST_CHANGE):
        problems["minimum"] = f"an integer from 0 to {LARGEST_CHANGE}"
    if problems:
        raise BadInput(problems)
    return Article(sku=str(sku), name=stripped, minimum=int(str(minimum)))


def parse_change(values: object) -> tuple[int, str]:
    """The change of a movement and its reason, "" when none is given; raises BadInput."""
    fields = _mapping(values, {"change", "reason"})
    problems = _unknown(fields, {"change", "reason"})
    change, reason = fields.get("change"), fields.get("reason", "")
    if not (
        _is_integer(change) and change != 0 and abs(int(str(change))) <= LARGEST_CHANGE
    ):
        problems["change"] = (
            f"an integer other than 0, at most {LARGEST_CHANGE} either way"
        )
    if not isinstance(reason, str) or len(reason) > LONGEST_NAME:
        problems["reason"] = f"a text of at most {LONGEST_NAME} characters"
    if problems:
        raise BadInput(problems)
    return int(str(change)), str(reason).strip()


def _mapping(values: object, known: set[str]) -> dict[str, object]:
    if not isinstance(values, Mapping):
        raise BadInput({"body": f"an object with {', '.join(sorted(known))}"})
    return {str(name): value for name, value in values.items()}


def _unknown(fields: Mapping[str, object], known: set[str]) -> dict[str, str]:
    return {name: "no such field" for name in fields if name not in known}


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
