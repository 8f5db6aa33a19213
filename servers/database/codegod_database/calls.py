"""Lets a call's SQL run in a thread of its own, so that others go on, and ends it when the call ends."""

from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from codegod_database.engine import Budget
from codegod_kit import seconds_left

# Calls that compute at once. More wait here instead of taking all the threads that other servers of the process use.
_AT_ONCE = 8

_Result = TypeVar("_Result")


class Calls:
    """The threads of one server."""

    def __init__(self) -> None:
        self._limiter = CapacityLimiter(_AT_ONCE)

    async def run(self, seconds: float, work: Callable[[Budget], _Result]) -> _Result:
        """What `work` returns; it gets `seconds`, or what the caller's grant has left, and ends with a cancelled call."""
        budget = Budget(seconds_left(seconds))
        try:
            return await to_thread.run_sync(work, budget, abandon_on_cancel=True, limiter=self._limiter)
        finally:
            budget.stop()
