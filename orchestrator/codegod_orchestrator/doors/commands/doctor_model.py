"""`codegod doctor --model X`: what a model can do, found out by asking it, and kept for the builds that use it."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape

from codegod_kit import Grant
from codegod_mesh import Allocation, Mesh, View
from codegod_models import ModelReply, ModelRequest, ModelSettings, complete, open_provider, parse_model
from codegod_orchestrator.doors.cli import EXIT_DONE, EXIT_PARTIAL
from codegod_orchestrator.doors.engine import PROBE, open_engine
from codegod_orchestrator.doors.settings import Refused, Settings, read_settings
from codegod_workers.capability import Capability, ProbeResult, write_capability
from codegod_workers.micro_tasks import micro_tasks
from codegod_workers.probe import probe

ANSWER_SECONDS = (
    300.0  # for one short answer; a 7B model on a CPU reads the longest question in about four minutes
)
GRANT_SECONDS = 2 * 3600.0
RUN_SECONDS = 10.0  # a check of a dozen assertions
_PROGRAM = "check.py"
_PYTHON = "python3"
_TOOLS = (
    "git.git_init",
    "git.worktree_create",
    "git.worktree_remove",
    "sandbox.file_write",
    "sandbox.exec_run",
)


async def probe_model(options_model: str, console: Console) -> int:
    """Ask, show, keep; 0 when the model fits a role, 3 when it fits none. Raises what the user has to mend."""
    name = parse_model(options_model)
    if name.provider in {"simulator", "host"}:
        raise Refused(
            f"{options_model!r} cannot be probed: name a real model, e.g. --model ollama:qwen2.5-coder:7b."
        )
    settings = read_settings()
    provider = open_provider(name, ModelSettings.from_environment(settings.environment))
    try:
        info = await provider.check()
        console.print(f"{len(micro_tasks())} micro-tasks for {name}", highlight=False)

        async def ask(request: ModelRequest) -> ModelReply:
            return await complete(provider, request, deadline=time.time() + ANSWER_SECONDS, retries=1)

        async with open_bench(settings) as bench:
            capability = await probe(
                str(name),
                ask,
                bench.run,
                context_limit=info.context_tokens,
                told=lambda result: _tell(console, result),
            )
    finally:
        await provider.aclose()
    file = write_capability(settings.state, capability)
    for line in conclusions(capability):
        console.print(line, highlight=False, markup=False)
    console.print(f"Kept in {file}; builds that use this model go by it.", highlight=False, markup=False)
    return EXIT_DONE if capability.roles or capability.master else EXIT_PARTIAL


def conclusions(capability: Capability) -> list[str]:
    """What the probe means for builds, in sentences."""
    passed = sum(result.passed for result in capability.results)
    asked = sum(not result.skipped for result in capability.results)
    protocol = {
        "tools": "calls its tools in a loop",
        "fences": "one answer of fenced files, without tools",
    }[capability.mode]
    files = "files may come as arguments" if capability.in_json else "files come as fenced blocks alone"
    context = (
        f"{capability.context_tokens} tokens" if capability.context_tokens else "as large as its server says"
    )
    return [
        f"passed    {passed} of {asked}",
        f"protocol  {protocol}; {files}",
        f"context   {context}",
        f"worker    {', '.join(capability.roles) or 'for no kind of task: leave it out of --ladder'}",
        f"master    {'worth a try' if capability.master else 'no'}",
    ]


def _tell(console: Console, result: ProbeResult) -> None:
    mark = (
        "[cyan]skipped[/cyan]"
        if result.skipped
        else "[green]ok     [/green]"
        if result.passed
        else "[red]no     [/red]"
    )
    console.print(f"{mark} {result.task:20} {escape(result.note)}".rstrip(), highlight=False)


@dataclass(frozen=True, slots=True)
class Bench:
    """Runs what a model wrote, in the sandbox and nowhere else."""

    view: View

    async def run(self, files: Mapping[str, str], program: str) -> str:
        """What went wrong when `program` ran beside `files`; nothing when it ended well."""
        for path, text in {**files, _PROGRAM: program}.items():
            written = await self.view.call("sandbox.file_write", {"path": path, "content": text})
            if written.is_error:
                return written.text
        arguments = {"command": [_PYTHON, _PROGRAM], "timeout_s": RUN_SECONDS}
        ran = await self.view.call("sandbox.exec_run", arguments)
        if ran.is_error:
            raise Refused(f"The sandbox could not run a check: {ran.text}")
        report = ran.data or {}
        if report.get("status") == "exit" and report.get("exit_code") == 0:
            return ""
        said = str(report.get("stderr", "")).strip().splitlines()
        return said[-1] if said else f"ended by {report.get('status')}"


@asynccontextmanager
async def open_bench(settings: Settings) -> AsyncIterator[Bench]:
    """An empty tree in the sandbox, gone afterwards."""
    async with open_engine(settings) as engine:
        view = await _view(engine.mesh, f"p{os.getpid()}-{time.time_ns():x}")
        for tool, arguments in (("git.git_init", {}), ("git.worktree_create", {"revision": ""})):
            made = await view.call(tool, arguments)
            if made.is_error:
                raise Refused(f"No tree can be made for the checks: {made.text}")
        try:
            yield Bench(view)
        finally:
            await view.call("git.worktree_remove", {})


async def _view(mesh: Mesh, tree: str) -> View:
    workspace = f"{PROBE}/{tree}"
    grant = Grant(
        build=PROBE,
        task="",
        attempt="",
        tools=_TOOLS,
        workspace=workspace,
        deadline=time.time() + GRANT_SECONDS,
    )
    return await mesh.view(Allocation(allow=_TOOLS, grant=grant, pin={"workspace": workspace}))
