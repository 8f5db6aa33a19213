"""Tells apart what the official client raises: by the error's type, since in mid-stream the status is always 200."""

from __future__ import annotations

import httpx2
from anthropic import APIConnectionError, APIStatusError, APITimeoutError

from codegod_models.faults import (
    Busy,
    ConnectionLost,
    KeyRefused,
    ModelFault,
    RequestRefused,
    Stalled,
    StreamCut,
)

_PASSING_TYPES = frozenset(
    {"rate_limit_error", "overloaded_error", "api_error", "timeout_error", "conflict_error"}
)
_LASTING_TYPES = frozenset(
    {"invalid_request_error", "authentication_error", "billing_error", "permission_error", "not_found_error"}
)
_PASSING_STATUS = frozenset({408, 409, 429})
_SHOWN = 2000  # characters of a server's words that a message may carry


def from_client(error: Exception, model: str, url: str, idle_seconds: float) -> ModelFault:
    """The fault that `error`, raised by the official client or the transport under it, stands for."""
    if isinstance(error, APIStatusError):
        return _from_status(error, model, url)
    if isinstance(error, APITimeoutError):
        slow_start = isinstance(error.__cause__, httpx2.ConnectTimeout)
        return (
            ConnectionLost(url, "it did not accept the connection") if slow_start else Stalled(idle_seconds)
        )
    if isinstance(error, APIConnectionError):
        return ConnectionLost(url, str(error.__cause__ or error))
    if isinstance(error, httpx2.TimeoutException):
        return Stalled(idle_seconds)
    return StreamCut(f"{type(error).__name__}: {error}"[:_SHOWN])


def is_answer_of_api(error: APIStatusError) -> bool:
    """Whether the API itself said so, rather than a server that has no such page."""
    return error.type is not None


def _from_status(error: APIStatusError, model: str, url: str) -> ModelFault:
    said = (error.api_message or str(error))[:_SHOWN]
    if error.type == "authentication_error" or error.status_code == 401:
        return KeyRefused(url, "ANTHROPIC_API_KEY", said)
    if _may_pass(error):
        kind = error.type or f"HTTP {error.status_code}"
        return Busy(kind, said, retry_after=_retry_after(error))
    return RequestRefused(model, error.status_code, said)


def _may_pass(error: APIStatusError) -> bool:
    if error.type in _PASSING_TYPES:
        return True
    if error.type in _LASTING_TYPES:
        return False
    # An error of a type we do not know: the status decides, and in mid-stream (200) the failure is the server's.
    return error.status_code in _PASSING_STATUS or error.status_code >= 500 or error.status_code < 400


def _retry_after(error: APIStatusError) -> float | None:
    """Seconds; the header's other form, a date, is not used by this API."""
    try:
        return max(0.0, float(error.response.headers.get("retry-after", "")))
    except ValueError:
        return None
