"""The report of a build, from its journal."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from codegod_kit.plan import Plan
from codegod_orchestrator.evidence import Evidence, StageSeen, TestSeen
from codegod_orchestrator.forecast import Forecast
from codegod_orchestrator.journal import ClaimedBuild, Journal, ModelCall
from codegod_orchestrator.ladder import Step
from codegod_orchestrator.reports.report import DELIVERED, LAST_RUN, evidence_document, read_report
from codegod_orchestrator.reports.report_text import (
    report_data,
    report_summary,
    report_text,
    simulation_notice,
)
from codegod_orchestrator.spend import Amount, Spend
from codegod_workers.records import Finding

FIRST = Step("first", 0, "ollama:small")
CALL = ModelCall(
    step="task",
    model="ollama:small",
    simulated=True,
    request="q",
    reply="a",
    stop="end",
    seconds=2.0,
    reserved_tokens=100,
    input_tokens=10,
    output_tokens=20,
    cost=Decimal(0),
)


def test_named(name: str, outcome: str = "passed", reason: str = "") -> TestSeen:
    return TestSeen.model_validate({"id": name, "outcome": outcome, "reason": reason})


test_named.__test__ = False  # type: ignore[attr-defined]  # a maker of records, not a test


@pytest.fixture
async def build(journal: Journal, make_plan: Callable[[dict[str, list[str]]], Plan]) -> str:
    """`storage` was sent back once and landed; `api` never did; `docs` waited for it."""
    plan = make_plan({"storage": [], "api": ["storage"], "docs": ["api"]})
    wishes = [{"id": "B1", "text": "A todo can be read back"}]
    plan = Plan.model_validate(
        {**plan.model_dump(), "behaviours": wishes, "stack": {"database": "PostgreSQL"}}
    )
    name = (await journal.create_build("Create a\nREST API \x1b[31m", out="/somewhere")).id
    async with journal.claim_build(name, "a test") as claimed:
        await claimed.save_plan(plan)
        await claimed.advance("contracting")
        red = (
            test_named("tests/test_storage.py::test_put", "failed", "stub"),
            test_named("tests/test_storage.py::test_import", "passed"),
            test_named("tests/test_api.py::test_get", "failed", "assertion"),
            test_named("tests/test_api.py::test_broken", "failed", "import"),
        )
        await claimed.save_contract(
            "contract", "tree-0", Evidence(tree="tree-0", level="bubblewrap", tests=red)
        )
        await claimed.advance("running")
        await claimed.record_model_call(CALL)
        await storage(claimed)
        await api(claimed)
        await claimed.advance("finishing")
        last = Evidence(
            tree="tree-9",
            level="bubblewrap",
            tests=(
                test_named("tests/test_storage.py::test_put"),
                test_named("tests/test_smoke.py::test_it", "skipped"),
            ),
            stages=(
                StageSeen(name="tests", status="passed"),
                StageSeen(name="types", status="skipped", note="no ty"),
            ),
        )
        await claimed.append(LAST_RUN, last.model_dump(mode="json"))
        await claimed.append(DELIVERED, {"path": "/somewhere"})
        await claimed.advance("partial", reason="api failed")
    return name


async def storage(claimed: ClaimedBuild) -> None:
    wrong = await claimed.dispatch_attempt("storage", FIRST, base="x")
    await claimed.start_attempt(wrong)
    finding = Finding(stage="types", path="src/storage.py", line=7, message="bad\n\x1b[31mtype\x07")
    await claimed.reject_attempt(wrong, [finding] * 7)
    good = await claimed.dispatch_attempt("storage", Step("repair", 0, "ollama:small", "storage.1"), base="x")
    await claimed.start_attempt(good)
    await claimed.submit_attempt(good, commit="c", tree="t")
    green = Evidence(
        tree="abcdef1234567890", level="bubblewrap", tests=(test_named("tests/test_storage.py::test_put"),)
    )
    await claimed.prove_attempt(good, green)
    await claimed.accept_attempt(good, commit="fedcba0987654321", tree="abcdef1234567890")


async def api(claimed: ClaimedBuild) -> None:
    blocked = await claimed.dispatch_attempt("api", Step("first", 1, "anthropic:big"), base="x")
    await claimed.start_attempt(blocked)
    await claimed.reject_attempt(blocked, (), refused=True, reason="BLOCKED: get_todo")
    await claimed.fail_task("api", "the ladder has no rung left")


async def test_the_report_holds_red_and_green_of_each_task(journal: Journal, build: str) -> None:
    report = await read_report(journal, build)
    first, second, third = report.tasks
    assert first.proof.red == first.proof.green == ("tests/test_storage.py::test_put",)
    assert first.proof.guards == ("tests/test_storage.py::test_import",)
    assert (first.proof.tree, first.proof.commit) == ("abcdef1234567890", "fedcba0987654321")
    assert (second.proof.red, second.proof.green) == (("tests/test_api.py::test_get",), ())
    assert second.proof.open == ("tests/test_api.py::test_get",)
    assert third.attempts == ()
    assert (report.levels, report.delivered, report.build.state) == (("bubblewrap",), "/somewhere", "partial")


async def test_the_report_names_what_was_not_proved(journal: Journal, build: str) -> None:
    assert (await read_report(journal, build)).unproved == (
        "task api is not built (failed: the ladder has no rung left)",
        "task docs is not built (skipped: it depends on 'api', which failed)",
        "test tests/test_smoke.py::test_it was skipped",
        "the stage types was skipped: no ty",
        "B1 (A todo can be read back): no test saw it from outside",
        "PostgreSQL was not started: the tests ran without it",
    )


async def test_the_text_tells_all_of_it_in_harmless_lines(journal: Journal, build: str) -> None:
    text = report_text(await read_report(journal, build))
    for words in (
        f"# Build {build}: partial",
        "- Prompt: Create a REST API [31m\n",
        "no language model took part",
        "- Tasks: 1 of 3 accepted",
        "- Last run: 1 of 2 tests passed on tree tree-9",
        "- Sandbox: bubblewrap",
        "- storage (backend): accepted, 2 attempts, RED 1, GREEN 1",
        "- Landed as fedcba098765, proved on tree abcdef123456 in a sandbox of level bubblewrap",
        "- RED, then GREEN: tests/test_storage.py::test_put",
        "- Guard (passed on the stubs already): tests/test_storage.py::test_import",
        "- storage.1 (first try, ollama:small on rung 1, ",
        "    - types: src/storage.py:7 bad [31mtype\n",
        "    - and 2 more",
        "- storage.2 (repair of storage.1, ollama:small on rung 1, ",
        "- api.1 (first try, anthropic:big on rung 2, ",
        ": rejected: BLOCKED: get_todo",
        "- RED, not GREEN: tests/test_api.py::test_get",
        "- ollama:small (simulated): 1 call, 30 tokens, $0.0000, 2.0 s",
        "- rung 1: 1 call, 30 tokens",
        "- PostgreSQL was not started",
    ):
        assert words in text, words
    assert all(char.isprintable() or char == "\n" for char in text)


async def test_the_summary_counts_what_the_text_lists(journal: Journal, build: str) -> None:
    summary = report_summary(await read_report(journal, build))
    assert summary.pop("Time").endswith(" s from start to end")
    assert summary == {
        "Why": "api failed",
        "Tasks": "1 of 3 accepted, 2 answers sent back on the way",
        "Tests": "1 of 2 passed in the last run; 1 test failed on the stubs first (RED) and passed on the code (GREEN)",
        "Not proved": "task api is not built (failed: the ladder has no rung left); "
        "task docs is not built (skipped: it depends on 'api', which failed); "
        "test tests/test_smoke.py::test_it was skipped; the stage types was skipped: no ty; "
        "1 more point; 1 of 1 behaviour not tried from outside",
        "Sandbox": "bubblewrap",
        "Models": "The models were simulated (ollama:small): no language model took part, the answers were written beforehand.",
        "Used": "1 call, 30 tokens, $0.0000, 2.0 s of model time",
    }


async def test_the_summary_of_a_build_that_was_only_begun_claims_nothing(journal: Journal) -> None:
    build = await journal.create_build("Make it")
    assert report_summary(await read_report(journal, build.id)) == {
        "Tests": "the whole suite was not run on a finished tree",
        "Not proved": "the whole suite was not run on a finished tree; "
        "there is no plan, so nothing is known of what was wanted",
    }


async def test_tasks_without_a_red_test_are_named_together(
    journal: Journal, claimed: ClaimedBuild, land: Callable[[ClaimedBuild, str], Awaitable[object]]
) -> None:
    await claimed.save_contract("contract-2", "t", Evidence(tree="t"))
    await land(claimed, "storage")
    await land(claimed, "cli")
    points = report_summary(await read_report(journal, claimed.id))["Not proved"].split("; ")
    assert "no test failed on the stubs of storage, cli" in points


async def test_the_report_is_json_too(journal: Journal, build: str) -> None:
    data = json.loads(json.dumps(report_data(await read_report(journal, build))))
    assert data["build"]["id"] == build
    assert data["tasks"][0]["proof"]["green"] == ["tests/test_storage.py::test_put"]
    assert data["tasks"][0]["attempts"][0]["findings"][0]["line"] == 7
    assert data["spend"]["total"]["cost"] == "0"


async def test_a_build_without_a_plan_has_a_report(journal: Journal) -> None:
    build = await journal.create_build("Make it")
    report = await read_report(journal, build.id)
    assert report.unproved == (
        "the whole suite was not run on a finished tree",
        "there is no plan, so nothing is known of what was wanted",
    )
    text = report_text(report)
    assert "no level is on record" in text and "so far" in text and "- no model was asked" in text


async def test_a_task_without_a_red_test_is_named(
    journal: Journal, claimed: ClaimedBuild, land: Callable[[ClaimedBuild, str], Awaitable[object]]
) -> None:
    await claimed.save_contract("contract-2", "t", Evidence(tree="t"))
    await land(claimed, "storage")
    unproved = (await read_report(journal, claimed.id)).unproved
    assert (
        unproved[0]
        == "task storage has no test that failed on its stubs: the checks and the suite stand for it"
    )


async def test_what_empty_bodies_have_shown_is_said(
    journal: Journal, claimed: ClaimedBuild, land: Callable[[ClaimedBuild, str], Awaitable[object]]
) -> None:
    test = test_named("tests/test_storage.py::test_put", "failed")
    hollow = test.model_copy(update={"reason": "stub", "hollow": ("none",)})
    await claimed.save_contract("contract-2", "t", Evidence(tree="t", tests=(hollow,)))
    await claimed.append("contract.proved", {"tried": ["Python"], "untried": ["a.rs: why"]})
    await land(claimed, "storage")
    report = await read_report(journal, claimed.id)
    assert (
        report.unproved[0]
        == "task storage: its tests pass on empty bodies, so an empty answer would do: tests/test_storage.py::test_put"
    )
    assert "not tried on empty bodies: a.rs: why" in report.unproved
    text = report_text(report)
    assert "- Empty bodies: the contract's tests were tried on stubs that do nothing, in Python" in text


def test_a_mixture_of_models_is_told_apart() -> None:
    assert simulation_notice(Spend(Amount(), real=("a",))) == ""
    assert simulation_notice(Spend(Amount(), simulated=("b",), real=("a",))).startswith(
        "Some models were simulated (b)"
    )


async def test_an_unknown_price_is_said(journal: Journal, claimed: ClaimedBuild) -> None:
    call = replace(CALL, simulated=False, cost=None, output_tokens=None)
    await claimed.record_model_call(call)
    text = report_text(await read_report(journal, claimed.id))
    assert "1 call, 100 tokens (90 of them reserved, where no usage was reported), $0.0000" in text
    assert "and the unknown price of 1 call" in text


SEEN = {
    "behaviours": [
        {
            "id": "B1",
            "text": "A todo can be read back",
            "test": "acceptance/test_api.py::test_read",
            "outcome": "passed",
        },
        {
            "id": "B2",
            "text": "It survives a restart",
            "test": "acceptance/test_api.py::test_restart",
            "outcome": "failed",
            "message": "assert 404 == 200",
        },
        {"id": "B3", "text": "It is fast", "outcome": "untested"},
    ]
}


async def test_behaviours_are_shown_with_their_tests_and_what_these_saw(
    journal: Journal, claimed: ClaimedBuild
) -> None:
    await claimed.append("acceptance.seen", {"behaviours": []})
    await claimed.append("acceptance.seen", SEEN)
    report = await read_report(journal, claimed.id)
    text = report_text(report)
    for line in (
        "- B1 (A todo can be read back): passed, acceptance/test_api.py::test_read\n",
        "- B2 (It survives a restart): failed, acceptance/test_api.py::test_restart: assert 404 == 200\n",
        "- B3 (It is fast): untested\n",
    ):
        assert line in text
    told = [line for line in report.unproved if line.startswith("B")]
    assert told == [
        "B2 (It survives a restart): acceptance/test_api.py::test_restart failed: assert 404 == 200",
        "B3 (It is fast): no test saw it from outside",
    ]
    summary = report_summary(report)
    assert summary["Behaviours"] == "1 of 3 seen by tests from outside"
    assert "B2 (It survives a restart)" in summary["Not proved"]
    assert summary["Not proved"].endswith("1 of 3 behaviours not tried from outside")


async def test_the_report_says_what_each_rung_solved(journal: Journal, build: str) -> None:
    table = report_text(await read_report(journal, build)).partition("## What each rung solved\n\n")[2]
    assert [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:4]] == [
        ["1", "ollama:small", "backend", "1", "1", "0", "1", "0", "2", "0", "$0.0000"],
        ["2", "anthropic:big", "backend", "1", "0", "0", "0", "0", "1", "0", "$0.0000"],
    ]


async def test_the_masters_use_of_the_prompt_cache_is_shown(journal: Journal, claimed: ClaimedBuild) -> None:
    await claimed.record_model_call(replace(CALL, step="plan", input_tokens=100, cache_write_tokens=100))
    await claimed.record_model_call(replace(CALL, step="contract", input_tokens=0, cache_read_tokens=600))
    await claimed.record_model_call(replace(CALL, input_tokens=9_000))  # a worker's
    text = report_text(await read_report(journal, claimed.id))
    assert "- prompt cache: 75% of the master's input was read from it" in text


async def test_changes_of_contract_and_plan_are_told(journal: Journal, claimed: ClaimedBuild) -> None:
    ruled = {"about": "x", "ruling": "code", "reason": "the test says what was asked\x1b[31m"}
    await claimed.append("contract.ruled", ruled, task="api")
    told = {
        "version": 2,
        "ruling": "test",
        "reason": "it wants 12.5",
        "reopened": {"storage": "its stub changed"},
    }
    await claimed.append("contract.amended", told, task="api")
    await claimed.append("plan.kept", {"reason": "no answer"}, task="cli")
    text = report_text(await read_report(journal, claimed.id))
    for line in (
        "- api: the master ruled, code wrong: the test says what was asked [31m\n",
        "- api: the contract was amended to version 2, test wrong: it wants 12.5; done once more: storage\n",
        "- cli: the plan stayed as it was: no answer\n",
    ):
        assert line in text


async def test_the_truth_stands_beside_the_forecast(journal: Journal, claimed: ClaimedBuild) -> None:
    foreseen = Forecast(
        calls=9, attempts=4, tokens=50_000, cost=Decimal("0.5"), most_cost=Decimal(2), seconds=300
    )
    await claimed.append("plan.forecast", foreseen.model_dump(mode="json"))
    await claimed.append("limits.changed", {"cost": "2.5", "seconds": 5400})
    await claimed.record_model_call(replace(CALL, cost=Decimal("0.25")))
    await claimed.dispatch_attempt("storage", FIRST, base="x")
    text = report_text(await read_report(journal, claimed.id))
    for line in (
        "- Limits: 90 min, $2.50\n",
        "- calls: 9 foreseen, 1 made\n",
        "- attempts: 4 foreseen, 1 made\n",
        "- tokens: 50000 foreseen, 30 taken\n",
        "- cost: $0.5000 foreseen (at most $2.00), $0.2500 taken\n",
        "- time: 5 min foreseen, ",
    ):
        assert line in text


async def test_the_evidence_holds_every_proof_of_a_build(journal: Journal, build: str) -> None:
    document = json.loads(json.dumps(await evidence_document(journal, build)))
    assert (document["build"], document["state"], document["sandbox"]) == (build, "partial", ["bubblewrap"])
    assert document["contract"][0]["red"] == [
        "tests/test_storage.py::test_put",
        "tests/test_api.py::test_get",
    ]
    storage = document["tasks"][0]
    assert storage["red_then_green"] == ["tests/test_storage.py::test_put"]
    wrong, good = storage["attempts"]
    assert (wrong["rung"], wrong["model"], wrong["state"]) == (1, "ollama:small", "rejected")
    assert len(wrong["findings"]["types"]) == 7
    assert good["green"]["tree"] == storage["tree"] == "abcdef1234567890"
    assert good["green"]["tests"] == {"tests/test_storage.py::test_put": "passed"}
    assert document["last_run"]["stages"][1] == {
        "name": "types",
        "status": "skipped",
        "seconds": 0.0,
        "note": "no ty",
    }
    assert document["not_proved"]


async def test_the_evidence_lists_the_calls_of_each_attempt(journal: Journal, claimed: ClaimedBuild) -> None:
    await claimed.dispatch_attempt("storage", FIRST, base="x")
    await claimed.record_model_call(replace(CALL, task="storage", attempt="storage.1"))
    told = {"server": "sandbox", "tool": "file_write", "is_error": False, "seconds": 0.25}
    for _ in range(2):
        await claimed.append("tool.called", told, task="storage", attempt="storage.1")
    await claimed.append("tool.called", {**told, "is_error": True}, task="storage", attempt="storage.1")
    attempt = (await evidence_document(journal, claimed.id))["tasks"][0]["attempts"][0]
    assert attempt["tool_calls"] == {"sandbox.file_write": {"calls": 3, "errors": 1, "seconds": 0.75}}
    assert [call["output_tokens"] for call in attempt["model_calls"]] == [20]
