"""`codegod-orchestrator`: builds as tools of an MCP host such as Claude Desktop or an IDE.

A build outlives every call: `build_start` returns at once, `build_wait` waits in slices that no host cuts off, and
the build's id is all that a client has to keep.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import anyio
from anyio.abc import TaskGroup
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

from codegod_kit import ServerSettings, ToolFault, dump_plan, log_warning, run_server, tool_server
from codegod_orchestrator.doors.choice import Choice, choose_models
from codegod_orchestrator.doors.commands.build import folder_name
from codegod_orchestrator.doors.engine import open_engine, open_models
from codegod_orchestrator.doors.live import lines_of
from codegod_orchestrator.doors.settings import Refused, Settings, check_out, check_prompt, read_settings
from codegod_orchestrator.journal import Build, Event, Journal, JournalFault
from codegod_orchestrator.options import BuildOptions
from codegod_orchestrator.report import read_report
from codegod_orchestrator.report_text import report_data, report_text
from codegod_orchestrator.states import BUILD_ENDS

WAIT_SECONDS = 45  # hosts give up on a call after about a minute, and cannot be told otherwise
EVENTS_PER_ANSWER = 100

_log = logging.getLogger("codegod.orchestrator")

READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
STARTS = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=True)
STOPS = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
)

BuildId = Annotated[str, Field(description="The id that `build_start` returned, e.g. `b-7k3m9xqd`")]
Prompt = Annotated[str, Field(description="What to build, e.g. `Create a REST API for todo management`")]


class CannotBuild(ToolFault):
    """What the user has to mend, as the host's model is told."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Started(BaseModel):
    build: str
    out: str
    simulated: bool
    next: str


class TaskStatus(BaseModel):
    id: str
    type: str
    state: str
    tries: int


class Status(BaseModel):
    build: str
    state: str
    reason: str
    ended: bool
    tasks: list[TaskStatus]
    tokens: int
    cost_usd: str


class Progress(BaseModel):
    build: str
    state: str
    ended: bool
    lines: list[str]
    cursor: int


class PlanPreview(BaseModel):
    plan: str
    tasks: int
    simulated: bool


@dataclass(slots=True)
class Runs:
    """The builds that this server is running, each in a task of its own."""

    settings: Settings
    journal: Journal
    group: TaskGroup
    scopes: dict[str, anyio.CancelScope] = field(default_factory=dict)

    def start(self, build: str, choice: Choice) -> None:
        """Run `build` in the background, to its end or until the server ends."""
        self.scopes[build] = anyio.CancelScope()
        self.group.start_soon(self._run, build, choice)

    async def _run(self, build: str, choice: Choice) -> None:
        with self.scopes[build]:
            try:
                async with (
                    open_models(choice, self.settings) as opened,
                    open_engine(self.settings, played=opened.simulated) as engine,
                ):
                    await engine.run(build, opened.models)
            except Exception as fault:  # noqa: BLE001 - the server goes on serving; the build says why it ended
                log_warning(_log, "build_failed", build=build, fault=str(fault))
                await self._fail(build, str(fault))
        del self.scopes[build]

    async def _fail(self, build: str, reason: str) -> None:
        async with self.journal.claim_build(build, owner=f"pid {os.getpid()}") as claimed:
            if (await self.journal.build(build)).state not in BUILD_ENDS:
                await claimed.advance("failed", reason=reason)


def create(settings: ServerSettings) -> MCPServer[Any]:
    """The entry point of `codegod-orchestrator`."""
    return build_server(read_settings(dict(settings.environment)), settings)


def build_server(settings: Settings, served: ServerSettings) -> MCPServer[Any]:
    """Serve builds that keep their state under `settings.state`; results go below `served.root` by default."""

    @asynccontextmanager
    async def lifespan(_: MCPServer[Any]) -> AsyncIterator[Runs]:
        async with Journal.open(settings.journal) as journal, anyio.create_task_group() as group:
            yield Runs(settings, journal, group)
            group.cancel_scope.cancel()

    server = tool_server(
        "orchestrator",
        served,
        instructions=(
            "Builds whole, tested applications from one prompt. Call build_start, then build_wait again and again "
            "until it says `ended`, then build_result."
        ),
        lifespan=lifespan,
    )
    _add_starting(server, settings, served.root)
    _add_watching(server)
    _add_resources(server)
    return server


