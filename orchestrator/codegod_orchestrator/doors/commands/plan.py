"""`codegod plan`: the plan alone, as a file to read, edit and build."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from codegod_kit.plan import Plan, dump_plan
from codegod_orchestrator.budget import BudgetFault
from codegod_orchestrator.doors.choice import choose_models
from codegod_orchestrator.doors.commands.build import announce, check_limits, parallel, read_prompt, wishes
from codegod_orchestrator.doors.commands.limiting import limits_of
from codegod_orchestrator.doors.commands.running import guarded
from codegod_orchestrator.doors.engine import Engine, Opened, open_engine, open_models
from codegod_orchestrator.doors.settings import Refused, check_prompt, read_settings
from codegod_orchestrator.forecast import Forecast
from codegod_orchestrator.options import BuildOptions
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
    limits = limits_of(options)
    chosen = {"master": choice.master, "ladder": choice.ladder, "limits": limits}
    wished = wishes(options, prompt).model_copy(update=chosen | {"max_parallel": parallel(0, settings)})
    async with open_models(choice, settings) as opened:
        announce(choice, opened, console)
        check_limits(limits, opened, console)
        async with open_engine(settings, mcp_config=options.mcp_config, played=opened.simulated) as engine:
            plan = await _planned(engine, prompt, wished, opened)
            foreseen = await engine.foresee(plan, opened.models, wished.max_parallel)
    out.write_text(_commented(foreseen) + dump_plan(lasting(plan)), encoding="utf-8")
    console.print(f"Forecast: {escape(foreseen.line())} ({escape(foreseen.basis())})", highlight=False)
    console.print(f"{len(plan.tasks)} tasks written to {escape(str(out))}. Build it with:", highlight=False)
    console.print(f"  codegod build --plan {escape(str(out))}", highlight=False)
    return 0


async def _planned(engine: Engine, prompt: str, wished: BuildOptions, opened: Opened) -> Plan:
    try:
        return await engine.plan(prompt, wished, opened.models)
    except BudgetFault as fault:
        raise Refused(f"{fault} No plan was made.") from fault


def _commented(foreseen: Forecast) -> str:
    """The forecast as comments above the plan: whoever edits the plan sees what it will take."""
    lines = (
        f"Forecast of the whole build: {foreseen.line()}.",
        f"From {foreseen.basis()}. `codegod report` sets the truth beside it.",
    )
    return "".join(f"# {line}\n" for line in lines)


def _new_file(name: str) -> Path:
    out = Path(name).expanduser()
    if out.exists():
        raise Refused(f"{name!r} exists. Choose another file with --out; nothing was changed.")
    if not os.access(out.parent, os.W_OK | os.X_OK):
        raise Refused(
            f"{str(out.parent)!r} is no folder that can be written to. Choose another file with --out."
        )
    return out
