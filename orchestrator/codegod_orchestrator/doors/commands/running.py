"""What the commands share: one line for what the user has to mend, a build under the live view, a clean stop."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
from rich.console import Console

from codegod_orchestrator.doors.cli import EXIT_DONE, EXIT_FAILED, EXIT_INTERRUPTED, EXIT_PARTIAL, EXIT_USAGE
from codegod_orchestrator.doors.commands.ending import show_ending
from codegod_orchestrator.doors.engine import Engine, Opened
from codegod_orchestrator.doors.interruption import advise, interruptible
from codegod_orchestrator.doors.live import LiveView
from codegod_orchestrator.doors.log_file import logging_to
from codegod_orchestrator.doors.mendable import mendable
from codegod_orchestrator.doors.settings import Refused
from codegod_orchestrator.journal import Build
from codegod_orchestrator.reports.report import read_report
from codegod_orchestrator.states import BUILD_ENDS

STRONGEST = "bubblewrap"
_EXIT = {"done": EXIT_DONE, "partial": EXIT_PARTIAL}


def guarded(work: Callable[[Console], Awaitable[int]]) -> int:
    """Run `work` on an event loop and return its exit code.

    What the user has to mend becomes one line and exit code 2; Ctrl-C and SIGTERM end the work, with exit code 130.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(
            errors="backslashreplace"
        )  # a terminal that knows less than Unicode ends no build
    try:
        return anyio.run(_interruptibly, work, _Output(soft_wrap=True))
    except Exception as error:
        fault = mendable(error)
        if fault is None:
            raise
        print(f"codegod: {fault}", file=sys.stderr)
        return EXIT_USAGE


class _Output(Console):
    """The standard output. When its reader goes away, as in `codegod build … | head`, the work goes on without one."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


async def _interruptibly(work: Callable[[Console], Awaitable[int]], console: Console) -> int:
    with interruptible(console) as interruption:
        with interruption.scope:
            return await work(console)
        console.print(interruption.line, highlight=False)
    _end_at_the_next_signal()
    return EXIT_INTERRUPTED


def _end_at_the_next_signal() -> None:
    """All is closed and said: an impatient user's next Ctrl-C breaks into no tidying up with a traceback."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: os._exit(EXIT_INTERRUPTED))


async def run_shown(engine: Engine, opened: Opened, build: str, console: Console) -> int:
    """Run `build` to its end while showing it; returns the exit code. An interrupted build can be resumed."""
    advise(f"Go on with: codegod resume {build}")
    _tell_sandbox(engine, console)
    journal = engine.journal
    view = LiveView(console, journal, build, seen=(await journal.build(build)).last_event)
    with logging_to(log_of(engine, build)):
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(view.follow)
                await engine.run(build, opened.models)
                group.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await view.finish()
    ended = await journal.build(build)
    if ended.state in BUILD_ENDS:
        advise("")  # whoever interrupts the reading of a report has nothing to go on with
    return await conclude(engine, ended, console)


def _tell_sandbox(engine: Engine, console: Console) -> None:
    """Which level is in force, and what a weaker one than the strongest lacks."""
    level = engine.facts.sandbox_level
    console.print(f"Sandbox: {level}", highlight=False, markup=False)
    if level != STRONGEST:
        for problem in engine.facts.problems:
            console.print(f"  {problem}", highlight=False, markup=False, soft_wrap=not console.is_terminal)


async def conclude(engine: Engine, build: Build, console: Console) -> int:
    """Say what came of a build that has ended, and return its exit code."""
    if build.state == "failed" and not build.plan:
        # Nothing was begun: what is missing is a model that can plan this.
        raise Refused(" ".join(build.reason.split()))
    show_ending(await read_report(engine.journal, build.id), log_of(engine, build.id), console)
    return _EXIT.get(build.state, EXIT_FAILED)


def log_of(engine: Engine, build: str) -> Path:
    """Where the logs of a build go that this process runs."""
    return engine.settings.state / "logs" / f"{build}.jsonl"


__all__ = ["conclude", "guarded", "run_shown"]
