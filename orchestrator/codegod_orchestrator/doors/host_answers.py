"""What the orchestrator's tools answer with. Every answer names the call that comes next."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from codegod_orchestrator.doors.choice import Choice
from codegod_orchestrator.doors.runs import EVENTS_PAGE, News, Runs
from codegod_orchestrator.doors.told import one_line
from codegod_orchestrator.journal import Build, Event
from codegod_orchestrator.options import BuildOptions
from codegod_orchestrator.report import TaskReport, read_report

PROMPT_SHOWN_CHARS = 200
REASON_SHOWN_CHARS = 1_000  # a fault names what to do at its end, so it is rarely cut
SIMULATED = (
    "The models are simulated: a recorded project is played back, and everything around it is real. For real models "
    "set ANTHROPIC_API_KEY and OLLAMA_HOST in the server's environment, or pass `master` and `worker`."
)


class Started(BaseModel):
    build: str
    out: str
    simulated: bool
    note: str
    next: str


class TaskStatus(BaseModel):
    id: str
    type: str
    state: str
    tries: int
    reason: str


class Status(BaseModel):
    build: str
    state: str
    reason: str
    ended: bool
    running: bool
    prompt: str
    out: str
    simulated: bool
    tasks: list[TaskStatus]
    tokens: int
    cost_usd: str
    seconds: float
    next: str


class Progress(BaseModel):
    build: str
    state: str
    reason: str
    ended: bool
    lines: list[str]
    cursor: int
    next: str


class BuildLine(BaseModel):
    build: str
    state: str
    running: bool
    prompt: str
    out: str
    created: str
    tasks: dict[str, int]


class Builds(BaseModel):
    builds: list[BuildLine]


class PlanPreview(BaseModel):
    ready: bool
    plan: str
    tasks: int
    simulated: bool
    next: str


def started(build: Build, choice: Choice) -> Started:
    return Started(
        build=build.id,
        out=build.out,
        simulated=choice.simulated,
        note=SIMULATED if choice.simulated else "",
        next=f"Call build_wait(build={build.id!r}, cursor={build.last_event}).",
    )


def progress(news: News) -> Progress:
    build = news.build
    return Progress(
        build=build.id,
        state=build.state,
        reason=one_line(build.reason, REASON_SHOWN_CHARS),
        ended=news.ended,
        lines=list(news.lines),
        cursor=news.cursor,
        next=_next(build, ended=news.ended, running=news.running, cursor=news.cursor),
    )


async def status_of(runs: Runs, build: str) -> Status:
    """The state of a build and of each of its tasks."""
    journal = runs.journal
    running = runs.is_running(build)
    found = await journal.build(build)
    ended = runs.has_ended(found)
    tries = Counter(attempt.task for attempt in await journal.attempts(build))
    tasks = [
        TaskStatus(
            id=one.id, type=one.type, state=one.state, tries=tries[one.id], reason=one_line(one.reason)
        )
        for one in await journal.tasks(build)
    ]
    spend = (await journal.spend(build)).total
    return Status(
        build=build,
        state=found.state,
        reason=one_line(found.reason, REASON_SHOWN_CHARS),
        ended=ended,
        running=running,
        prompt=one_line(found.prompt, PROMPT_SHOWN_CHARS),
        out=found.out,
        simulated=_simulated(found),
        tasks=tasks,
        tokens=spend.tokens,
        cost_usd=str(spend.cost),
        seconds=round(((found.ended or datetime.now(UTC)) - found.created).total_seconds(), 1),
        next=_next(found, ended=ended, running=running, cursor=found.last_event),
    )


async def builds_of(runs: Runs, limit: int) -> Builds:
    """The newest builds, a line each."""
    lines: list[BuildLine] = []
    for build in await runs.journal.builds(limit):
        states = Counter(task.state for task in await runs.journal.tasks(build.id))
        lines.append(
            BuildLine(
                build=build.id,
                state=build.state,
                running=runs.is_running(build.id),
                prompt=one_line(build.prompt, PROMPT_SHOWN_CHARS),
                out=build.out,
                created=build.created.isoformat(timespec="seconds"),
                tasks=dict(states),
            )
        )
    return Builds(builds=lines)


async def events_of(runs: Runs, build: str) -> list[dict[str, Any]]:
    """The last events of a build, as JSON values."""
    last = (await runs.journal.build(build)).last_event
    return [_event(event) for event in await runs.journal.events(build, max(0, last - EVENTS_PAGE))]


async def evidence_of(runs: Runs, build: str) -> dict[str, Any]:
    """What a build proved, task by task, and what it did not, as JSON values."""
    report = await read_report(runs.journal, build)
    last = report.last_run
    return {
        "build": build,
        "state": report.build.state,
        "sandbox": list(report.levels),
        "simulated": list(report.spend.simulated),
        "tasks": [_evidence(task) for task in report.tasks],
        "last_run": None
        if last is None
        else {"tree": last.tree, "tests": {test.id: test.outcome for test in last.tests}},
        "not_proved": list(report.unproved),
    }


def _evidence(task: TaskReport) -> dict[str, Any]:
    proof = task.proof
    return {
        "task": task.task.id,
        "state": task.task.state,
        "commit": proof.commit,
        "tree": proof.tree,
        "red_then_green": list(proof.green),
        "red_not_green": list(proof.open),
        "guards": list(proof.guards),
        "attempts": {attempt.id: attempt.state for attempt in task.attempts},
    }


def _event(event: Event) -> dict[str, Any]:
    about = {"task": event.task, "attempt": event.attempt}
    data = {name: _short(value) for name, value in event.data.items()}
    named = {name: value for name, value in about.items() if value}
    return {"seq": event.seq, "at": event.at.isoformat(), "kind": event.kind, **named, "data": data}


def _short(value: Any) -> Any:
    """Numbers as they are; of long texts and lists the beginning, because a hundred events are one answer."""
    if isinstance(value, (int, float)) or value is None:
        return value
    return one_line(
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), REASON_SHOWN_CHARS
    )


def _simulated(build: Build) -> bool:
    options = BuildOptions.model_validate(build.options)
    return Choice(options.master, options.ladder).simulated


def _next(build: Build, *, ended: bool, running: bool, cursor: int) -> str:
    name = repr(build.id)
    if not ended and running:
        return f"Call build_wait(build={name}, cursor={cursor})."
    if not ended:
        return f"Nobody is at work on it. Call build_resume(build={name}) to go on."
    if build.state in {"partial", "failed"}:
        return f"Call build_result(build={name}); once what it names is mended, build_resume(build={name})."
    return f"Call build_result(build={name})."
