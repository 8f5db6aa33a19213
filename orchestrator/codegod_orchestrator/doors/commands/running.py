"""What `build` and `resume` share: run one build under the live view, and say at the end what came of it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress

import anyio
from rich.console import Console
from rich.markup import escape

from codegod_mesh import ConfigFault, ServerDown
from codegod_models import ModelFault
from codegod_orchestrator.capability import NotBuildable
from codegod_orchestrator.doors.cli import (
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_PARTIAL,
    EXIT_USAGE,
)
from codegod_orchestrator.doors.engine import Engine, Opened
from codegod_orchestrator.doors.live import LiveView
from codegod_orchestrator.doors.settings import Refused
from codegod_orchestrator.journal import Build, JournalFault
from codegod_orchestrator.report import read_report
from codegod_orchestrator.report_text import report_text
from codegod_workers.worker import ToolRefused

_EXIT = {"done": EXIT_DONE, "partial": EXIT_PARTIAL}
_REFUSED = (Refused, ModelFault, ConfigFault, NotBuildable, JournalFault, ServerDown, ToolRefused)


def guarded(work: Callable[[Console], Awaitable[int]]) -> int:
    """Run `work` on an event loop; what the user has to mend becomes one line and exit code 2."""
    console = Console(soft_wrap=True)
    try:
        return anyio.run(work, console)
    except BaseExceptionGroup as group:
        refused, rest = group.split(_REFUSED)
        if refused is None or rest is not None:
            raise
        return _refuse(_first(refused))
    except _REFUSED as fault:
        return _refuse(fault)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


def _refuse(fault: BaseException) -> int:
    print(f"codegod: {fault}", file=sys.stderr)
    return EXIT_USAGE


async def run_shown(engine: Engine, opened: Opened, build: str, console: Console) -> int:
    """Run `build` while showing it; Ctrl-C stops it resumably, a second one ends the process at once."""
    view = LiveView(console, engine.journal, build)
    interrupted = False
    async with anyio.create_task_group() as group:
        work = anyio.CancelScope()

        async def listen() -> None:
            nonlocal interrupted
            with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
                async for _ in signals:
                    if interrupted:
                        os._exit(EXIT_INTERRUPTED)
                    interrupted = True
                    work.cancel()

        group.start_soon(listen)
        group.start_soon(view.follow)
        with work:
            await engine.run(build, opened.models)
        group.cancel_scope.cancel()
    await view.finish()
    if interrupted:
        console.print(f"Interrupted. Go on with: codegod resume {build}")
        return EXIT_INTERRUPTED
    return await conclude(engine, await engine.journal.build(build), console)


async def conclude(engine: Engine, build: Build, console: Console) -> int:
    """Say what came of a build that has ended, and return its exit code."""
    console.print()
    console.print(escape(report_text(await read_report(engine.journal, build.id))), highlight=False)
    with suppress(KeyError):
        return _EXIT[build.state]
    if build.state == "failed":
        console.print(f"Mend what is named above, then: codegod resume {build.id}")
    return EXIT_FAILED


__all__ = ["conclude", "guarded", "run_shown"]
