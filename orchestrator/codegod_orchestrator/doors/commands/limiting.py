"""The limits of a build as options of the command line: read, checked, and changed for a build that goes on."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from codegod_orchestrator.budget import LIMITS_CHANGED
from codegod_orchestrator.doors.settings import Refused
from codegod_orchestrator.journal import ClaimedBuild, Journal
from codegod_orchestrator.limits import FLAGS, LimitName, Limits, amount

NONE = "none"  # what takes a limit away again
_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?", re.ASCII)
_UNIT_SECONDS = (3_600.0, 60.0, 1.0)


def limits_of(options: argparse.Namespace) -> Limits:
    """The limits that were given; raises `Refused` for one that is no amount."""
    return changed_limits(options, Limits())


def changed_limits(options: argparse.Namespace, before: Limits) -> Limits:
    """`before` with what was given in its place; `none` takes a limit away."""
    given: dict[str, Any] = {}
    for name, flag in FLAGS.items():
        text = str(getattr(options, flag.removeprefix("--").replace("-", "_"))).strip().lower()
        if text == NONE:
            given[name] = None
        elif text:
            given[name] = _READ[name](text, flag)
    return before.model_copy(update=given)


async def current_limits(journal: Journal, build: str, started: Limits) -> Limits:
    """The limits of a build: those it was `started` with, or what they were changed to since."""
    changed = await journal.events_of(build, (LIMITS_CHANGED,))
    return Limits.model_validate(changed[-1].data) if changed else started


async def keep_limits(claimed: ClaimedBuild, limits: Limits) -> None:
    """From now on the build keeps to `limits`."""
    await claimed.append(LIMITS_CHANGED, limits.model_dump(mode="json"))


async def require_room(journal: Journal, build: str, limits: Limits) -> None:
    """Return if something is left of every limit; raises `Refused` and says which one to raise."""
    spend = (await journal.spend(build)).total
    spent: dict[LimitName, Decimal | int] = {"cost": spend.cost, "tokens": spend.tokens}
    for name, value in spent.items():
        limit = getattr(limits, name)
        if limit is not None and value >= limit:
            raise Refused(
                f"{build} has taken {amount(name, value)} and its limit is {amount(name, limit)}. Go on with more: "
                f"codegod resume {build} {FLAGS[name]} MORE"
            )


def _count(text: str, flag: str) -> int:
    plain = text.replace("_", "").replace(",", "")
    if not (plain.isascii() and plain.isdigit()) or int(plain) < 1:
        raise Refused(f"{flag} {text!r} is not a number. Write 1 or more, or none.")
    return int(plain)


def _money(text: str, flag: str) -> Decimal:
    try:
        dollars = Decimal(text.removeprefix("$"))
    except InvalidOperation:
        dollars = Decimal(0)
    if not dollars.is_finite() or dollars <= 0:
        raise Refused(f"{flag} {text!r} is not an amount in US dollars. Write for example 2.50, or none.")
    return dollars


def _time(text: str, flag: str) -> float:
    found = _DURATION.fullmatch(text)
    parts = found.groups() if found else ()
    seconds = sum(float(part) * unit for part, unit in zip(parts, _UNIT_SECONDS, strict=False) if part)
    if seconds <= 0:
        raise Refused(f"{flag} {text!r} is not a time. Write for example 90s, 30m, 1h30m, or none.")
    return seconds


_READ: dict[LimitName, Callable[[str, str], Any]] = {
    "attempts": _count,
    "tokens": _count,
    "seconds": _time,
    "cost": _money,
}