def _add_starting(server: MCPServer[Any], settings: Settings, root: Path) -> None:
    @server.tool(annotations=STARTS)
    async def build_start(
        ctx: Context[Any, Any],
        prompt: Prompt,
        out: Annotated[
            str, Field(description="An empty or new folder for the result; empty: one is chosen")
        ] = "",
        master: Annotated[
            str, Field(description="Who plans, e.g. `anthropic:claude-sonnet-5-5`; empty: the default")
        ] = "",
        worker: Annotated[
            str, Field(description="Who writes, e.g. `ollama:qwen2.5-coder:7b`; empty: the default")
        ] = "",
    ) -> Started:
        """Start building an application and return its id at once. Example: build_start(prompt="Create a REST API for todo management")."""
        with _told():
            text = check_prompt(prompt)
            choice = choose_models(settings.environment, master=master, worker=worker)
            folder = check_out(out or str(root / folder_name(text)))
            options = BuildOptions(master=choice.master, ladder=choice.ladder).model_dump(mode="json")
            runs = _runs(ctx)
            build = await runs.journal.create_build(text, out=str(folder), options=options)
        runs.start(build.id, choice)
        return Started(
            build=build.id,
            out=str(folder),
            simulated=choice.simulated,
            next=f"Call build_wait(build={build.id!r}, cursor=0).",
        )

    @server.tool(annotations=STARTS)
    async def build_resume(ctx: Context[Any, Any], build: BuildId) -> Started:
        """Go on with a build that was interrupted, failed or is partial. Example: build_resume(build="b-7k3m9xqd")."""
        with _told():
            runs = _runs(ctx)
            found = await runs.journal.build(build)
            if found.state in {"done", "cancelled"}:
                raise Refused(f"{build} is {found.state}; there is nothing to resume. Call build_result.")
            if build in runs.scopes or runs.journal.owner_pid(build):
                raise Refused(f"{build} is running. Call build_wait.")
        options = BuildOptions.model_validate(found.options)
        choice = Choice(options.master, options.ladder)
        runs.start(build, choice)
        return Started(
            build=build,
            out=found.out,
            simulated=choice.simulated,
            next=f"Call build_wait(build={build!r}, cursor=0).",
        )

    @server.tool(annotations=READS)
    async def plan_preview(ctx: Context[Any, Any], prompt: Prompt) -> PlanPreview:
        """Plan an application without building it: components, tasks, files. Example: plan_preview(prompt="Create a REST API for todo management")."""
        with _told():
            text = check_prompt(prompt)
            choice = choose_models(settings.environment)
            options = BuildOptions(master=choice.master, ladder=choice.ladder)
            async with (
                open_models(choice, settings) as opened,
                open_engine(settings, played=opened.simulated) as engine,
            ):
                plan = await engine.plan(text, options, opened.models)
        return PlanPreview(plan=dump_plan(plan), tasks=len(plan.tasks), simulated=choice.simulated)


