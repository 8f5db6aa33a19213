"""One sandboxed program from its first process to its last, the same at every level.

The child given to `run_process` is bubblewrap or our own launcher. Both say which process they made, wait for a byte
before they let it go, and say its exit code only if the program really ran.
"""

import json
import os
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import anyio
from anyio.abc import ByteReceiveStream, Process

from codegod_sandbox.descriptors import Descriptors
from codegod_sandbox.execution_faults import SandboxBroken
from codegod_sandbox.family import family, parent_of
from codegod_sandbox.output import FLOOD_BYTES, Kept
from codegod_sandbox.spec import Level, RunStatus

_T = TypeVar("_T")
_CHUNK_BYTES = 1 << 16
_START_SECONDS = 20  # making the namespaces takes milliseconds; a machine may be that busy
_END_SECONDS = 10  # how long the kernel may take to end what was killed
_STATUS_BYTES = 4096  # the status pipe carries two short JSON documents
_OWN_ENVIRONMENT = {"PATH": "/usr/bin:/bin"}  # /proc/1/environ inside shows bubblewrap's own
_KILLED = 128 + 9  # SIGKILL, by number: Windows has no such name, and this module is imported there

Breach = Callable[[int], Awaitable[RunStatus]]
"""Watches the program whose first process it is given and returns only when a limit is broken."""


