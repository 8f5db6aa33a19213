"""The journal of every build: open it, start builds, read what happened, claim a build to write to it."""

import os
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

import anyio
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from codegod_orchestrator.blobs import Blobs
from codegod_orchestrator.journal import build_writes, reads
from codegod_orchestrator.journal.change import Change
from codegod_orchestrator.journal.claimed import ClaimedBuild
from codegod_orchestrator.journal.database import READERS, Database
from codegod_orchestrator.journal.faults import BuildBusy, BuildNotClaimed, JournalUnusable
from codegod_orchestrator.journal.ownership import Holder, Lock
from codegod_orchestrator.journal.records import (
    Attempt,
    Build,
    Contract,
    Event,
    RecordedModelCall,
    RecordedToolCall,
    Task,
    ToolCall,
)
from codegod_orchestrator.journal.writer import Writer
from codegod_orchestrator.spend import Spend, add_up

# How soon a reader sees another process's events: shorter than anybody notices, and four small reads a second.
POLL_SECONDS = 0.25
# A build writes some twenty events a second and several readers follow it: each reads what has gathered, not every one.
GATHER_SECONDS = 0.1
# Builds are named by people, who misread 0 and o, 1 and l and i. 8 of 30 characters: a clash in a million builds has
# odds of one in a million.
_ID_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_ID_LENGTH = 8
_ID_TRIES = 3

T = TypeVar("T")


