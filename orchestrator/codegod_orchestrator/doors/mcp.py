"""`codegod-orchestrator`: builds as tools of an MCP host such as Claude Desktop or an IDE.

A build outlives every call: `build_start` returns at once, `build_wait` waits in slices that no host cuts off, and
the build's id is all that a client has to keep. When the host goes away the build stops, and can be resumed.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp_types import ToolAnnotations

from codegod_kit import (
    ServerSettings,
    UsageFault,
    default_state,
    dump_plan,
    run_server,
    tool_server,
)
from codegod_orchestrator.doors.choice import Choice, choose_models
from codegod_orchestrator.doors.commands.limiting import current_limits, keep_limits, require_room
from codegod_orchestrator.doors.host_answers import (
    Builds,
    PlanPreview,
    Progress,
    Started,
    Status,
    builds_of,
    progress,
    started,
    status_of,
)
from codegod_orchestrator.doors.host_asks import (
    WAIT_SECONDS,
    BuildId,
    Cursor,
    Limit,
    Master,
    MaxAttempts,
    MaxCost,
    MaxTime,
    MaxTokens,
    Most,
    Out,
    PlanText,
    Platforms,
    Prompt,
    Specifications,
    Stack,
    WaitSeconds,
    WorkerModel,
    folder_of,
    options_of,
)
from codegod_orchestrator.doors.host_changes import add_changes
from codegod_orchestrator.doors.host_faults import told
from codegod_orchestrator.doors.host_questions import add_questions
from codegod_orchestrator.doors.host_resources import add_resources
from codegod_orchestrator.doors.host_state import Hosted, hosted
from codegod_orchestrator.doors.previews import PREVIEW, Previews
from codegod_orchestrator.doors.questions import Questions
from codegod_orchestrator.doors.runs import Runs
from codegod_orchestrator.doors.settings import Refused, Settings, check_prompt, read_settings
from codegod_orchestrator.journal import Journal
from codegod_orchestrator.options import BuildOptions
from codegod_orchestrator.planning import lasting
from codegod_orchestrator.reports.report import read_report
from codegod_orchestrator.reports.report_text import report_text

STATE_VARIABLE = "CODEGOD_STATE_DIR"

READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
STARTS = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=True)
PLANS = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=True
)
STOPS = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
)


def create(settings: ServerSettings) -> MCPServer[Any]:
    """The entry point of `codegod-orchestrator`; raises `UsageFault` when the state folder cannot be had."""
    environment = dict(settings.environment)
    if settings.state != default_state(environment).absolute():
        environment[STATE_VARIABLE] = str(settings.state)  # `--state` was given, and goes before a `.env`
    try:
        return build_server(read_settings(environment), settings)
    except Refused as fault:
        raise UsageFault(str(fault)) from fault


def build_server(settings: Settings, served: ServerSettings) -> MCPServer[Any]:
    """Serve builds that keep their state under `settings.state`; results go below `served.root` by default."""

    @asynccontextmanager
    async def lifespan(_: MCPServer[Any]) -> AsyncIterator[Hosted]:
        async with Journal.open(settings.journal) as journal, anyio.create_task_group() as group:
            questions = Questions()
            runs = Runs(settings, journal, group, questions)
            yield Hosted(runs, Previews(settings, group, questions), questions)
            group.cancel_scope.cancel()

    server = tool_server(
        "orchestrator",
        served,
        instructions=(
            "Builds whole, tested applications from one prompt. Call build_start, then build_wait again and again "
            "until `ended` is true, then build_result. A build stops when this server stops; build_resume goes on. "
            'With master="host:" you plan and judge yourself, with worker="host:" you write too: then call '
            "question_next and question_answer again and again until `ended` is true. change_start does the same to an "
            "existing git repository, and leaves a branch there."
        ),
        lifespan=lifespan,
    )
    _add_starting(server, settings, served.root)
    add_changes(server, settings)
    _add_resuming(server)
    _add_planning(server, settings)
    _add_watching(server)
    add_questions(server)
    _add_ending(server)
    add_resources(server)
    return server


def _add_starting(server: MCPServer[Any], settings: Settings, root: Path) -> None:
    @server.tool(annotations=STARTS)
    async def build_start(
        ctx: Context[Any, Any],
        prompt: Prompt,
        out: Out = "",
        master: Master = "",
        worker: WorkerModel = "",
        plan: PlanText = "",
        stack: Stack = [],  # noqa: B006 - the schema's default; nobody changes it
        platform: Platforms = [],  # noqa: B006
        api_spec: Specifications = [],  # noqa: B006
        max_cost: MaxCost = "",
        max_tokens: MaxTokens = "",
        max_time: MaxTime = "",
        max_attempts: MaxAttempts = "",
    ) -> Started:
        """Start building an application and return its id at once; it goes on by itself.

        Example: build_start(prompt="Create a REST API for todo management").
        """
        runs = hosted(ctx).runs
        with told():
            text = check_prompt(prompt)
            choice = choose_models(settings.environment, master=master, worker=worker)
            most = Most(max_cost, max_tokens, max_time, max_attempts)
            options = options_of(settings, choice, text, stack, platform, api_spec, plan, most)
            async with runs.starting:
                runs.require_room()
                folder = await folder_of(settings, runs.journal, root, out, text)
                kept = options.model_dump(mode="json")
                build = await runs.journal.create_build(text, out=str(folder), options=kept)
                runs.start(build, choice)
        return started(build, choice)


def _add_resuming(server: MCPServer[Any]) -> None:
    @server.tool(annotations=STARTS)
    async def build_resume(
        ctx: Context[Any, Any],
        build: BuildId,
        max_cost: MaxCost = "",
        max_tokens: MaxTokens = "",
        max_time: MaxTime = "",
        max_attempts: MaxAttempts = "",
    ) -> Started:
        """Go on with a build that was interrupted, failed or is partial; with larger limits if one was reached.

        Example: build_resume(build="b-7k3m9xqd").
        """
        runs = hosted(ctx).runs
        most = Most(max_cost, max_tokens, max_time, max_attempts)
        with told():
            async with runs.starting:
                found = await runs.journal.build(build)
                options = BuildOptions.model_validate(found.options)
                choice = Choice(options.master, options.ladder)
                before = await current_limits(runs.journal, build, options.limits)
                limits = most.instead_of(before, choice)
                runs.require_startable(found)
                await require_room(runs.journal, build, limits)
                if limits != before:
                    async with runs.journal.claim_build(build, owner=f"pid {os.getpid()}") as claimed:
                        await keep_limits(claimed, limits)
                runs.start(found, choice)
        return started(found, choice)


def _add_planning(server: MCPServer[Any], settings: Settings) -> None:
    @server.tool(annotations=PLANS)
    async def plan_preview(
        ctx: Context[Any, Any],
        prompt: Prompt,
        master: Master = "",
        stack: Stack = [],  # noqa: B006
        platform: Platforms = [],  # noqa: B006
        api_spec: Specifications = [],  # noqa: B006
    ) -> PlanPreview:
        """Plan an application without building it: components, tasks, files, and a forecast of what the build will take.

        When `ready` is false, call it again with the same arguments: planning goes on meanwhile.
        Example: plan_preview(prompt="Create a REST API for todo management").
        """

        async def waiting(seconds: float) -> None:
            await ctx.report_progress(seconds, WAIT_SECONDS, "The master is planning")

        with told():
            text = check_prompt(prompt)
            choice = choose_models(settings.environment, master=master)
            options = options_of(settings, choice, text, stack, platform, api_spec)
            made = await hosted(ctx).previews.plan(text, options, WAIT_SECONDS, waiting)
        if made is None:
            again = "The master is still planning. Call plan_preview again with the same arguments."
            if hosted(ctx).questions.waiting(PREVIEW):
                again = f"You are asked for the plan: call question_next(build={PREVIEW!r})."
            return PlanPreview(ready=False, plan="", tasks=0, simulated=choice.simulated, next=again)
        return PlanPreview(
            ready=True,
            plan=dump_plan(lasting(made.plan)),
            tasks=len(made.plan.tasks),
            simulated=choice.simulated,
            forecast=f"{made.forecast.line()} ({made.forecast.basis()})",
            next="Call build_start with the same prompt and this text as `plan`, changed where you want it changed.",
        )


def _add_watching(server: MCPServer[Any]) -> None:
    @server.tool(annotations=READS)
    async def build_wait(
        ctx: Context[Any, Any],
        build: BuildId,
        cursor: Cursor = 0,
        timeout_s: WaitSeconds = 30,
    ) -> Progress:
        """Wait for news of a build and return what happened since `cursor`. Call it again until `ended` is true.

        Example: build_wait(build="b-7k3m9xqd", cursor=0).
        """
        with told():
            return progress(await hosted(ctx).runs.news(build, cursor, timeout_s))

    @server.tool(annotations=READS)
    async def build_status(ctx: Context[Any, Any], build: BuildId) -> Status:
        """The state of a build and of each of its tasks, now. Example: build_status(build="b-7k3m9xqd")."""
        with told():
            return await status_of(hosted(ctx).runs, build)

    @server.tool(annotations=READS)
    async def build_list(ctx: Context[Any, Any], limit: Limit = 20) -> Builds:
        """The newest builds on this machine and their states. Example: build_list(limit=5)."""
        with told():
            return await builds_of(hosted(ctx).runs, limit)


def _add_ending(server: MCPServer[Any]) -> None:
    @server.tool(annotations=STOPS)
    async def build_cancel(ctx: Context[Any, Any], build: BuildId) -> Status:
        """Stop a build for good; what has landed is kept. Example: build_cancel(build="b-7k3m9xqd")."""
        runs = hosted(ctx).runs
        with told():
            await runs.cancel(build)
            return await status_of(runs, build)

    @server.tool(annotations=READS, structured_output=False)
    async def build_result(ctx: Context[Any, Any], build: BuildId) -> str:
        """The report of a build: where its repository is, what was proved and what was not.

        Example: build_result(build="b-7k3m9xqd").
        """
        with told():
            return report_text(await read_report(hosted(ctx).runs.journal, build))


def main() -> int:
    """Serve over stdio, or over HTTP with `--http HOST:PORT`."""
    return run_server("orchestrator", create)


if __name__ == "__main__":
    raise SystemExit(main())
