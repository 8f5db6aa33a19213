"""What people see of a build while it runs."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import anyio
import pytest
from rich.console import Console

import codegod_orchestrator.build as pipeline
from codegod_orchestrator.doors.live import LiveView, task_table
from codegod_orchestrator.doors.told import LINE_CHARS, lines_of, one_line, plain_lines_of
from codegod_orchestrator.journal import Event, Journal, ModelCall
from codegod_orchestrator.ladder import Step
from codegod_workers import Finding

FIRST = Step("first", 0, "ollama:small")
REPAIR = Step("repair", 0, "ollama:small", continues="storage.1")
WRONG = Finding(stage="tests", path="tests/test_storage.py", line=7, message="assert 1 == 2")
CALL = ModelCall("task", "ollama:small", False, "ask", "answer", "end", 1.0, 100, 60, 40, task="storage")

# Kinds that only the journal needs; every other kind that the code writes says something.
SILENT = {
    "build.created",
    "build.claimed",
    "attempt.started",
    "attempt.submitted",
    "attempt.proved",
    "contract.settled",
    "tool.called",
}


def event(kind: str, data: Mapping[str, Any] | None = None, **about: str) -> Event:
    return Event(
        "b-demo", 1, kind, about.get("task", ""), about.get("attempt", ""), data or {}, datetime.now(UTC)
    )


# As the pipeline appends them; what the journal itself writes is driven below.
APPENDED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "plan.sent_back": (
        {"findings": ["[plan] tasks.0.id: bad", "[plan] no JSON"]},
        ["  the plan was sent back", "      [plan] tasks.0.id: bad", "      [plan] no JSON"],
    ),
    "contract.sent_back": (
        {"findings": [f"finding {number}" for number in range(5)]},
        [
            "  the contract was sent back",
            "      finding 0",
            "      finding 1",
            "      finding 2",
            "      and 2 more",
        ],
    ),
    "plan.forecast": (
        {
            "calls": 9,
            "attempts": 4,
            "tokens": 50000,
            "cost": "0.5",
            "most_cost": "2",
            "seconds": 300.0,
            "unpriced": ["openai:x"],
        },
        [
            "  forecast: 9 calls, 50000 tokens, $0.5000 (at most $2.00) and the unknown price of openai:x, 5 min"
        ],
    ),
    "limits.changed": ({"cost": "5", "seconds": 90}, ["  limits from now on: 90 s, $5.00"]),
    "acceptance.written": (
        {"behaviours": [{"id": "B1", "test": "t"}, {"id": "B2"}]},
        ["  2 behaviours asked for, 1 acceptance test"],
    ),
    "acceptance.seen": (
        {
            "behaviours": [
                {"id": "B1", "outcome": "passed"},
                {"id": "B2", "outcome": "failed", "message": "assert 404 == 200"},
                {"id": "B3", "outcome": "untested"},
            ]
        },
        ["  from outside: 1 of 3 behaviours proved", "      B2: assert 404 == 200"],
    ),
    "contract.proved": (
        {"evidence": 5, "guards": 1, "hollow": {"t": ["none"]}, "tried": ["Go", "Python"]},
        ["  5 tests can tell code from stubs, 1 more cannot tell it from empty bodies (tried in Go, Python)"],
    ),
    "contract.ruled": ({"ruling": "code", "reason": "as asked"}, ["  api: the master rules: code: as asked"]),
    "contract.amended": (
        {"version": 2, "reason": "it wants 12.5", "reopened": {"storage": "its stub changed"}},
        ["  api: the contract was amended: it wants 12.5; done once more: storage"],
    ),
    "amendment.dropped": ({"reason": "no RED"}, ["  api: an amendment did not hold: no RED"]),
    "ruling.unanswered": ({"reason": "busy"}, ["  api: the master did not rule: busy"]),
    "plan.revised": (
        {"added": ["api-2"], "dropped": [], "reason": "too big"},
        ["  api: the plan was revised (added api-2): too big"],
    ),
    "plan.kept": ({"reason": "it is fine"}, ["  api: the plan stays as it is: it is fine"]),
    "suite.disagreed": (
        {"tests": ["tests/a.py::t"]},
        ["  api.1: two runs of the suite disagree: tests/a.py::t"],
    ),
    "image.seen": (
        {"built": False, "answered": False, "note": "no engine"},
        ["  the image was not built: no engine"],
    ),
    "reference.unread": (
        {"url": "https://example.org/api", "reason": "it is gone"},
        ["  https://example.org/api was not read: it is gone"],
    ),
    "build.checked": (
        {"tree": "t", "tests": [{"id": "a", "outcome": "passed"}, {"id": "b", "outcome": "failed"}]},
        ["  the last run: 1 of 2 tests passed"],
    ),
    "build.delivered": ({"path": "/out", "head": "h", "commits": 3}, ["  delivered to /out"]),
    "build.not_resumed": ({"reason": "no model"}, ["not taken up again: no model"]),
}


def test_a_master_that_is_asked_is_told() -> None:
    asked = {"step": "plan", "model": "anthropic:big"}
    assert plain_lines_of(event("model.asked", asked)) == ["  asking anthropic:big for the plan"]
    assert plain_lines_of(event("model.asked", asked, task="api", attempt="api.1")) == []


@pytest.mark.parametrize("kind", sorted(APPENDED))
def test_what_the_pipeline_appends_is_told(kind: str) -> None:
    data, lines = APPENDED[kind]
    assert plain_lines_of(event(kind, data, task="api", attempt="api.1")) == lines


def test_every_kind_of_event_that_the_code_writes_is_told_or_known_to_be_silent() -> None:
    source = "\n".join(
        path.read_text("utf-8")
        for path in Path(pipeline.__file__).parent.rglob("*.py")
        if path.name != "told.py"
    )
    written = set(re.findall(r'(?:\.event|\bappend)\(\s*"([a-z_]+\.[a-z_]+)"', source)) | {"build.created"}
    assert {"attempt.rejected", "plan.sent_back", "build.delivered"} <= written  # the pattern still fits
    telling = {kind for kind in written if plain_lines_of_or_fault(kind)}
    assert written - telling == SILENT


def plain_lines_of_or_fault(kind: str) -> bool:
    """Whether there is something to say of `kind`: lines, or a complaint about the data that is not there."""
    try:
        return bool(lines_of(event(kind)))
    except KeyError:
        return True


# Not the one that the tests are run in: a dumb terminal gets no picture.
TERMINAL = {"TERM": "xterm-256color"}


async def test_a_whole_build_is_told_in_its_order(journal: Journal, begun: Any) -> None:
    build = await begun.create(journal)
    async with journal.claim_build(build.id, "a test") as claimed:
        await begun.up_to_tasks(claimed)
        first = await claimed.dispatch_attempt("storage", FIRST, base="main-0")
        await claimed.start_attempt(first)
        await claimed.record_model_call(CALL)
        await claimed.reject_attempt(first, [WRONG])
        second = await claimed.dispatch_attempt("storage", REPAIR, base="main-0")
        await claimed.start_attempt(second)
        await claimed.submit_attempt(second, commit="c", tree="t")
        await claimed.prove_attempt(second, begun.green)
        await claimed.accept_attempt(second, commit="c", tree="t")
        third = await claimed.dispatch_attempt("api", FIRST, base="main-1")
        await claimed.lose_attempt(third, "the sandbox went away")
        await claimed.fail_task("api", "its tools were lost 3 times")
        await claimed.advance("finishing")
        await claimed.advance("partial", reason="not built: api")
        await claimed.reopen()
        await journal.request_cancel(build.id)
        await claimed.advance("cancelled", reason="cancelled on request")
    lines = [line for event in await journal.events(build.id) for line in plain_lines_of(event)]
    assert lines == [
        "  planned demo: 2 tasks",
        "contracting",
        "  the contract holds, with 1 test",
        "running",
        "  storage.1: first try by ollama:small",
        "  storage.1 sent back",
        "      tests/test_storage.py:7: [tests] assert 1 == 2",
        "  storage.2: repair by ollama:small",
        "  storage.2 accepted and on main",
        "  api.1: first try by ollama:small",
        "  api.1 lost: the sandbox went away",
        "  api failed: its tools were lost 3 times",
        "finishing",
        "partial: not built: api",
        "running: taken up again",
        "asked to stop",
        "cancelled: cancelled on request",
    ]


async def test_a_model_that_gave_no_answer_is_told_and_so_is_what_fell_with_a_task(
    journal: Journal, begun: Any
) -> None:
    build = await begun.create(journal)
    async with journal.claim_build(build.id, "a test") as claimed:
        await begun.up_to_tasks(claimed)
        await claimed.record_model_call(
            ModelCall("plan", "ollama:small", False, "ask", "", "", 1.0, 100, error="unreachable")
        )
        attempt = await claimed.dispatch_attempt("storage", FIRST, base="main-0")
        await claimed.reject_attempt(attempt, [], refused=True, reason="BLOCKED: no table")
        await claimed.fail_task("storage", "no rung is left")
    lines = [line for event in await journal.events(build.id) for line in plain_lines_of(event)]
    assert lines[-5:] == [
        "  storage.1: first try by ollama:small",
        "  storage.1 sent back",
        "      BLOCKED: no table",
        "  storage failed: no rung is left",
        "      skipped with it: api",
    ]
    assert "  ollama:small gave no answer: unreachable" in lines


def test_hostile_words_neither_colour_nor_move_a_terminal() -> None:
    evil = {
        "stage": "tests",
        "path": "",
        "line": 0,
        "message": "\x1b]0;owned\x07\x1b[2J[bold red]\n\rmoved\u202e",
    }
    told = event("attempt.rejected", {"findings": [evil], "reason": ""}, attempt="a.1")
    console = Console(file=StringIO(), force_terminal=True, _environ=TERMINAL, width=120)
    for line in lines_of(told):
        console.print(line, highlight=False)
    shown = console.file.getvalue()  # type: ignore[attr-defined]  # the StringIO above
    assert "[bold red]" in shown
    assert not {"\x07", "\r", "\u202e"} & set(shown)
    assert re.sub(r"\x1b\[[0-9;]*m", "", shown).count("\x1b") == 0


def test_a_long_text_becomes_one_line() -> None:
    assert len(one_line("word " * 1000)) == LINE_CHARS
    assert one_line(" a\n\tb ") == "a b"


async def shown(view: LiveView, console: Console, until: str) -> str:
    """What the view has written when `until` is in it."""
    file = console.file
    assert isinstance(file, StringIO)
    async with anyio.create_task_group() as group:
        group.start_soon(view.follow)
        with anyio.fail_after(20):
            while until not in file.getvalue():
                await anyio.wait_all_tasks_blocked()
                await anyio.sleep(0.01)  # the console's file gives no event to wait on
        group.cancel_scope.cancel()
    await view.finish()
    return file.getvalue()


async def test_without_a_terminal_there_is_one_line_per_event_and_nothing_else(
    journal: Journal, begun: Any
) -> None:
    build = await begun.create(journal)
    console = Console(file=StringIO(), width=100)
    async with journal.claim_build(build.id, "a test") as claimed:
        await begun.up_to_tasks(claimed)
        text = await shown(LiveView(console, journal, build.id), console, "running")
        await claimed.advance("failed", reason="the end")
        view = LiveView(console, journal, build.id, seen=(await journal.build(build.id)).last_event - 1)
        await view.finish()
    assert text.splitlines() == [
        "  planned demo: 2 tasks",
        "contracting",
        "  the contract holds, with 1 test",
        "running",
    ]
    assert console.file.getvalue().splitlines()[-1] == "failed: the end"  # type: ignore[attr-defined]


async def test_on_a_terminal_the_tasks_stand_below_the_events(journal: Journal, begun: Any) -> None:
    build = await begun.create(journal)
    console = Console(
        file=StringIO(), force_terminal=True, _environ=TERMINAL, width=100, height=30, color_system=None
    )
    async with journal.claim_build(build.id, "a test") as claimed:
        await begun.up_to_tasks(claimed)
        first = await claimed.dispatch_attempt("storage", FIRST, base="main-0")
        await claimed.record_model_call(CALL)
        await claimed.reject_attempt(first, [WRONG])
        await claimed.dispatch_attempt("storage", REPAIR, base="main-0")
        text = await shown(
            LiveView(console, journal, build.id), console, "repairing storage.1 with ollama:small"
        )
    picture = text[text.rindex(build.id) :]
    assert text.index("tests/test_storage.py:7: [tests] assert 1 == 2") < text.rindex(build.id)
    assert re.match(
        rf"{build.id}  running  0:0\d  0 of 2 tasks  1 model call  100 tokens  \$0.0000 and more", picture
    )
    rows = [line.split() for line in picture.splitlines()[1:4]]
    assert rows[0][:4] == ["task", "type", "state", "tries"]
    assert rows[1][:4] == ["storage", "database", "inflight", "2"]
    assert rows[2][:3] == ["api", "api", "blocked"]


@pytest.mark.parametrize(("height", "expected"), [(40, 40), (10, 10), (3, 3)])
async def test_a_plan_that_is_longer_than_the_terminal_is_cut_to_what_matters(
    journal: Journal, begun: Any, height: int, expected: int
) -> None:
    tasks = [
        {"id": f"t{number}", "type": "backend", "title": "T", "files": [f"src/{number}.py"]}
        for number in range(60)
    ]
    build = await begun.create(journal)
    async with journal.claim_build(build.id, "a test") as claimed:
        begun.plan = begun.plan.model_validate({"name": "big", "skeleton": ["a"], "tasks": tasks})
        await begun.up_to_tasks(claimed)
        await claimed.dispatch_attempt("t59", FIRST, base="main-0")
        stored = await journal.tasks(build.id)
        table = task_table(stored, await journal.attempts(build.id), rows=height)
    console = Console(file=StringIO(), width=60)
    console.print(table)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert len(lines) == expected
    assert any(re.match("t59 +backend +inflight +1 +writing", line) for line in lines)
    assert re.match(r"and \d+ ready", lines[-1])
