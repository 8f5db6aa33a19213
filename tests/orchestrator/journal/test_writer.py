"""The writer thread: who waits shares a commit, and nobody else's failure is one's own."""

import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import anyio
import pytest
from sqlalchemy import Connection, event, text

from codegod_orchestrator.journal import JournalUnusable
from codegod_orchestrator.journal.database import Database
from codegod_orchestrator.journal.writer import Writer


@dataclass
class Bench:
    """A writer on a table of its own, with its commits counted."""

    database: Database
    writer: Writer
    commits: list[int] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)

    def numbers(self) -> list[int]:
        with self.database.reader.connect() as connection:
            return [row.n for row in connection.execute(text("select n from numbers order by n"))]


def insert(number: int) -> Callable[[Connection], int]:
    def work(connection: Connection) -> int:
        connection.execute(text("insert into numbers values (:n)"), {"n": number})
        if number < 0:
            raise ValueError(f"{number} is refused after it was written")
        return number

    return work


@pytest.fixture
async def bench(path: Path) -> AsyncIterator[Bench]:
    database = Database.open(path)
    with database.writer.begin() as connection:
        connection.execute(text("create table numbers (n integer primary key)"))
    changed: list[str] = []
    writer = Writer(database, path, changed.append)
    bench = Bench(database, writer, changed=changed)
    event.listen(database.writer, "commit", lambda _connection: bench.commits.append(1))
    yield bench
    await writer.close()
    database.close()


async def test_writes_that_wait_share_one_commit(bench: Bench) -> None:
    begun, hold = threading.Event(), threading.Event()
    got: list[int] = []

    def busy(_connection: Connection) -> None:
        begun.set()
        hold.wait(10)

    async def write(number: int) -> None:
        got.append(await bench.writer.write(insert(number), durable=False, topic=f"b{number % 2}"))

    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: bench.writer.write(busy, durable=False))
            await anyio.to_thread.run_sync(begun.wait, 10)
            for number in range(50):
                group.start_soon(write, number)
            await anyio.wait_all_tasks_blocked()
            hold.set()
    assert got == bench.numbers() == list(range(50))
    assert len(bench.commits) == 2
    assert sorted(set(bench.changed) - {""}) == ["b0", "b1"]


async def test_a_write_that_is_refused_is_undone_alone(bench: Bench) -> None:
    refused: list[Exception] = []

    async def write(number: int) -> None:
        try:
            await bench.writer.write(insert(number), durable=False)
        except ValueError as error:
            refused.append(error)

    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            for number in (1, -2, 3, -4, 5):
                group.start_soon(write, number)
    assert bench.numbers() == [1, 3, 5]
    assert [str(error)[:2] for error in refused] == ["-2", "-4"]


@pytest.mark.parametrize(("durable", "level"), [(True, 2), (False, 1)])
async def test_only_durable_writes_wait_for_the_disk(bench: Bench, durable: bool, level: int) -> None:
    def synchronous(connection: Connection) -> int:
        return int(connection.exec_driver_sql("PRAGMA synchronous").scalar_one())

    assert await bench.writer.write(synchronous, durable=durable) == level


async def test_a_full_disk_is_named_and_writing_goes_on_when_there_is_room(bench: Bench, path: Path) -> None:
    def limit(pages: int) -> Callable[[Connection], int]:
        return lambda connection: connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}").scalar_one()

    def fill(connection: Connection) -> None:
        connection.execute(text("create table filler as select zeroblob(1000000) as b"))

    await bench.writer.write(limit(1), durable=False)
    with pytest.raises(JournalUnusable, match=r"journal.db.*full"):
        await bench.writer.write(fill, durable=True)
    await bench.writer.write(limit(100_000), durable=False)
    await bench.writer.write(insert(1), durable=True)
    assert bench.numbers() == [1]


async def test_closing_commits_what_still_waits(path: Path, bench: Bench) -> None:
    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            for number in range(20):
                group.start_soon(partial(bench.writer.write, insert(number), durable=False))
            await anyio.wait_all_tasks_blocked()
            await bench.writer.close()
    assert bench.numbers() == list(range(20))
