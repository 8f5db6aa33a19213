"""Ctrl-C and SIGTERM: the first stops a command so that it can be taken up again, the second ends the process."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType
from typing import NoReturn

import anyio
from rich.console import Console

from codegod_orchestrator.doors.cli import EXIT_INTERRUPTED

_SHOW_CURSOR = b"\x1b[?25h"  # the live view hides it
_STDOUT, _STDERR = 1, 2


class Interruption:
    """What happens when the user wants an end. The work runs inside `scope`."""

    def __init__(self, console: Console) -> None:
        self.scope = anyio.CancelScope()
        self.advice = ""
        """What to do next, once there is something to take up again."""
        self._console = console
        self._loop = asyncio.get_running_loop()
        self._signalled = False

    @property
    def line(self) -> str:
        return f"Interrupted. {self.advice}".rstrip()

    def _signal(self, number: int, frame: FrameType | None) -> None:
        """A handler of the operating system's signals: it interrupts the event loop wherever that stands."""
        if self._signalled:
            self._end_now()
        self._signalled = True
        self._loop.call_soon_threadsafe(self._stop)

    def _stop(self) -> None:
        self.scope.cancel()
        self._console.print("Stopping; Ctrl-C again ends at once.", style="dim", highlight=False)

    def _end_now(self) -> NoReturn:
        """End without closing anything: children notice by their closed pipes, the kernel lets go of the locks."""
        # Not through the console: what the signal has interrupted may be in the middle of using it.
        if self._console.is_terminal:
            os.write(_STDOUT, _SHOW_CURSOR)
        os.write(_STDERR, f"{self.line}\n".encode())
        os._exit(EXIT_INTERRUPTED)


_CURRENT: ContextVar[Interruption | None] = ContextVar("interruption", default=None)


@contextmanager
def interruptible(console: Console) -> Iterator[Interruption]:
    """Take SIGINT and SIGTERM while inside; the `scope` of what comes out is cancelled by the first."""
    interruption = Interruption(console)
    token = _CURRENT.set(interruption)
    try:
        with _handling(interruption):
            yield interruption
    finally:
        _CURRENT.reset(token)


def advise(text: str) -> None:
    """From here on, an interrupted user is told `text`."""
    if (current := _CURRENT.get()) is not None:
        current.advice = text


@contextmanager
def _handling(interruption: Interruption) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may take signals; whoever runs a command in another ends it himself
        return
    signals = (signal.SIGINT, signal.SIGTERM)
    former = {number: signal.signal(number, interruption._signal) for number in signals}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