def _add_watching(server: MCPServer[Any]) -> None:
    @server.tool(annotations=READS)
    async def build_wait(
        ctx: Context[Any, Any],
        build: BuildId,
        cursor: Annotated[int, Field(description="The cursor of the last answer; 0 to begin", ge=0)] = 0,
        timeout_s: Annotated[
            float, Field(description="How long to wait for news, 45 at most", gt=0, le=WAIT_SECONDS)
        ] = 30,
    ) -> Progress:
        """Wait for news of a build; returns what happened since `cursor`. Call it again until `ended` is true."""
        journal = _runs(ctx).journal
        with _told():
            found = await journal.build(build)
            ended = found.state in BUILD_ENDS
            events = await journal.wait_events(build, cursor, 0 if ended else timeout_s, EVENTS_PER_ANSWER)
            found = await journal.build(build)
        last = events[-1].seq if events else cursor
        ended = found.state in BUILD_ENDS and last >= found.last_event
        return Progress(build=build, state=found.state, ended=ended, lines=_lines(events), cursor=last)

    @server.tool(annotations=READS)
    async def build_status(ctx: Context[Any, Any], build: BuildId) -> Status:
        """The state of a build and of each of its tasks, now. Example: build_status(build="b-7k3m9xqd")."""
        journal = _runs(ctx).journal
        with _told():
            return await _status(journal, await journal.build(build))

    @server.tool(annotations=STOPS)
    async def build_cancel(ctx: Context[Any, Any], build: BuildId) -> Status:
        """Stop a build for good; what it has landed stays. Example: build_cancel(build="b-7k3m9xqd")."""
        journal = _runs(ctx).journal
        with _told():
            found = await journal.build(build)
            if found.state not in BUILD_ENDS and not await journal.request_cancel(build):
                async with journal.claim_build(build, owner=f"pid {os.getpid()}") as claimed:
                    await claimed.advance("cancelled", reason="cancelled on request")
            return await _status(journal, await journal.build(build))

    @server.tool(annotations=READS, structured_output=False)
    async def build_result(ctx: Context[Any, Any], build: BuildId) -> str:
        """The report of a build: where its repository is, what was proved and what was not. Example: build_result(build="b-7k3m9xqd")."""
        with _told():
            return report_text(await read_report(_runs(ctx).journal, build))

    @server.tool(annotations=READS)
    async def build_list(ctx: Context[Any, Any]) -> list[Status]:
        """The newest builds on this machine and their states."""
        journal = _runs(ctx).journal
        return [await _status(journal, build) for build in await journal.builds(20)]


def _add_resources(server: MCPServer[Any]) -> None:
    @server.resource("build://{build}", mime_type="application/json")
    async def build_state(build: str, ctx: Context[Any, Any]) -> str:
        """The state of a build and its tasks."""
        journal = _runs(ctx).journal
        return (await _status(journal, await journal.build(build))).model_dump_json(indent=1)

    @server.resource("build://{build}/events", mime_type="application/json")
    async def build_events(build: str, ctx: Context[Any, Any]) -> str:
        """The last events of a build."""
        journal = _runs(ctx).journal
        found = await journal.build(build)
        events = await journal.events(build, max(0, found.last_event - EVENTS_PER_ANSWER))
        return json.dumps([_event(event) for event in events], ensure_ascii=False, indent=1, default=str)

    @server.resource("build://{build}/evidence", mime_type="application/json")
    async def build_evidence(build: str, ctx: Context[Any, Any]) -> str:
        """What a build proved, task by task."""
        return json.dumps(
            report_data(await read_report(_runs(ctx).journal, build)), indent=1, ensure_ascii=False
        )


class _told:
    """What the user has to mend, raised inside, reaches the host's model in its own words."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: object) -> None:
        if isinstance(fault, (Refused, JournalFault)):
            raise CannotBuild(str(fault)) from fault


def _runs(ctx: Context[Any, Any]) -> Runs:
    runs: Runs = ctx.request_context.lifespan_context
    return runs


async def _status(journal: Journal, build: Build) -> Status:
    attempts = await journal.attempts(build.id)
    spend = (await journal.spend(build.id)).total
    tasks = [
        TaskStatus(
            id=task.id,
            type=task.type,
            state=task.state,
            tries=sum(attempt.task == task.id for attempt in attempts),
        )
        for task in await journal.tasks(build.id)
    ]
    return Status(
        build=build.id,
        state=build.state,
        reason=build.reason,
        ended=build.state in BUILD_ENDS,
        tasks=tasks,
        tokens=spend.tokens,
        cost_usd=str(spend.cost),
    )


def _lines(events: tuple[Event, ...]) -> list[str]:
    from rich.text import Text

    return [Text.from_markup(line).plain.rstrip() for event in events for line in lines_of(event)]


def _event(event: Event) -> dict[str, Any]:
    return {
        "seq": event.seq,
        "kind": event.kind,
        "task": event.task,
        "attempt": event.attempt,
        "at": event.at.isoformat(),
        "data": dict(event.data),
    }


def main() -> int:
    """Serve over stdio, or over HTTP with `--http HOST:PORT`."""
    return run_server("orchestrator", create)


if __name__ == "__main__":
    raise SystemExit(main())
