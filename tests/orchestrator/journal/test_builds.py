"""What a build's life looks like in the journal."""

import re
import sqlite3
import stat
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest

from codegod_kit.plan import Plan, parse_plan
from codegod_orchestrator.evidence import Evidence
from codegod_orchestrator.journal import (
    BuildEnded,
    CancelRequested,
    ClaimedBuild,
    Journal,
    JournalUnusable,
    TasksUnproved,
    UnknownBuild,
)
from codegod_orchestrator.ladder import Step
from codegod_orchestrator.states import IllegalTransition

FIRST = Step("first", 0, "ollama:small")
Land = Callable[[ClaimedBuild, str], Awaitable[object]]


async def states(journal: Journal, build: str) -> dict[str, str]:
    return {task.id: task.state for task in await journal.tasks(build)}


async def test_a_new_build_waits_for_its_plan(journal: Journal) -> None:
    build = await journal.create_build("Make it", out="/somewhere", options={"master": "m"})
    assert re.fullmatch(r"b-[a-z2-9]{8}", build.id)
    assert (build.state, build.epoch, build.prompt, build.out) == ("planning", 0, "Make it", "/somewhere")
    assert build.options == {"master": "m"}
    assert build.created.utcoffset() is not None
    assert [event.kind for event in await journal.events(build.id)] == ["build.created"]


async def test_the_newest_build_is_listed_first(journal: Journal) -> None:
    made = [(await journal.create_build(f"prompt {n}")).id for n in range(3)]
    assert [build.id for build in await journal.builds()] == made[::-1]
    assert [build.id for build in await journal.builds(limit=1)] == [made[-1]]


async def test_reading_a_build_that_is_not_there_names_it(journal: Journal) -> None:
    for read in (
        journal.build,
        journal.tasks,
        journal.attempts,
        journal.events,
        journal.model_calls,
        journal.spend,
    ):
        with pytest.raises(UnknownBuild, match=r"'b-nothing'.*codegod list"):
            await read("b-nothing")


async def test_the_plan_comes_back_as_it_was(journal: Journal, claimed: ClaimedBuild) -> None:
    build = await journal.build(claimed.id)
    plan = parse_plan(build.plan)
    tasks = await journal.tasks(claimed.id)
    assert [(task.id, task.depends, task.files, task.tests) for task in tasks] == [
        (task.id, task.depends, task.files, task.tests) for task in plan.tasks
    ]
    assert {task.id: task.state for task in tasks} == {
        "storage": "ready",
        "api": "blocked",
        "docs": "blocked",
        "cli": "ready",
    }
    assert (build.state, build.head) == ("running", "skeleton-1")


async def test_a_plan_may_be_replaced_until_work_begins(
    journal: Journal, make_plan: Callable[[dict[str, list[str]]], Plan]
) -> None:
    build = await journal.create_build("Make it")
    async with journal.claim_build(build.id, "a test") as claimed:
        await claimed.save_plan(make_plan({"old": [], "older": ["old"]}))
        await claimed.save_plan(make_plan({"new": []}))
        assert await states(journal, build.id) == {"new": "ready"}
        await claimed.advance("contracting")
        await claimed.advance("running")
        with pytest.raises(IllegalTransition):
            await claimed.save_plan(make_plan({"newer": []}))
    assert await states(journal, build.id) == {"new": "ready"}


async def test_a_build_with_a_task_that_nobody_accepted_is_not_done(
    journal: Journal, claimed: ClaimedBuild, land: Land
) -> None:
    await land(claimed, "storage")
    await claimed.advance("finishing")
    with pytest.raises(TasksUnproved, match="api, docs, cli"):
        await claimed.advance("done")
    assert (await journal.build(claimed.id)).state == "finishing"
    await claimed.advance("partial", reason="not all")
    ended = await journal.build(claimed.id)
    assert (ended.state, ended.reason, ended.ended is not None) == ("partial", "not all", True)


async def test_cancelling_leaves_nothing_open_and_nothing_new_starts(
    journal: Journal, claimed: ClaimedBuild, land: Land
) -> None:
    await land(claimed, "storage")
    await claimed.dispatch_attempt("api", FIRST, base="x")
    assert await journal.request_cancel(claimed.id)
    assert await journal.request_cancel(claimed.id)
    with pytest.raises(CancelRequested, match=claimed.id):
        await claimed.dispatch_attempt("cli", FIRST, base="x")
    await claimed.advance("cancelled")
    assert await states(journal, claimed.id) == {
        "storage": "accepted",
        "api": "cancelled",
        "docs": "cancelled",
        "cli": "cancelled",
    }
    assert [one.state for one in await journal.attempts(claimed.id)] == ["accepted", "cancelled"]
    kinds = [event.kind for event in await journal.events(claimed.id)]
    assert kinds.count("cancel.requested") == 1
    with pytest.raises(BuildEnded):
        await claimed.dispatch_attempt("cli", FIRST, base="x")


