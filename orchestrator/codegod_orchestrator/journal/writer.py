"""The one thread that writes: whatever waits while a commit is under way shares the next one."""

import asyncio
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import anyio
from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError, IntegrityError

from codegod_orchestrator.journal.database import DURABLE, Database
from codegod_orchestrator.journal.faults import JournalUnusable

# Enough for every task of a wide build to share one commit; a bound keeps the lock from being held for long.
BATCH_LIMIT = 256

T = TypeVar("T")
Work = Callable[[Connection], T]


class _Order:
    """One write that waits for its commit. `outcome` or `error` is set when `done` is."""

    __slots__ = ("done", "durable", "error", "outcome", "topic", "work")

    def __init__(self, work: Work[Any], durable: bool, topic: str) -> None:
        self.work = work
        self.durable = durable
        self.topic = topic
        self.done = anyio.Event()
        self.outcome: Any = None
        self.error: Exception | None = None

    def run(self, connection: Connection) -> None:
        """Do the work whole or not at all. What it refuses is its own; what the database refuses ends the batch."""
        try:
            with connection.begin_nested():
                self.outcome = self.work(connection)
        except IntegrityError as error:
            self.error = error
        except DatabaseError:
            raise
        except Exception as error:  # noqa: BLE001 - handed to the caller who waits for this write
            self.error = error


class Writer:
    """Runs writes in the order they come; each is atomic, and done when its `write` returns."""

    def __init__(self, database: Database, path: Path, changed: Callable[[str], None]) -> None:
        self._database = database
        self._path = path
        self._changed = changed
        self._loop = (
            asyncio.get_running_loop()
        )  # the servers' SDK ties us to asyncio, and this wakes a loop cheaply
        self._orders: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="codegod-journal", daemon=True)
        self._closed = False
        self._thread.start()

    async def write(self, work: Work[T], *, durable: bool, topic: str = "") -> T:
        """What `work` returns, once it is committed; what it raises, once it is undone.

        A cancelled caller still waits these few milliseconds: nobody is left to wonder whether the write happened.
        """
        if self._closed:
            raise JournalUnusable(str(self._path), "it was closed")
        order = _Order(work, durable, topic)
        self._orders.put(order)
        with anyio.CancelScope(shield=True):
            await order.done.wait()
        if order.error is not None:
            raise order.error
        outcome: T = order.outcome
        return outcome

    async def close(self) -> None:
        """Commit what still waits, then end the thread."""
        self._closed = True
        self._orders.put(None)
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self._thread.join)

    def _run(self) -> None:
        more = True
        while more:
            batch, more = self._gather()
            self._commit(batch)
            self._loop.call_soon_threadsafe(self._deliver, batch)

    def _gather(self) -> tuple[list[_Order], bool]:
        """Wait for one order and take along what else is there; False when it is time to end."""
        batch: list[_Order] = []
        order = self._orders.get()
        while order is not None:
            batch.append(order)
            if len(batch) == BATCH_LIMIT:
                return batch, True
            try:
                order = self._orders.get_nowait()
            except queue.Empty:
                return batch, True
        return batch, False

    def _commit(self, batch: list[_Order]) -> None:
        durable = any(order.durable for order in batch)
        try:
            engine = self._database.writer.execution_options(**{DURABLE: durable})
            with engine.begin() as connection:
                for order in batch:
                    order.run(connection)
        except Exception as error:  # noqa: BLE001 - every caller of this batch must learn that nothing was kept
            for order in batch:
                order.error = _unusable(self._path, error)

    def _deliver(self, batch: list[_Order]) -> None:
        for order in batch:
            order.done.set()
        for topic in {order.topic for order in batch if order.error is None}:
            self._changed(topic)


def _unusable(path: Path, error: Exception) -> JournalUnusable:
    fault = JournalUnusable(str(path), str(getattr(error, "orig", None) or error))
    fault.__cause__ = error
    return fault
