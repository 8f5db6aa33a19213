"""Events: numbered without a gap, whoever writes at the same time, and soon seen by who waits for them."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import pytest

from codegod_orchestrator.journal import ClaimedBuild, Journal, TasksUnproved
from codegod_orchestrator.journal import journal as journal_module
from codegod_orchestrator.states import IllegalTransition

Land = Callable[[ClaimedBuild, str], Awaitable[object]]


async def test_events_have_no_gap_although_writes_fail_in_between(
    journal: Journal, claimed: ClaimedBuild
) -> None:
    async def write(number: int) -> None:
        if number % 7 == 0:
            with pytest.raises((IllegalTransition, TasksUnproved)):
                await claimed.advance("done" if number % 2 else "planning")
        else:
            await claimed.append("note", {"number": number})

    first = (await journal.build(claimed.id)).last_event
    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            for number in range(1, 200):
                group.start_soon(write, number)
    events = await journal.events(claimed.id, limit=10_000)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    noted = [event.data["number"] for event in events[first:]]
    assert noted == [number for number in range(1, 200) if number % 7]
    assert (await journal.build(claimed.id)).last_event == len(events)


async def test_append_says_which_number_the_event_got(journal: Journal, claimed: ClaimedBuild) -> None:
    seq = await claimed.append("note", {"text": "half a \ud800 pair and a \0"}, task="api", attempt="api.1")
    (event,) = await journal.events(claimed.id, after=seq - 1)
    assert (event.seq, event.kind, event.task, event.attempt) == (seq, "note", "api", "api.1")
    assert event.data == {"text": "half a \ud800 pair and a \0"}


async def test_events_are_paged(journal: Journal, claimed: ClaimedBuild) -> None:
    for number in range(5):
        await claimed.append("note", {"number": number})
    last = (await journal.build(claimed.id)).last_event
    page = await journal.events(claimed.id, after=last - 4, limit=3)
    assert [event.data["number"] for event in page] == [1, 2, 3]
    assert [one.kind for one in await journal.events_of(claimed.id, ["plan.saved"])] == ["plan.saved"]


async def test_who_waits_is_woken_at_once_by_a_write_of_this_process(
    journal: Journal, claimed: ClaimedBuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "POLL_SECONDS", 3600)
    last = (await journal.build(claimed.id)).last_event
    seen: list[str] = []

    async def wait() -> None:
        seen.extend(event.kind for event in await journal.wait_events(claimed.id, last, timeout=3600))

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            await claimed.append("note")
    assert seen == ["note"] * 3


async def test_who_waits_sees_what_another_process_writes(
    path: Path, journal: Journal, claimed: ClaimedBuild
) -> None:
    last = (await journal.build(claimed.id)).last_event
    async with Journal.open(path) as elsewhere:
        with anyio.fail_after(5):
            async with anyio.create_task_group() as group:

                async def cancel() -> None:
                    assert await elsewhere.request_cancel(claimed.id)

                group.start_soon(cancel)
                (event,) = await journal.wait_events(claimed.id, last, timeout=5)
    assert event.kind == "cancel.requested"


async def test_waiting_ends_empty_when_nothing_happens(journal: Journal, claimed: ClaimedBuild) -> None:
    last = (await journal.build(claimed.id)).last_event
    with anyio.fail_after(5):
        assert await journal.wait_events(claimed.id, last, timeout=0.01) == ()


async def test_a_cancelled_writer_leaves_a_whole_write(journal: Journal, claimed: ClaimedBuild) -> None:
    with anyio.CancelScope() as scope:
        scope.cancel()
        await claimed.append("note", {"whole": True})
    (event,) = await journal.events_of(claimed.id, ["note"])
    assert event.data == {"whole": True}