class Journal:
    """One SQL journal, on SQLite; big texts lie beside it as blobs.

    Writes of this process share one writer thread that commits whatever waits in one transaction. Every write is
    atomic: its rows and its events land together or not at all, and it has landed when the call returns.
    """

    def __init__(self, path: Path, database: Database) -> None:
        """Use `Journal.open`."""
        self._path = path
        self._database = database
        self._blobs = Blobs(path.parent / "blobs")
        self._readers = anyio.CapacityLimiter(READERS)
        self._writer = Writer(database, path, self._wake)
        self._claimed: dict[str, ClaimedBuild] = {}
        self._pulses: dict[str, anyio.Event] = {}

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path) -> AsyncIterator[Self]:
        """Open (or make) the journal at `path`; raise `JournalUnusable` when it is not a journal we can write."""
        database = await anyio.to_thread.run_sync(Database.open, path)
        journal = cls(path, database)
        try:
            yield journal
        finally:
            await journal._writer.close()
            database.close()

    # -- starting, claiming, cancelling -------------------------------------------------------------------------------

    async def create_build(
        self, prompt: str, *, out: str = "", options: Mapping[str, Any] | None = None
    ) -> Build:
        """A new build in the state `planning`, not claimed by anybody; its id is short and readable (`b-7k3m9xqd`)."""
        values = {"prompt": prompt, "out": out, "options": dict(options or {}), "created": datetime.now(UTC)}
        taken: IntegrityError | None = None
        for _ in range(_ID_TRIES):
            name = "b-" + "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_LENGTH))
            work = partial(build_writes.create, values={"id": name, **values})
            try:
                await self._writer.write(work, durable=True, topic=name)
                return await self.build(name)
            except IntegrityError as error:
                taken = error
        raise JournalUnusable(str(self._path), f"no id was free in {_ID_TRIES} tries") from taken

    @asynccontextmanager
    async def claim_build(self, build: str, owner: str) -> AsyncIterator[ClaimedBuild]:
        """Become the one writer of a build until the block ends.

        Raise `BuildBusy` (with the pid) while another living process has it, `UnknownBuild` when there is none. The
        epoch grows by one, so a former owner that still lives cannot write any more.
        """
        await self.build(build)
        lock = self._lock(build)
        if not await anyio.to_thread.run_sync(lock.acquire, owner):
            holder = lock.holder() or Holder(None, "")
            raise BuildBusy(build, holder.pid, holder.name)
        try:
            epoch = await self._change(build, lambda change: build_writes.claim(change, owner, os.getpid()))
            claimed = ClaimedBuild(build, epoch, self._writer, self._blobs)
            self._claimed[build] = claimed
            yield claimed
        finally:
            self._claimed.pop(build, None)
            lock.release()

    async def request_cancel(self, build: str) -> bool:
        """Ask whoever runs the build to stop (event `cancel.requested`, once); returns whether anybody runs it.

        When nobody does, claim the build and `advance` it to `cancelled`. A build that has ended is left as it is.
        """
        await self._change(build, build_writes.request_cancel)
        return self._lock(build).holder() is not None

    def owner_pid(self, build: str) -> int | None:
        """The living process that has the build claimed, or None."""
        holder = self._lock(build).holder()
        return None if holder is None else holder.pid

    async def tool_called(self, call: ToolCall) -> None:
        """The mesh's recorder: record a tool call of a build that is claimed here, else raise `BuildNotClaimed`."""
        claimed = self._claimed.get(call.build)
        if claimed is None:
            raise BuildNotClaimed(call.build)
        await claimed.tool_called(call)

    # -- reading; every method raises `UnknownBuild` ------------------------------------------------------------------

    async def build(self, build: str) -> Build:
        return await self._read(reads.build, build)

    async def builds(self, limit: int = 100) -> tuple[Build, ...]:
        """The newest builds first."""
        return await self._read(reads.builds, limit)

    async def tasks(self, build: str) -> tuple[Task, ...]:
        """In the plan's order."""
        return await self._read(reads.tasks, build)

    async def attempts(self, build: str, task: str = "") -> tuple[Attempt, ...]:
        """All attempts (of one task), oldest first."""
        return await self._read(reads.attempts, build, task)

    async def contracts(self, build: str) -> tuple[Contract, ...]:
        """The versions of the contract with their RED evidence, oldest first."""
        return await self._read(reads.contracts, build)

    async def events(self, build: str, after: int = 0, limit: int = 500) -> tuple[Event, ...]:
        """The events that follow the one with number `after`, oldest first."""
        return await self._read(reads.events, build, after, limit)

    async def events_of(self, build: str, kinds: Sequence[str]) -> tuple[Event, ...]:
        """Every event of these kinds, oldest first; for kinds that a build has few of."""
        return await self._read(reads.events_of, build, kinds)

    async def wait_events(
        self, build: str, after: int, timeout: float, limit: int = 500
    ) -> tuple[Event, ...]:
        """As `events`, but waits up to `timeout` seconds for the first; empty when nothing happened.

        Wakes `GATHER_SECONDS` after what this process writes, within `POLL_SECONDS` for another's.
        """
        give_up = anyio.current_time() + timeout
        while True:
            pulse = self._pulses.setdefault(
                build, anyio.Event()
            )  # before the read: what comes after it wakes us
            found = await self.events(build, after, limit)
            left = give_up - anyio.current_time()
            if found or left <= 0:
                return found
            with anyio.move_on_after(min(left, POLL_SECONDS)):
                await pulse.wait()
                await anyio.sleep(GATHER_SECONDS)

    async def model_calls(self, build: str) -> tuple[RecordedModelCall, ...]:
        """Every model call with what was sent and received, oldest first."""
        return await self._read(reads.model_calls, build, self._blobs)

    async def wrote(self, build: str, attempt: str, tools: Sequence[str]) -> bool:
        """Whether one of `tools` (as `server.tool`) worked in `attempt`."""
        return bool(await self._read(reads.wrote, build, attempt, tools))

    async def tool_calls(self, build: str, after: int = 0, limit: int = 500) -> tuple[RecordedToolCall, ...]:
        """The tool calls that follow the one with number `after`, oldest first."""
        return await self._read(reads.tool_calls, build, self._blobs, after, limit)

    async def spend(self, build: str) -> Spend:
        """What the build's model calls came to, in all and per model and rung."""
        recorded = await self._read(reads.model_calls, build, None)
        return add_up(one.call for one in recorded)

    # -- inside -------------------------------------------------------------------------------------------------------

    def _lock(self, build: str) -> Lock:
        return Lock(self._path.parent / "locks" / f"{build}.lock")

    def _wake(self, build: str) -> None:
        pulse = self._pulses.pop(build, None)
        if pulse is not None:
            pulse.set()

    async def _change(self, build: str, do: Callable[[Change], T]) -> T:
        """A durable change that needs no claim."""

        def work(connection: Connection) -> T:
            change = Change(connection, build, None)
            outcome = do(change)
            change.finish()
            return outcome

        return await self._writer.write(work, durable=True, topic=build)

    async def _read(self, read: Callable[..., T], *arguments: Any) -> T:
        def within() -> T:
            with self._database.reader.connect() as connection:
                return read(connection, *arguments)

        return await anyio.to_thread.run_sync(within, limiter=self._readers)
