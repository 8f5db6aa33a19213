"""`codegod build`: from a prompt, or from a plan.yaml, to a repository."""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from rich.console import Console
from rich.markup import escape

from codegod_kit.plan import Plan, PlanFault, Platform, dump_plan, load_plan
from codegod_orchestrator.budget import PriceUnknown, require_prices
from codegod_orchestrator.capability import programs_here, refuse_wish
from codegod_orchestrator.doors.choice import REAL_MODELS, Choice, choose_models
from codegod_orchestrator.doors.commands.limiting import limits_of
from codegod_orchestrator.doors.commands.running import guarded, run_shown
from codegod_orchestrator.doors.engine import Opened, open_engine, open_models
from codegod_orchestrator.doors.settings import Refused, Settings, check_out, check_prompt, read_settings
from codegod_orchestrator.doors.told import one_line
from codegod_orchestrator.journal import Journal
from codegod_orchestrator.limits import Limits
from codegod_orchestrator.options import PARALLEL_TASKS, BuildOptions
from codegod_orchestrator.states import BUILD_ENDS

SPECIFICATION_BYTES = 2_000_000  # the largest published OpenAPI documents have about that
BUILDS_LISTED = 100  # more than anybody runs at a time
PROMPT_SHOWN = 100  # enough to know it again
_FOLDER_CHARACTERS = 40  # a path is typed and read


def run(options: argparse.Namespace) -> int:
    """Check what can be checked, then build; returns the exit code."""
    return guarded(lambda console: _build(options, console))


async def _build(options: argparse.Namespace, console: Console) -> int:
    settings = read_settings()
    if shutil.which("git") is None:
        raise Refused("git is not installed. Install it (apt install git, brew install git) and try again.")
    plan = _plan(options.plan)
    prompt = check_prompt(read_prompt(options.prompt) if options.prompt or plan is None else _prompt_of(plan))
    out = check_out(options.out or folder_name(plan.name if plan else prompt), apart=settings.builds)
    wished = wishes(options, prompt)
    limits = limits_of(options)
    choice = choose_models(
        settings.environment, master=options.master, worker=options.worker, ladder=options.ladder
    )
    async with open_models(choice, settings) as opened:
        announce(choice, opened, console)
        check_limits(limits, opened, console)
        async with open_engine(settings, mcp_config=options.mcp_config, played=opened.simulated) as engine:
            build_options = wished.model_copy(
                update={
                    "master": choice.master,
                    "ladder": choice.ladder,
                    "limits": limits,
                    "max_parallel": parallel(options.max_parallel, settings),
                    "plan": dump_plan(plan) if plan else "",
                }
            )
            await _reserve(out, engine.journal)
            build = await engine.journal.create_build(
                prompt, out=str(out), options=build_options.model_dump(mode="json")
            )
            console.print(
                f"[bold]{build.id}[/bold]  {escape(one_line(prompt, PROMPT_SHOWN))}", highlight=False
            )
            return await run_shown(engine, opened, build.id, console)


async def _reserve(out: Path, journal: Journal) -> None:
    """See that the result will find its place: no running build wants it, and there is a folder to put it into."""
    for build in await journal.builds(BUILDS_LISTED):
        if build.out == str(out) and build.state not in BUILD_ENDS and journal.owner_pid(build.id):
            raise Refused(
                f"{str(out)!r} is where {build.id} puts its result. Choose another folder with --out."
            )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(
            f"{str(out.parent)!r} cannot be made ({error.strerror}). Choose another folder with --out."
        ) from error


def announce(choice: Choice, opened: Opened, console: Console) -> None:
    """Say which models work, and in plain words when they are simulated."""
    for info in opened.infos:
        for note in info.notes:
            console.print(f"  {escape(note)}", highlight=False)
    if choice.simulated:
        console.print(
            "[bold yellow]The models are simulated[/bold yellow]: a recorded project is played back, and everything "
            f"around it is real. {REAL_MODELS}",
            highlight=False,
            soft_wrap=not console.is_terminal,
        )


def check_limits(limits: Limits, opened: Opened, console: Console) -> None:
    """Say which limits hold; raises `Refused` for one in money that cannot be kept, naming the models without a price."""
    models = [provider.model for provider in (opened.models.master, *opened.models.rungs)]
    try:
        require_prices(limits, models, datetime.now(UTC).date())
    except PriceUnknown as fault:
        raise Refused(str(fault)) from fault
    if limits.shown():
        console.print(f"Limits: {escape(limits.shown())}", highlight=False)


def wishes(options: argparse.Namespace, prompt: str) -> BuildOptions:
    """Stack, platforms and specifications of the command line, checked; raises `Refused` or `NotBuildable`."""
    stack: dict[str, str] = {}
    for part in options.stack:
        name, equals, choice = part.partition("=")
        if not (name.strip() and equals and choice.strip()):
            raise Refused(f"--stack {part!r} is not PART=CHOICE. Write for example --stack backend=FastAPI.")
        stack[name.strip()] = choice.strip()
    for platform in options.platform:
        if platform not in get_args(Platform):
            raise Refused(f"--platform {platform!r} is not known. Choose backend, web or cli.")
    refuse_wish(prompt, platforms=options.platform, stack=stack, programs=programs_here())
    specifications = tuple(_specification(source) for source in options.api_spec)
    return BuildOptions(
        master="", ladder=(), stack=stack, platforms=tuple(options.platform), api_specs=specifications
    )


def parallel(option: int, settings: Settings) -> int:
    """How many tasks run at a time: the option, MAX_PARALLEL_TASKS, or the default."""
    if option < 0:
        raise Refused(f"--max-parallel {option} is not a number of tasks. Write 1 or more.")
    given = settings.environment.get("MAX_PARALLEL_TASKS", "").strip()
    if option or not given:
        return option or PARALLEL_TASKS
    if not given.isdigit() or int(given) < 1:
        raise Refused(f"MAX_PARALLEL_TASKS={given!r} is not a number of tasks. Set it to 1 or more.")
    return int(given)


def folder_name(prompt: str) -> str:
    """A folder's name out of a prompt: its first words, none of them cut."""
    name = "-".join(re.findall(r"[a-z0-9]+", prompt.lower()))
    if len(name) > _FOLDER_CHARACTERS:
        whole, _, _ = name[: _FOLDER_CHARACTERS + 1].rpartition("-")
        name = whole or name[:_FOLDER_CHARACTERS]
    return name or "application"


def read_prompt(text: str) -> str:
    """The prompt of the command line, or of standard input for `-`."""
    if text != "-":
        return text
    try:
        return sys.stdin.read()
    except UnicodeDecodeError as error:
        raise Refused("What standard input holds is no text in UTF-8. Pass the prompt as text.") from error


def _plan(path: str) -> Plan | None:
    try:
        return load_plan(Path(path)) if path else None
    except PlanFault as fault:
        raise Refused(str(fault)) from fault


def _prompt_of(plan: Plan) -> str:
    """What stands for the prompt where there is a plan alone."""
    return f"Build {plan.name}: {plan.summary}" if plan.summary else f"Build {plan.name}"


def _specification(source: str) -> str:
    """A URL as it is; a file's text."""
    if source.startswith(("http://", "https://")):
        return source
    path = Path(source)
    try:
        if path.stat().st_size > SPECIFICATION_BYTES:
            raise Refused(
                f"--api-spec {source!r} has more than {SPECIFICATION_BYTES} bytes. Cut it to what is needed."
            )
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(
            f"--api-spec {source!r} cannot be read ({error}). Pass a URL or a UTF-8 text file."
        ) from error