class Confine(Protocol):
    """Puts the program under limits; called with its first process while that still waits."""

    def __call__(self, process: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start a level's first process."""

    level: Level
    argv: Sequence[str]
    descriptors: Descriptors
    status: int  # we read what the child says about itself
    release: int  # we write a byte when the program may start
    uid: int | None  # None: our own
    stopping: signal.Signals | None  # asks the first process to end all others; None: killing its child does


@dataclass(slots=True)
class Ended:
    """How a run ended."""

    stdout: Kept
    stderr: Kept
    reason: RunStatus | None = None  # why it was stopped; None: it ended by itself
    exit_code: int = _KILLED
    seconds: float = 0


async def run_process(
    launch: Launch, *, stdin: bytes, wall_seconds: float, output_bytes: int, confine: Confine, breach: Breach
) -> Ended:
    """Run a program to its end; when this returns or raises, nothing of it is left."""
    started = time.monotonic()
    ended = Ended(Kept(output_bytes), Kept(output_bytes))
    running = _Running(launch, ended)
    # Half started, a sandbox cannot be killed reliably: nothing interrupts this, and it is short.
    with anyio.CancelScope(shield=True):
        await running.start(confine)
    try:
        await running.finish(stdin, wall_seconds, breach)
    finally:
        with anyio.CancelScope(shield=True):
            await running.stop()
            await running.close()
    ended.seconds = time.monotonic() - started
    return ended


@dataclass(slots=True)
class _Running:
    launch: Launch
    ended: Ended
    over: anyio.Event = field(default_factory=anyio.Event)
    said: bytearray = field(default_factory=bytearray)
    child: int = 0
    handle: int | None = None  # pidfd of the child
    _process: Process | None = None

    @property
    def process(self) -> Process:
        return _there(self._process)

    async def start(self, confine: Confine) -> None:
        try:
            await self._spawn()
            try:
                with anyio.fail_after(_START_SECONDS):
                    await self._handshake(confine)
            except BaseException:
                await self.stop()
                await self.close()
                raise
        except OSError as error:
            raise SandboxBroken(self.launch.level, str(error) or "it did not start in time") from error

    async def _spawn(self) -> None:
        launch = self.launch
        self._process = await anyio.open_process(
            list(launch.argv),
            env=_OWN_ENVIRONMENT,
            cwd="/",
            start_new_session=True,
            pass_fds=launch.descriptors.given,
            user=launch.uid,
            group=launch.uid,
            extra_groups=None if launch.uid is None else (),
        )
        launch.descriptors.close_given()

    async def _handshake(self, confine: Confine) -> None:
        while b"\n" not in self.said:
            if not await self._listen():
                raise SandboxBroken(self.launch.level, await self._last_words())
        self.child = int(json.loads(self.said.splitlines()[0])["child-pid"])
        self.handle = self._hold(self.child)
        if self.handle is None:
            raise SandboxBroken(self.launch.level, await self._last_words())
        with suppress(ProcessLookupError, BrokenPipeError):  # it died: the missing exit code tells
            confine(self.child)
            os.write(self.launch.release, b"\n")

    def _hold(self, child: int) -> int | None:
        """A handle that can kill this child and nothing else; None when it has died, and its number with it."""
        try:
            handle = self.launch.descriptors.keep(os.pidfd_open(child))
        except ProcessLookupError:
            return None
        return handle if parent_of(child) == self.process.pid else None

    async def finish(self, stdin: bytes, wall_seconds: float, breach: Breach) -> None:
        drained = anyio.Event()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._drain_both, drained)
            tasks.start_soon(self._feed, stdin)
            tasks.start_soon(self._watch, breach)
            tasks.start_soon(self._wait)
            with anyio.move_on_after(wall_seconds) as clock:
                await self.over.wait()
            if clock.cancelled_caught:
                self._stop_for("timeout")
            await self.stop()
            with anyio.move_on_after(_END_SECONDS):
                await drained.wait()
            tasks.cancel_scope.cancel()
        self._read_exit_code()

    def _read_exit_code(self) -> None:
        for line in self.said.splitlines():
            document = json.loads(line)
            if "exit-code" in document:
                self.ended.exit_code = int(document["exit-code"])
                return
        if self.ended.reason is None:
            raise SandboxBroken(
                self.launch.level, self.ended.stderr.content().decode(errors="replace").strip()
            )

    async def _wait(self) -> None:
        await self.process.wait()
        while await self._listen():
            pass
        self.over.set()

    async def _watch(self, breach: Breach) -> None:
        self._stop_for(await breach(self.child))

    def _stop_for(self, reason: RunStatus) -> None:
        if self.ended.reason is None and not self.over.is_set():
            self.ended.reason = reason
        self.over.set()

    async def _listen(self) -> bytes:
        """Take what the child says about itself; empty when it will say nothing more."""
        await anyio.wait_readable(self.launch.status)
        heard = os.read(self.launch.status, _STATUS_BYTES)
        self.said += heard
        if len(self.said) > _STATUS_BYTES:
            raise SandboxBroken(self.launch.level, "too much on its status pipe")
        return heard

    async def _drain_both(self, drained: anyio.Event) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._drain, _there(self.process.stdout), self.ended.stdout)
            tasks.start_soon(self._drain, _there(self.process.stderr), self.ended.stderr)
        drained.set()

    async def _drain(self, stream: ByteReceiveStream, kept: Kept) -> None:
        with suppress(anyio.EndOfStream, anyio.ClosedResourceError, anyio.BrokenResourceError):
            while True:
                kept.add(await stream.receive(_CHUNK_BYTES))
                if kept.total > FLOOD_BYTES:
                    self._stop_for("output_limit")

    async def _feed(self, stdin: bytes) -> None:
        # A program need not read what it is given.
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            async with _there(self.process.stdin) as stream:
                if stdin:
                    await stream.send(stdin)

    async def stop(self) -> None:
        """End every process of the run; return when the kernel says that they are gone."""
        if self.launch.stopping is not None:
            self._signal_process(self.launch.stopping)
        elif self.handle is not None:
            _kill(self.handle)
            with anyio.move_on_after(_END_SECONDS):
                await anyio.wait_readable(self.handle)
            _reap(self.handle)
        else:
            self._kill_unborn()
        with anyio.move_on_after(_END_SECONDS) as late:
            await self.process.wait()
        if late.cancelled_caught:
            self._signal_process(signal.SIGKILL)
            await self.process.wait()

    def _kill_unborn(self) -> None:
        """It never said which child it made, and killing it alone would set that child free."""
        for process in sorted(family(self.process.pid), reverse=True):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def _signal_process(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self.process.send_signal(number)

    async def close(self) -> None:
        await self.process.aclose()

    async def _last_words(self) -> str:
        said = Kept(_STATUS_BYTES)
        await self._drain(_there(self.process.stderr), said)
        return said.content().decode(errors="replace").strip()


def _kill(handle: int) -> None:
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(handle, signal.SIGKILL)


def _reap(handle: int) -> None:
    """Where this server is the machine's first process (a container), orphans become its children."""
    with suppress(ChildProcessError):
        os.waitid(os.P_PIDFD, handle, os.WEXITED | os.WNOHANG)


def _there(value: _T | None) -> _T:
    """What is there once the process has been started with pipes."""
    if value is None:
        raise RuntimeError("the process has not been started")
    return value
