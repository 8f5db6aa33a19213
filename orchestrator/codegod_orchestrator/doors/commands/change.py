"""`codegod change`: from a repository and a wish to a branch of that repository."""

from __future__ import annotations

import argparse
import shutil

from rich.console import Console
from rich.markup import escape

from codegod_orchestrator.doors.choice import choose_models
from codegod_orchestrator.doors.commands.build import (
    PROMPT_SHOWN,
    announce,
    check_limits,
    folder_name,
    parallel,
    read_prompt,
)
from codegod_orchestrator.doors.commands.limiting import limits_of
from codegod_orchestrator.doors.commands.running import guarded, run_shown
from codegod_orchestrator.doors.engine import open_engine, open_models
from codegod_orchestrator.doors.origins import find_origin, promised_branches, require_folder
from codegod_orchestrator.doors.settings import Refused, check_prompt, read_settings
from codegod_orchestrator.doors.told import one_line
from codegod_orchestrator.options import BuildOptions

BRANCH_FOLDER = "codegod"  # where branches that nobody has named lie together


def run(options: argparse.Namespace) -> int:
    """Check what can be checked, then change; returns the exit code."""
    return guarded(lambda console: _change(options, console))


async def _change(options: argparse.Namespace, console: Console) -> int:
    settings = read_settings()
    if shutil.which("git") is None:
        raise Refused("git is not installed. Install it (apt install git, brew install git) and try again.")
    prompt = check_prompt(read_prompt(options.prompt))
    require_folder(options.folder)
    limits = limits_of(options)
    choice = choose_models(
        settings.environment, master=options.master, worker=options.worker, ladder=options.ladder
    )
    async with open_models(choice, settings) as opened:
        announce(choice, opened, console)
        check_limits(limits, opened, console)
        async with open_engine(settings, mcp_config=options.mcp_config, played=opened.simulated) as engine:
            origin = await find_origin(
                engine.mesh,
                options.folder,
                options.branch or f"{BRANCH_FOLDER}/{folder_name(prompt)}",
                exactly=bool(options.branch),
                promised=await promised_branches(engine.journal, options.folder),
            )
            build_options = BuildOptions(
                master=choice.master,
                ladder=choice.ladder,
                limits=limits,
                max_parallel=parallel(options.max_parallel, settings),
                origin=origin,
            )
            build = await engine.journal.create_build(
                prompt, out=origin.folder, options=build_options.model_dump(mode="json")
            )
            console.print(
                f"[bold]{build.id}[/bold]  {escape(one_line(prompt, PROMPT_SHOWN))}", highlight=False
            )
            place = f"{origin.folder} at {origin.commit[:12]}, as the branch {origin.branch}"
            console.print(f"Changing {escape(place)}", highlight=False, soft_wrap=True)
            return await run_shown(engine, opened, build.id, console)