async def test_cancelling_an_ended_build_changes_nothing(journal: Journal) -> None:
    build = await journal.create_build("Make it")
    async with journal.claim_build(build.id, "a test") as claimed:
        await claimed.advance("failed", reason="no master")
    before = await journal.build(build.id)
    assert not await journal.request_cancel(build.id)
    assert await journal.build(build.id) == before


async def test_a_failed_task_skips_all_that_depends_on_it_and_a_reopened_build_tries_again(
    journal: Journal, claimed: ClaimedBuild, land: Land
) -> None:
    attempt = await claimed.dispatch_attempt("storage", FIRST, base="x")
    await claimed.start_attempt(attempt)
    await claimed.reject_attempt(attempt, ())
    assert await claimed.fail_task("storage", "the ladder has no rung left") == ("api", "docs")
    await claimed.advance("finishing")
    await claimed.advance("partial")
    await claimed.reopen()
    tasks = {task.id: task for task in await journal.tasks(claimed.id)}
    assert {name: task.state for name, task in tasks.items()} == {
        "storage": "ready",
        "api": "blocked",
        "docs": "blocked",
        "cli": "ready",
    }
    assert tasks["storage"].forgiven == 1
    assert (await journal.build(claimed.id)).state == "running"
    for name in ("storage", "api", "docs", "cli"):
        await land(claimed, name)
    await claimed.advance("finishing")
    await claimed.advance("done")


@pytest.mark.parametrize(
    ("planned", "signed", "begins"), [(0, 0, "planning"), (1, 0, "contracting"), (1, 1, "running")]
)
async def test_a_failed_build_reopens_where_it_failed(
    journal: Journal,
    make_plan: Callable[[dict[str, list[str]]], Plan],
    planned: int,
    signed: int,
    begins: str,
) -> None:
    build = await journal.create_build("Make it")
    async with journal.claim_build(build.id, "a test") as claimed:
        if planned:
            await claimed.save_plan(make_plan({"a": []}))
            await claimed.advance("contracting")
        if signed:
            await claimed.save_contract("c", "t", Evidence(tree="t"))
        await claimed.advance("failed", reason="the model server went away")
        await claimed.reopen()
    reopened = await journal.build(build.id)
    assert (reopened.state, reopened.reason, reopened.ended) == (begins, "", None)


async def test_contracts_are_versioned(journal: Journal, claimed: ClaimedBuild) -> None:
    second = await claimed.save_contract("contract-2", "tree-2", Evidence(tree="tree-2"))
    assert second.version == 2
    assert [(one.version, one.commit) for one in await journal.contracts(claimed.id)] == [
        (1, "contract-1"),
        (2, "contract-2"),
    ]
    assert (await journal.contracts(claimed.id))[0].evidence.tests[0].red


async def test_nobody_else_may_read_the_journal(journal: Journal, path: Path) -> None:
    await journal.create_build("A secret wish")
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir() if file.is_file()}
    assert modes["journal.db"] == 0o600
    assert set(modes.values()) == {0o600}


async def test_a_file_that_is_no_journal_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    file.write_bytes(b"this is not a database, and it is long enough to be read as a header" * 20)
    with pytest.raises(JournalUnusable, match=r"journal\.db.*not a database.*CODEGOD_STATE_DIR"):
        async with Journal.open(file):
            pass
    assert file.read_bytes().startswith(b"this is not")


async def test_a_journal_of_another_version_is_refused(path: Path) -> None:
    async with Journal.open(path):
        pass
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("update schema_version set version = 99")
    with pytest.raises(JournalUnusable, match="version 99"):
        async with Journal.open(path):
            pass


async def test_a_state_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way", encoding="utf-8")
    with pytest.raises(JournalUnusable, match="state"):
        async with Journal.open(tmp_path / "state" / "journal.db"):
            pass


async def test_everything_is_still_there_after_closing(path: Path) -> None:
    async with Journal.open(path) as journal:
        build = await journal.create_build("Make it")
    async with Journal.open(path) as journal:
        assert await journal.build(build.id) == build
    with pytest.raises(JournalUnusable, match="closed"):
        await journal.create_build("too late")


async def test_a_clash_of_names_is_solved_by_another_name(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters = iter("a" * 8 + "a" * 8 + "b" * 8 + "c" * 100)
    monkeypatch.setattr("secrets.choice", lambda _alphabet: next(letters))
    assert [(await journal.create_build("x")).id for _ in range(2)] == ["b-aaaaaaaa", "b-bbbbbbbb"]
    await journal.create_build("x")
    with pytest.raises(JournalUnusable, match="no id was free"):
        await journal.create_build("x")
