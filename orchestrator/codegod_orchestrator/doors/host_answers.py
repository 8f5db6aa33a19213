"""What the orchestrator's tools answer with. Every answer names the call that comes next."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, Field

from codegod_kit import page_text
from codegod_orchestrator.doors.choice import Choice
from codegod_orchestrator.doors.previews import PREVIEW
from codegod_orchestrator.doors.questions import Question
from codegod_orchestrator.doors.runs import EVENTS_PAGE, News, Runs
from codegod_orchestrator.doors.told import one_line
from codegod_orchestrator.journal import Build, Event
from codegod_orchestrator.options import BuildOptions

PROMPT_SHOWN_CHARS = 200
REASON_SHOWN_CHARS = 1_000  # a fault names what to do at its end, so it is rarely cut
QUESTION_PAGE_CHARS = 20_000  # about 6,000 tokens: hosts cut what is longer, or warn of it
SIMULATED = (
    "The models are simulated: a recorded project is played back, and everything around it is real. For real models "
    "set ANTHROPIC_API_KEY and OLLAMA_HOST in the server's environment, or pass `master` and `worker`. With "
    'master="host:" you are asked yourself, and need no key.'
)
ASKED = (
    "You are a model of this build, or all of them: answer its questions with question_next and question_answer until "
    "the build has ended. Nobody else does."
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


class Asked(BaseModel):
    question: str
    build: str
    model: str
    text: str
    next_cursor: str
    total_chars: int
    answer_tokens: int
    ended: bool
    next: str


class Answered(BaseModel):
    question: str
    build: str
    whole: bool
    chars: int
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
    forecast: str = Field(
        default="", description="What the whole build will take: calls, tokens, money, time"
    )
    next: str


def started(build: Build, choice: Choice) -> Started:
    return Started(
        build=build.id,
        out=build.out,
        simulated=choice.simulated,
        note=SIMULATED if choice.simulated else ASKED if choice.asks_host else "",
        next=_first_call(build, choice),
    )


def _first_call(build: Build, choice: Choice) -> str:
    if choice.asks_host:
        return f"Call question_next(build={build.id!r})."
    return f"Call build_wait(build={build.id!r}, cursor={build.last_event})."


def asked(question: Question, text: str, cursor: str, after: str) -> Asked:
    """A page of a question; what to call next once it is read."""
    page = page_text(text, cursor, limit=QUESTION_PAGE_CHARS)
    if page.next_cursor:
        same = f", after={after!r}" if after else ""  # the cursor belongs to the text without what is known
        place = f"question={question.id!r}, cursor={page.next_cursor!r}{same}"
        call = f"Read on before you answer: question_next({place})."
    else:
        call = f"Call question_answer(question={question.id!r}, text=…) with the whole answer, in the form that is asked for."
    return Asked(
        question=question.id,
        build=question.build,
        model=question.model,
        text=page.text,
        next_cursor=page.next_cursor,
        total_chars=page.total_chars,
        answer_tokens=question.request.max_tokens,
        ended=False,
        next=call,
    )


async def nothing_asked(runs: Runs, build: str) -> Asked:
    """No question in time: whether the build has ended, and what to call next."""
    ended, call = False, f"Nothing is asked yet. Call question_next(build={build!r}) again."
    if build and build != PREVIEW:
        running = runs.is_running(build)
        found = await runs.journal.build(build)
        ended = runs.has_ended(found)
        if ended or not running:
            call = _next(found, ended=ended, running=running, asked=False, cursor=found.last_event)
    return Asked(
        question="",
        build=build,
        model="",
        text="",
        next_cursor="",
        total_chars=0,
        answer_tokens=0,
        ended=ended,
        next=call,
    )


def answered(question: Question, *, whole: bool) -> Answered:
    """What was taken of an answer, and what to call next."""
    if not whole:
        call = f"Call question_answer(question={question.id!r}, text=…) with the next piece."
    elif question.build == PREVIEW:
        call = "Call plan_preview again with the same arguments."
    else:
        call = f"Call question_next(build={question.build!r}, after={question.id!r})."
    return Answered(
        question=question.id, build=question.build, whole=whole, chars=len(question.answer), next=call
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
        next=_next(build, ended=news.ended, running=news.running, asked=news.asked, cursor=news.cursor),
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
        next=_next(
            found,
            ended=ended,
            running=running,
            asked=bool(runs.questions.waiting(build)),
            cursor=found.last_event,
        ),
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


def _next(build: Build, *, ended: bool, running: bool, asked: bool, cursor: int) -> str:
    name = repr(build.id)
    if asked:
        return f"You are asked: call question_next(build={name})."
    if not ended and running:
        return f"Call build_wait(build={name}, cursor={cursor})."
    if not ended:
        return f"Nobody is at work on it. Call build_resume(build={name}) to go on."
    if build.state in {"partial", "failed"}:
        return f"Call build_result(build={name}); once what it names is mended, build_resume(build={name})."
    return f"Call build_result(build={name})."
