"""Builds that run inside a server, each in a task of its own, whoever asks for them and whoever waits."""

from __future__ import annotations

import logging
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import anyio
from anyio.abc import TaskGroup

from codegod_kit import log_event, log_warning
from codegod_orchestrator.doors.choice import Choice
from codegod_orchestrator.doors.engine import open_engine, open_models
from codegod_orchestrator.doors.host_faults import (
    AlreadyRunning,
    BadBuildCursor,
    NothingToResume,
    TooManyBuilds,
)
from codegod_orchestrator.doors.mendable import mendable
from codegod_orchestrator.doors.questions import Questions
from codegod_orchestrator.doors.settings import Settings
from codegod_orchestrator.doors.told import plain_lines_of
from codegod_orchestrator.journal import Build, BuildBusy, BuildTakenOver, Event, Journal
from codegod_orchestrator.states import BUILD_ENDS

BUILDS_AT_A_TIME = 4  # each brings servers and checks of its own, some hundred MB and a core
EVENTS_PAGE = 100
CANCEL_SECONDS = 20.0  # a build that was asked to stop kills what it runs and closes its servers
CANCELLED = "cancelled on request"

_log = logging.getLogger("codegod.orchestrator")


@dataclass(frozen=True, slots=True)
class News:
    """What happened to a build since a cursor: `lines` for people, and where the next look begins."""

    build: Build
    lines: tuple[str, ...]
    cursor: int
    ended: bool
    running: bool
    asked: bool
    """Whether a question of the build waits for the host."""


@dataclass(frozen=True, slots=True)
class _Run:
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    over: anyio.Event = field(default_factory=anyio.Event)


