"""What a host may ask for: the arguments of the orchestrator's tools, and how they are checked."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import anyio
from pydantic import Field

from codegod_kit import dump_plan, parse_plan
from codegod_models import parse_model
from codegod_orchestrator.doors.choice import Choice
from codegod_orchestrator.doors.commands.build import folder_name, parallel, wishes
from codegod_orchestrator.doors.commands.limiting import changed_limits
from codegod_orchestrator.doors.host_faults import FolderPromised, NotAUrl
from codegod_orchestrator.doors.settings import Refused, Settings, check_out
from codegod_orchestrator.journal import Journal
from codegod_orchestrator.limits import Limits, PriceUnknown, require_prices
from codegod_orchestrator.options import BuildOptions
from codegod_orchestrator.states import BUILD_ENDS

WAIT_SECONDS = 45  # hosts give up on a call after about a minute, and cannot be told otherwise
BUILDS_LISTED = 100
FOLDERS_TRIED = 100  # todo, todo-2, …: whoever has that many is told to name one

BuildId = Annotated[str, Field(description="The id that `build_start` returned, e.g. `b-7k3m9xqd`")]
Prompt = Annotated[str, Field(description="What to build, e.g. `Create a REST API for todo management`")]
Out = Annotated[
    str,
    Field(description="An empty or new folder for the result, e.g. `/home/me/todo`; empty: one is chosen"),
]
AnyBuildId = Annotated[str, Field(description="The id of a build, e.g. `b-7k3m9xqd`; empty: any build")]
QuestionId = Annotated[str, Field(description="The id that `question_next` returned, e.g. `q-7k3m9xqd`")]
OpenQuestion = Annotated[
    str, Field(description="A question to read on in, with its `next_cursor`; empty: the next question")
]
TextCursor = Annotated[str, Field(description="`next_cursor` of the last answer; empty to begin")]
After = Annotated[
    str,
    Field(
        description="The question that you answered last, if you still remember what you read: it is not shown again"
    ),
]
AnswerText = Annotated[str, Field(description="The answer, in the form that the question asks for")]
More = Annotated[bool, Field(description="True when another piece of the same answer follows")]
Master = Annotated[
    str,
    Field(
        description="Who plans, e.g. `anthropic:claude-sonnet-5-5`, or `host:` for you yourself; empty: the server's default"
    ),
]
WorkerModel = Annotated[
    str,
    Field(
        description="Who writes, e.g. `ollama:qwen2.5-coder:7b`, or `host:` for you yourself; empty: the server's default"
    ),
]
PlanText = Annotated[
    str,
    Field(
        description="The text of a plan to build as it is, e.g. `plan` of plan_preview; empty: the master plans"
    ),
]
Stack = Annotated[
    list[str], Field(description="What to build with, as PART=CHOICE, e.g. `['backend=FastAPI']`")
]
Platforms = Annotated[list[str], Field(description="Any of backend, web, cli, e.g. `['backend']`")]
Specifications = Annotated[
    list[str],
    Field(description="Addresses of OpenAPI documents to follow, e.g. `['https://example.org/api.json']`"),
]
MaxCost = Annotated[
    str, Field(description="The most that it may cost in US dollars, e.g. `2.50`; empty: no limit")
]
MaxTokens = Annotated[str, Field(description="The most tokens, in and out, e.g. `500000`; empty: no limit")]
MaxTime = Annotated[str, Field(description="The most wall time, e.g. `30m`; empty: no limit")]
MaxAttempts = Annotated[str, Field(description="The most attempts at tasks, e.g. `40`; empty: no limit")]
Cursor = Annotated[int, Field(description="`cursor` of the last answer; 0 to begin", ge=0)]
WaitSeconds = Annotated[
    float, Field(description="How many seconds to wait for news, 45 at most", ge=0, le=WAIT_SECONDS)
]
Limit = Annotated[int, Field(description="How many, newest first, e.g. 20", ge=1, le=BUILDS_LISTED)]


@dataclass(frozen=True, slots=True)
class Most:
    """The limits that a host named, as text; empty: none."""

    max_cost: str = ""
    max_tokens: str = ""
    max_time: str = ""
    max_attempts: str = ""

    def instead_of(self, before: Limits, choice: Choice) -> Limits:
        """`before` with what was named in its place; raises `Refused`, also for money that nobody could count."""
        limits = changed_limits(argparse.Namespace(**asdict(self)), before)
        try:
            models = map(parse_model, (choice.master, *choice.ladder))
            require_prices(limits, models, datetime.now(UTC).date())
        except PriceUnknown as fault:
            raise Refused(str(fault)) from fault
        return limits


def options_of(
    settings: Settings,
    choice: Choice,
    prompt: str,
    stack: list[str],
    platform: list[str],
    api_spec: list[str],
    plan: str = "",
    most: Most | None = None,
) -> BuildOptions:
    """What the host asked for, checked as the command line's options are."""
    for source in api_spec:
        if not source.startswith(("http://", "https://")):
            raise NotAUrl(source)  # a file's text would be sent to a model on the word of another one
    wished = wishes(argparse.Namespace(stack=stack, platform=platform, api_spec=api_spec), prompt)
    chosen = {
        "master": choice.master,
        "ladder": choice.ladder,
        "limits": (most or Most()).instead_of(Limits(), choice),
        "max_parallel": parallel(0, settings),
        "plan": dump_plan(parse_plan(plan)) if plan.strip() else "",
    }
    return wished.model_copy(update=chosen)


async def folder_of(settings: Settings, journal: Journal, root: Path, out: str, prompt: str) -> Path:
    """The folder for a result, with a parent to put it into: the one that was asked for, or a free one below `root`."""
    builds = await journal.builds(BUILDS_LISTED)
    promised = {build.out: build.id for build in builds if build.state not in BUILD_ENDS}

    def choose() -> Path:
        below = root.resolve()
        wanted = below / Path(out.strip()).expanduser() if out.strip() else None
        folder = check_out(str(wanted or _free(below / folder_name(prompt), promised)), apart=settings.builds)
        if str(folder) in promised:
            raise FolderPromised(str(folder), promised[str(folder)])
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Refused(
                f"{str(folder.parent)!r} cannot be made ({error.strerror}). Pass another `out`."
            ) from error
        return folder

    return await anyio.to_thread.run_sync(choose)


def _free(first: Path, promised: Collection[str]) -> Path:
    """`first`, or its name with the first number that makes it free."""
    others = (first.with_name(f"{first.name}-{number}") for number in range(2, FOLDERS_TRIED))
    free = (place for place in (first, *others) if not place.exists() and str(place) not in promised)
    return next(free, first)
