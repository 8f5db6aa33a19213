"""One writer per build: the claim, its epoch, and who is told what."""

import os
from pathlib import Path

import anyio
import pytest

from codegod_mesh.record import ToolCall
from codegod_orchestrator.journal import (
    BuildBusy,
    BuildNotClaimed,
    BuildTakenOver,
    Journal,
    UnknownBuild,
)
from codegod_orchestrator.journal.ownership import Lock


async def test_a_claimed_build_is_refused_with_the_pid_and_is_free_afterwards(
    path: Path, journal: Journal
) -> None:
    build = await journal.create_build("Make it")
    assert journal.owner_pid(build.id) is None
    async with Journal.open(path) as elsewhere:
        async with journal.claim_build(build.id, "the first") as first:
            assert (first.epoch, elsewhere.owner_pid(build.id)) == (1, os.getpid())
            with pytest.raises(
                BuildBusy, match=rf"process {os.getpid()} \(the first\).*codegod cancel {build.id}"
            ):
                async with elsewhere.claim_build(build.id, "the second"):
                    pass
            await first.append("note")
        async with elsewhere.claim_build(build.id, "the second") as second:
            assert second.epoch == 2
    assert journal.owner_pid(build.id) is None
    assert list((path.parent / "locks").iterdir()) == []
    assert ((await journal.build(build.id)).owner, (await journal.build(build.id)).epoch) == ("the second", 2)


async def test_one_process_cannot_claim_a_build_twice_either(journal: Journal) -> None:
    build = await journal.create_build("Make it")
    async with journal.claim_build(build.id, "the first"):
        with pytest.raises(BuildBusy):
            async with journal.claim_build(build.id, "the second"):
                pass


async def test_who_lost_the_build_cannot_write_any_more(path: Path, journal: Journal) -> None:
    build = await journal.create_build("Make it")
    async with Journal.open(path) as elsewhere, journal.claim_build(build.id, "the old one") as old:
        (path.parent / "locks" / f"{build.id}.lock").unlink()  # a file system whose locks hold nobody
        async with elsewhere.claim_build(build.id, "the new one") as new:
            before = await journal.events(build.id)
            for write in (lambda: old.append("note"), lambda: old.advance("failed"), old.recover):
                with pytest.raises(BuildTakenOver, match="epoch 2; this one holds 1"):
                    await write()
            assert await journal.events(build.id) == before
            await new.append("note")


async def test_claiming_a_build_that_is_not_there_makes_no_lock(path: Path, journal: Journal) -> None:
    with pytest.raises(UnknownBuild):
        async with journal.claim_build("../../etc", "a test"):
            pass
    assert not (path.parent / "locks").exists()


async def test_tool_calls_of_a_build_that_is_not_claimed_here_are_refused(journal: Journal) -> None:
    build = await journal.create_build("Make it")
    call = ToolCall(build.id, "", "", "git", "git_init", {}, False, "", None, 0.1, build.created)
    with pytest.raises(BuildNotClaimed, match=build.id):
        await journal.tool_called(call)


def test_of_many_who_want_a_lock_at_once_one_gets_it(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "b.lock"
    for _ in range(20):
        locks = [Lock(path) for _ in range(4)]
        held = [lock for lock in locks if lock._take("somebody")]
        assert len(held) == 1
        holder = locks[0].holder()
        assert holder is not None and holder.pid == os.getpid()
        held[0].release()
        assert locks[0].holder() is None


async def test_two_processes_may_make_the_journal_at_once(path: Path) -> None:
    async def make() -> None:
        async with Journal.open(path) as journal:
            await journal.create_build("Make it")

    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            for _ in range(6):
                group.start_soon(make)
    async with Journal.open(path) as journal:
        assert len(await journal.builds()) == 6
