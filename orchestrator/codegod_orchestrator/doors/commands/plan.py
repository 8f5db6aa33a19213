"""`codegod plan`: the plan alone, as a file to read, edit and build."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from codegod_kit.plan import dump_plan
from codegod_orchestrator.doors.choice import choose_models
from codegod_orchestrator.doors.commands.build import announce, read_prompt, wishes
from codegod_orchestrator.doors.commands.running import guarded
from codegod_orchestrator.doors.engine import open_engine, open_models
from codegod_orchestrator.doors.settings import Refused, check_prompt, read_settings
from codegod_orchestrator.planning import lasting


def run(options: argparse.Namespace) -> int:
    """Plan, and write the file."""
    return guarded(lambda console: _plan(options, console))


async def _plan(options: argparse.Namespace, console: Console) -> int:
    settings = read_settings()
    out = _new_file(options.out)
    prompt = check_prompt(read_prompt(options.prompt))
    choice = choose_models(
        settings.environment, master=options.master, worker=options.worker, ladder=options.ladder
    )
    wished = wishes(options, prompt).model_copy(update={"master": choice.master, "ladder": choice.ladder})
    async with open_models(choice, settings) as opened:
        announce(choice, opened, console)
        async with open_engine(settings, mcp_config=options.mcp_config, played=opened.simulated) as engine:
            plan = await engine.plan(prompt, wished, opened.models)
    out.write_text(dump_plan(lasting(plan)), encoding="utf-8")
    console.print(f"{len(plan.tasks)} tasks written to {escape(str(out))}. Build it with:", highlight=False)
    console.print(f"  codegod build --plan {escape(str(out))}", highlight=False)
    return 0


def _new_file(name: str) -> Path:
    out = Path(name).expanduser()
    if out.exists():
        raise Refused(f"{name!r} exists. Choose another file with --out; nothing was changed.")
    if not os.access(out.parent, os.W_OK | os.X_OK):
        raise Refused(
            f"{str(out.parent)!r} is no folder that can be written to. Choose another file with --out."
        )
    return out
