"""Amendments and revised plans, as the journal keeps them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime

import pytest

from codegod_kit.plan import Plan, parse_plan
from codegod_mesh import ToolCall
from codegod_orchestrator.evidence import Evidence, TestSeen
from codegod_orchestrator.journal import Attempt, ClaimedBuild, Journal, Landing
from codegod_orchestrator.ladder import Step
from codegod_orchestrator.states import IllegalTransition

MakePlan = Callable[[Mapping[str, Sequence[str]]], Plan]
Land = Callable[[ClaimedBuild, str], Awaitable[Attempt]]
FIRST = Step("first", 0, "ollama:small")
RED = Evidence(
    tree="tree-2", tests=(TestSeen(id="tests/test_api.py::test_it", outcome="failed", reason="stub"),)
)
DEPENDS: Mapping[str, Sequence[str]] = {
    "storage": [],
    "api": ["storage"],
    "docs": ["storage", "api"],
    "cli": [],
}


async def states(journal: Journal, claimed: ClaimedBuild) -> dict[str, str]:
    return {task.id: task.state for task in await journal.tasks(claimed.id)}


async def reject(claimed: ClaimedBuild, task: str) -> Attempt:
    attempt = await claimed.dispatch_attempt(task, FIRST, base="main-0")
    await claimed.start_attempt(attempt)
    await claimed.reject_attempt(attempt, ())
    return attempt


async def test_an_amended_task_begins_anew_once_main_has_its_contract(
    journal: Journal, claimed: ClaimedBuild
) -> None:
    await reject(claimed, "storage")
    await claimed.save_contract("contract-2", "tree-2", RED)
    await claimed.amend("storage", {}, {"ruling": "test", "contract": 2})
    assert (await states(journal, claimed))["storage"] == "amended"
    assert await claimed.settle({"version": 2}) == ("storage",)
    (task, *_) = await journal.tasks(claimed.id)
    assert (task.state, task.forgiven) == ("ready", 1)
    (event,) = await journal.events_of(claimed.id, ("contract.amended",))
    assert (event.task, event.data["ruling"], event.data["reopened"]) == ("storage", "test", {})


async def test_accepted_work_that_an_amendment_breaks_is_done_once_more_and_others_wait_for_it(
    journal: Journal, claimed: ClaimedBuild, land: Land
) -> None:
    before = await land(claimed, "storage")
    await reject(claimed, "api")
    await claimed.amend("api", {"storage": "its tests were amended"}, {"ruling": "spec"})
    assert await claimed.settle({"version": 2}) == ("storage",)
    assert await states(journal, claimed) == {
        "storage": "ready", "api": "blocked", "docs": "blocked", "cli": "ready",
    }  # fmt: skip
    # The old landing is on `main` still; whoever takes the build up must not take it for the new one.
    recovery = await claimed.recover({before.id: Landing(f"landed-{before.id}", "tree-1")})
    assert recovery.accepted == {}
    again = await land(claimed, "storage")
    assert (again.number, (await states(journal, claimed))["api"]) == (2, "ready")
    assert (await claimed.recover({})).accepted["storage"].id == again.id


async def test_a_revised_plan_changes_what_nobody_has_begun(
    journal: Journal, claimed: ClaimedBuild, land: Land, make_plan: MakePlan
) -> None:
    await land(claimed, "storage")
    await reject(claimed, "api")
    plan = make_plan({"storage": [], "rules": [], "api": ["storage", "rules"], "docs": ["api"]})
    assert await claimed.revise_plan(plan, "api", {"words": "too much"}) == 2
    assert await claimed.settle({"version": 2}) == ("rules",)
    tasks = await journal.tasks(claimed.id)
    assert [(task.id, task.state) for task in tasks] == [
        ("storage", "accepted"), ("rules", "ready"), ("api", "blocked"), ("docs", "blocked"),
    ]  # fmt: skip
    assert tasks[2].depends == ("storage", "rules")
    assert parse_plan((await journal.build(claimed.id)).plan) == plan
    (event,) = await journal.events_of(claimed.id, ("plan.revised",))
    assert (event.data["version"], event.data["added"], event.data["dropped"]) == (2, ["rules"], ["cli"])


async def test_a_dropped_task_does_not_keep_a_build_from_being_done(
    journal: Journal, claimed: ClaimedBuild, land: Land, make_plan: MakePlan
) -> None:
    await reject(claimed, "cli")
    await land(claimed, "storage")
    await claimed.revise_plan(make_plan({"storage": []}), "cli", {})
    await claimed.settle({"version": 2})
    await claimed.advance("finishing")
    await claimed.advance("done")
    assert [attempt.id for attempt in await journal.attempts(claimed.id)] == ["cli.1", "storage.1"]


async def test_a_task_that_somebody_works_on_cannot_be_revised(
    journal: Journal, claimed: ClaimedBuild, make_plan: MakePlan
) -> None:
    await claimed.dispatch_attempt("storage", FIRST, base="main-0")
    await reject(claimed, "cli")
    plan = make_plan(DEPENDS)
    changed = plan.tasks[0].model_copy(update={"files": ("src/other.py",)})
    with pytest.raises(IllegalTransition):
        await claimed.revise_plan(plan.model_copy(update={"tasks": (changed, *plan.tasks[1:])}), "cli", {})
    assert await journal.events_of(claimed.id, ("plan.revised",)) == ()


@pytest.mark.parametrize(
    ("tool", "is_error", "wrote"),
    [("file_write", False, True), ("file_write", True, False), ("file_read", False, False)],
)
async def test_whether_an_attempt_wrote_is_read_from_its_calls(
    journal: Journal, claimed: ClaimedBuild, tool: str, is_error: bool, wrote: bool
) -> None:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    await claimed.tool_called(
        ToolCall(claimed.id, "storage", "storage.1", "sandbox", tool, {}, is_error, "", None, 0.1, at)
    )
    assert await journal.wrote(claimed.id, "storage.1", ("sandbox.file_write",)) is wrote
    assert not await journal.wrote(claimed.id, "storage.2", ("sandbox.file_write",))
