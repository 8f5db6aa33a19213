"""Attempts: fences, evidence, and who may still be accepted."""

from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

import anyio
import pytest

from codegod_kit.plan import Plan
from codegod_orchestrator.evidence import Evidence
from codegod_orchestrator.journal import (
    Attempt,
    ClaimedBuild,
    EvidenceMissing,
    Journal,
    JournalDamaged,
    Landing,
    StaleAttempt,
)
from codegod_orchestrator.ladder import Step
from codegod_orchestrator.states import IllegalTransition
from codegod_workers.records import Finding

FIRST = Step("first", 0, "ollama:small")
GREEN = Evidence(tree="tree-1", level="bubblewrap")
Land = Callable[[ClaimedBuild, str], Awaitable[Attempt]]


async def submitted(claimed: ClaimedBuild, task: str) -> Attempt:
    attempt = await claimed.dispatch_attempt(task, FIRST, base="main-0")
    await claimed.start_attempt(attempt)
    await claimed.submit_attempt(attempt, commit="c", tree="t")
    return attempt


async def task_state(journal: Journal, build: str, task: str) -> str:
    return next(one.state for one in await journal.tasks(build) if one.id == task)


async def test_an_accepted_attempt_unblocks_what_waited_for_it(
    journal: Journal, claimed: ClaimedBuild
) -> None:
    attempt = await submitted(claimed, "storage")
    assert (attempt.id, attempt.fence, attempt.branch) == ("storage.1", 1, "refs/codegod/attempts/storage/1")
    await claimed.prove_attempt(attempt, GREEN)
    assert await claimed.accept_attempt(attempt, commit="landed", tree="tree-1") == ("api",)
    stored = (await journal.attempts(claimed.id, "storage"))[0]
    assert (stored.state, stored.commit, stored.evidence) == ("accepted", "landed", GREEN)
    assert stored.ended is not None and stored.seconds >= 0
    task = (await journal.tasks(claimed.id))[0]
    assert (task.state, task.accepted_attempt) == ("accepted", "storage.1")
    assert (await journal.build(claimed.id)).head == "landed"


async def test_nothing_is_accepted_without_evidence(journal: Journal, claimed: ClaimedBuild) -> None:
    attempt = await submitted(claimed, "storage")
    with pytest.raises(EvidenceMissing, match=r"storage\.1"):
        await claimed.accept_attempt(attempt, commit="c", tree="t")
    assert await task_state(journal, claimed.id, "storage") == "inflight"


async def test_what_was_not_submitted_cannot_be_proved(claimed: ClaimedBuild) -> None:
    attempt = await claimed.dispatch_attempt("storage", FIRST, base="x")
    with pytest.raises(IllegalTransition):
        await claimed.prove_attempt(attempt, GREEN)


async def test_a_task_in_flight_is_not_dispatched_again(claimed: ClaimedBuild) -> None:
    await claimed.dispatch_attempt("storage", FIRST, base="x")
    with pytest.raises(IllegalTransition, match="'storage' is 'inflight' and cannot become 'inflight'"):
        await claimed.dispatch_attempt("storage", FIRST, base="x")
    with pytest.raises(IllegalTransition, match="'api' is 'blocked'"):
        await claimed.dispatch_attempt("api", FIRST, base="x")


async def test_an_answer_that_is_sent_back_keeps_its_findings_and_the_next_one_gets_a_new_fence(
    journal: Journal, claimed: ClaimedBuild
) -> None:
    finding = Finding(stage="types", path="src/storage.py", line=3, rule="arg-type", message="wrong type")
    first = await submitted(claimed, "storage")
    await claimed.reject_attempt(first, [finding], reason="types", commit="c-1", tree="t-1")
    second = await claimed.dispatch_attempt("storage", Step("repair", 0, "m", "storage.1"), base="x")
    assert (second.id, second.number, second.fence, second.kind, second.continues) == (
        "storage.2",
        2,
        2,
        "repair",
        "storage.1",
    )
    stored = (await journal.attempts(claimed.id, "storage"))[0]
    assert (stored.state, stored.findings, stored.refused, stored.commit) == (
        "rejected",
        (finding,),
        False,
        "c-1",
    )


async def test_a_late_result_of_a_lost_attempt_is_on_record_and_changes_nothing(
    journal: Journal, claimed: ClaimedBuild, land: Land
) -> None:
    zombie = await claimed.dispatch_attempt("storage", FIRST, base="x")
    await claimed.start_attempt(zombie)
    await claimed.lose_attempt(zombie, "its worker stopped answering")
    await land(claimed, "storage")
    before = (
        await journal.build(claimed.id),
        await journal.tasks(claimed.id),
        await journal.attempts(claimed.id),
    )
    for late in (
        lambda: claimed.submit_attempt(zombie, commit="z", tree="z"),
        lambda: claimed.accept_attempt(zombie, commit="z", tree="z"),
    ):
        with pytest.raises(StaleAttempt, match=r"fence 1.*fence 2"):
            await late()
    after = await journal.build(claimed.id)
    assert (after.head, await journal.tasks(claimed.id), await journal.attempts(claimed.id)) == (
        before[0].head,
        before[1],
        before[2],
    )
    stale = [event for event in await journal.events(claimed.id) if event.kind == "attempt.stale"]
    assert [(event.attempt, event.data["fence"], event.data["current"]) for event in stale] == [
        ("storage.1", 1, 2)
    ] * 2


