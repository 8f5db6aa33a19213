"""Reading an answer over httpx line by line: how long it may be silent, and what it means when it stops."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import anyio
import httpx

from codegod_models.faults import ConnectionLost, Stalled, StreamCut, TransientFault

SAID_CHARS = 2000  # of a server's words that a message may carry
PASSING_STATUS = frozenset({408, 409, 425, 429})  # and everything from 500 up

_SHOWN_CHARS = 80  # enough to see what kind of thing stands there


async def next_line(lines: AsyncIterator[str], idle_seconds: float) -> str | None:
    """The next line, or None at the end. Every line counts as a sign of life; without one it raises `Stalled`."""
    try:
        with anyio.fail_after(idle_seconds):
            return await anext(lines, None)
    except TimeoutError as error:
        raise Stalled(idle_seconds) from error


def json_object(text: str) -> Mapping[str, Any]:
    """The object that a line holds; anything else is an answer that was spoilt on its way."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise StreamCut(f"a line is not JSON: {text[:_SHOWN_CHARS]!r}") from error
    if not isinstance(value, dict):
        raise StreamCut(f"a line is not an object: {text[:_SHOWN_CHARS]!r}")
    return value


def lost(error: httpx.HTTPError, url: str, first_seconds: float, hint: str = "") -> TransientFault:
    """What a failure of the transport stands for."""
    if isinstance(error, httpx.ReadTimeout):
        return Stalled(first_seconds)
    if isinstance(error, httpx.ConnectError | httpx.TimeoutException):
        return ConnectionLost(url, words_of(error) + hint)
    return StreamCut(f"{type(error).__name__}: {error}")


def may_pass(status: int) -> bool:
    """Whether the same request may work in a moment."""
    return status in PASSING_STATUS or status >= 500


def retry_seconds(header: str | None) -> float | None:
    """What a `retry-after` header asks for; its other form, a date, no model server uses."""
    try:
        return max(0.0, float(header or ""))
    except ValueError:
        return None


def words_of(error: Exception) -> str:
    """The first line of what `error` says, or its name when it says nothing."""
    return str(error).partition("\n")[0] or type(error).__name__