class Runs:
    """Starts, watches and stops builds. They live in `group`; what it leaves unfinished can be resumed."""

    def __init__(self, settings: Settings, journal: Journal, group: TaskGroup, questions: Questions) -> None:
        self.settings = settings
        self.journal = journal
        self.questions = questions
        self._group = group
        self._running: dict[str, _Run] = {}
        self.starting = anyio.Lock()
        """Held from the choice of a folder to the start of its build, so that no two builds choose the same."""

    def require_room(self) -> None:
        """Return if another build may start; raises `TooManyBuilds`."""
        if len(self._running) >= BUILDS_AT_A_TIME:
            raise TooManyBuilds(tuple(self._running))

    def require_startable(self, build: Build) -> None:
        """Return if `build` may be run; raises `AlreadyRunning`, `NothingToResume` or `TooManyBuilds`."""
        if self.is_running(build.id):
            raise AlreadyRunning(build.id)
        if build.state in {"done", "cancelled"}:
            raise NothingToResume(build.id, build.state)
        self.require_room()

    def start(self, build: Build, choice: Choice) -> None:
        """Run `build` in the background; raises what `require_startable` does."""
        self.require_startable(build)
        self._running[build.id] = _Run()
        self._group.start_soon(self._run, build.id, choice)

    def is_running(self, build: str) -> bool:
        """Whether this process or another one is at work on `build`."""
        return build in self._running or self.journal.owner_pid(build) is not None

    def has_ended(self, build: Build) -> bool:
        """Whether nothing more will come: a build that is being taken up again has an end behind it, and goes on."""
        return build.state in BUILD_ENDS and build.id not in self._running

    async def news(self, build: str, cursor: int, within: float) -> News:
        """What there is to tell after event `cursor`; waits up to `within` seconds for something to tell.

        Returns at once for a build that has ended, that nobody runs, or that asks the host. Raises `BadBuildCursor`.
        """
        if cursor > (last := (await self.journal.build(build)).last_event):
            raise BadBuildCursor(cursor, last)
        give_up = anyio.current_time() + within
        lines: list[str] = []
        while True:
            running = self.is_running(build)  # before the state, which stays as it is once nobody runs it
            found = await self.journal.build(build)
            ended = self.has_ended(found)  # before the events: once it has, what is read below is all of them
            waits = running and not lines and not ended and not self.questions.fresh(build)
            left = max(0.0, give_up - anyio.current_time()) if waits else 0.0
            events = await self._events(build, cursor, left)
            cursor = events[-1].seq if events else cursor
            lines += [line for event in events for line in plain_lines_of(event)]
            whole = cursor >= found.last_event
            if len(lines) >= EVENTS_PAGE or (whole and not left):
                asked = bool(self.questions.waiting(build))
                return News(found, tuple(lines), cursor, whole and ended, running, asked)

    async def cancel(self, build: str) -> Build:
        """End a build for good, and wait for that; a build of another process may need longer than this waits."""
        found = await self.journal.build(build)
        if found.state not in BUILD_ENDS:
            claimed = await self.journal.request_cancel(build)
            with anyio.move_on_after(CANCEL_SECONDS):
                await self._asked_to_stop(found, claimed=claimed)
        if run := self._running.get(build):
            run.scope.cancel()
            with anyio.move_on_after(CANCEL_SECONDS):
                await run.over.wait()
        with anyio.CancelScope(shield=True):  # a host that hangs up now has still asked for it
            if not self.is_running(build):
                await self._settle(build, "cancelled", CANCELLED)
        return await self.journal.build(build)

    async def _asked_to_stop(self, build: Build, *, claimed: bool) -> None:
        """Wait until whoever has the build claimed has ended it. A run that has not come so far hears nothing."""
        if run := self._running.get(build.id):
            if claimed:
                await run.over.wait()
            return
        seen = build.last_event
        while self.is_running(build.id) and (await self.journal.build(build.id)).state not in BUILD_ENDS:
            events = await self.journal.wait_events(build.id, seen, CANCEL_SECONDS)
            seen = events[-1].seq if events else seen

    async def _events(self, build: str, cursor: int, within: float) -> tuple[Event, ...]:
        """The events after `cursor`, waiting for the first, for a question to the host, or for the end of the run."""
        run = self._running.get(build)
        if run is None or not within:
            return await self.journal.wait_events(build, cursor, within, EVENTS_PAGE)
        events: tuple[Event, ...] = ()
        async with anyio.create_task_group() as group:
            group.start_soon(_then_cancel, run.over.wait, group)
            group.start_soon(_then_cancel, partial(self.questions.arrival, build), group)
            events = await self.journal.wait_events(build, cursor, within, EVENTS_PAGE)
            group.cancel_scope.cancel()
        return events

    async def _run(self, build: str, choice: Choice) -> None:
        run = self._running[build]
        try:
            with run.scope:
                await self._drive(build, choice)
        finally:
            del self._running[build]
            run.over.set()
            self.questions.stir()

    async def _drive(self, build: str, choice: Choice) -> None:
        ended: Build | None = None
        try:
            async with (
                open_models(choice, self.settings, self.questions.of(build)) as opened,
                open_engine(self.settings, played=opened.simulated) as engine,
            ):
                ended = await engine.run(build, opened.models)
        except Exception as error:  # noqa: BLE001 - the server goes on serving; the build says why it ended
            if ended is None:
                await self._broken(build, error)
            else:
                _log.error("build_not_closed", exc_info=error)
        if ended is not None:
            log_event(_log, "build_ended", build=build, state=ended.state)

    async def _broken(self, build: str, error: Exception) -> None:
        """Keep why a run stopped without bringing its build to an end."""
        fault = mendable(error)
        if isinstance(fault, (BuildBusy, BuildTakenOver)):
            log_warning(_log, "build_left_to_another", build=build, fault=str(fault))
            return
        if fault is None:
            _log.error("build_broken", exc_info=error)
            own = f"Code-God itself is at fault ({_innermost(error)!r}); its log says more."
            await self._settle(build, "failed", own)
        else:
            log_warning(_log, "build_failed", build=build, fault=str(fault))
            await self._settle(build, "failed", str(fault))

    async def _settle(self, build: str, state: Literal["failed", "cancelled"], reason: str) -> None:
        """Bring a build that nobody runs to its end; one that has an end keeps it, with the reason beside it."""
        try:
            async with self.journal.claim_build(build, owner=f"pid {os.getpid()}") as claimed:
                found = await self.journal.build(build)
                if found.state in {"partial", "failed"} and state == "failed":
                    await claimed.append("build.not_resumed", {"reason": reason})
                elif found.state in BUILD_ENDS:
                    return
                elif found.cancel_requested:
                    await claimed.advance("cancelled", reason=CANCELLED)
                else:
                    await claimed.advance(state, reason=reason)
        except (BuildBusy, BuildTakenOver) as fault:
            log_warning(_log, "build_left_to_another", build=build, fault=str(fault))


def _innermost(error: BaseException) -> BaseException:
    return _innermost(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


async def _then_cancel(wait: Callable[[], Awaitable[object]], group: TaskGroup) -> None:
    await wait()
    group.cancel_scope.cancel()