async def test_an_attempt_is_accepted_once(claimed: ClaimedBuild, land: Land) -> None:
    attempt = await land(claimed, "storage")
    with pytest.raises(IllegalTransition):
        await claimed.accept_attempt(attempt, commit="again", tree="again")


async def test_recovery_keeps_what_was_accepted_and_loses_what_was_open(
    journal: Journal, claimed: ClaimedBuild, land: Land
) -> None:
    await land(claimed, "storage")
    await submitted(claimed, "api")
    await claimed.dispatch_attempt("cli", FIRST, base="x")
    found = await claimed.recover()
    assert (found.state, list(found.accepted), found.ready) == ("running", ["storage"], ("api", "cli"))
    assert found.accepted["storage"].commit == "landed-storage.1"
    assert [(one.id, one.state) for one in found.lost] == [("api.1", "lost"), ("cli.1", "lost")]
    again = await claimed.dispatch_attempt("api", FIRST, base="x")
    assert (again.id, again.fence) == ("api.2", 2)


async def test_a_landing_just_before_the_crash_is_accepted_at_recovery(
    journal: Journal, claimed: ClaimedBuild, land: Land
) -> None:
    earlier = await land(claimed, "storage")
    attempt = await submitted(claimed, "api")
    await claimed.prove_attempt(attempt, GREEN)
    landed = {"api.1": Landing("main-2", "tree-2"), earlier.id: Landing("landed-storage.1", "tree-1")}
    found = await claimed.recover(landed)
    assert (sorted(found.accepted), found.lost, found.ready) == (["api", "storage"], (), ("docs", "cli"))
    assert (await journal.build(claimed.id)).head == "main-2"
    assert (await claimed.recover(landed)).lost == ()


async def test_a_landing_whose_reply_was_lost_is_accepted_at_recovery(
    journal: Journal, claimed: ClaimedBuild
) -> None:
    attempt = await submitted(claimed, "storage")
    await claimed.prove_attempt(attempt, GREEN)
    await claimed.advance("failed", reason="the git server went away while it merged")
    assert await task_state(journal, claimed.id, "storage") == "ready"
    found = await claimed.recover({"storage.1": Landing("main-1", "tree-1")})
    await claimed.reopen()
    assert list(found.accepted) == ["storage"]
    assert await task_state(journal, claimed.id, "api") == "ready"


@pytest.mark.parametrize("name", ["storage.7", "nonsense"])
async def test_a_landing_of_nobody_is_loud(claimed: ClaimedBuild, name: str) -> None:
    with pytest.raises(JournalDamaged, match=name):
        await claimed.recover({name: Landing("c", "t")})


async def test_a_landing_that_nobody_proved_is_loud(claimed: ClaimedBuild) -> None:
    await submitted(claimed, "storage")
    with pytest.raises(EvidenceMissing):
        await claimed.recover({"storage.1": Landing("c", "t")})


async def test_an_attempt_whose_tree_cannot_be_made_is_sent_back_before_it_starts(
    journal: Journal, claimed: ClaimedBuild
) -> None:
    attempt = await claimed.dispatch_attempt("storage", FIRST, base="x")
    await claimed.reject_attempt(attempt, (), refused=True, reason="no such revision")
    stored = (await journal.attempts(claimed.id))[0]
    assert (stored.state, stored.refused, stored.reason, stored.started) == (
        "rejected",
        True,
        "no such revision",
        None,
    )
    assert await task_state(journal, claimed.id, "storage") == "ready"


async def test_a_cancel_that_meets_an_acceptance_leaves_one_of_the_two(
    journal: Journal, make_plan: Callable[[dict[str, list[str]]], Plan], start: Callable[..., Awaitable[None]]
) -> None:
    seen: set[str] = set()
    for trial in range(40):
        build = await journal.create_build("Make it")
        async with journal.claim_build(build.id, "a test") as claimed:
            await start(claimed, make_plan({"a": [], "b": ["a"]}))
            attempt = await submitted(claimed, "a")
            await claimed.prove_attempt(attempt, GREEN)

            async def accept(claimed: ClaimedBuild = claimed, attempt: Attempt = attempt) -> None:
                with suppress(StaleAttempt):
                    await claimed.accept_attempt(attempt, commit="c", tree="t")

            both: list[Callable[[], Coroutine[Any, Any, None]]] = [
                accept,
                partial(claimed.advance, "cancelled"),
            ]
            async with anyio.create_task_group() as group:
                for one in both if trial % 2 else reversed(both):
                    group.start_soon(one)
        task, other = await journal.tasks(build.id)
        (stored,) = await journal.attempts(build.id)
        assert (await journal.build(build.id)).state == "cancelled"
        assert task.state == stored.state and other.state == "cancelled"
        seen.add(task.state)
    assert seen == {"accepted", "cancelled"}
