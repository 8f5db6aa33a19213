"""What a host may ask for: the arguments of the orchestrator's tools, and how they are checked."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import anyio
from pydantic import Field

from codegod_kit import dump_plan, parse_plan
from codegod_orchestrator.doors.choice import Choice
from codegod_orchestrator.doors.commands.build import folder_name, parallel, wishes
from codegod_orchestrator.doors.host_faults import FolderPromised, NotAUrl
from codegod_orchestrator.doors.settings import Refused, Settings, check_out
from codegod_orchestrator.journal import Journal
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
Master = Annotated[
    str, Field(description="Who plans, e.g. `anthropic:claude-sonnet-5-5`; empty: the server's default")
]
WorkerModel = Annotated[
    str, Field(description="Who writes, e.g. `ollama:qwen2.5-coder:7b`; empty: the server's default")
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
Cursor = Annotated[int, Field(description="`cursor` of the last answer; 0 to begin", ge=0)]
WaitSeconds = Annotated[
    float, Field(description="How many seconds to wait for news, 45 at most", ge=0, le=WAIT_SECONDS)
]
Limit = Annotated[int, Field(description="How many, newest first, e.g. 20", ge=1, le=BUILDS_LISTED)]


def options_of(
    settings: Settings,
    choice: Choice,
    prompt: str,
    stack: list[str],
    platform: list[str],
    api_spec: list[str],
    plan: str = "",
) -> BuildOptions:
    """What the host asked for, checked as the command line's options are."""
    for source in api_spec:
        if not source.startswith(("http://", "https://")):
            raise NotAUrl(source)  # a file's text would be sent to a model on the word of another one
    wished = wishes(argparse.Namespace(stack=stack, platform=platform, api_spec=api_spec), prompt)
    chosen = {
        "master": choice.master,
        "ladder": choice.ladder,
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
