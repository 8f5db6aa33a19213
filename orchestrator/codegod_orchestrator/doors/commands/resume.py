"""`codegod resume`: go on where a build stopped, with the models that it was started with."""

from __future__ import annotations

import argparse
import os

from rich.console import Console

from codegod_orchestrator.doors.choice import Choice, choose_rungs
from codegod_orchestrator.doors.commands.build import announce, check_limits
from codegod_orchestrator.doors.commands.inspect import find_build
from codegod_orchestrator.doors.commands.limiting import (
    changed_limits,
    current_limits,
    keep_limits,
    require_room,
)
from codegod_orchestrator.doors.commands.running import guarded, run_shown
from codegod_orchestrator.doors.engine import open_engine, open_models
from codegod_orchestrator.doors.settings import Refused, read_settings
from codegod_orchestrator.journal import Journal
from codegod_orchestrator.options import BuildOptions

FINAL = frozenset({"done", "cancelled"})  # `partial` and `failed` can be taken up again


def run(options: argparse.Namespace) -> int:
    """Resume the named build, or the newest one that can be."""
    return guarded(lambda console: _resume(options, console))


async def _resume(options: argparse.Namespace, console: Console) -> int:
    settings = read_settings()
    async with Journal.open(settings.journal) as journal:
        build = await find_build(journal, options.build, but=FINAL)
        if build.state in FINAL:
            raise Refused(
                f"{build.id} is {build.state}: there is nothing to resume. `codegod report {build.id}` shows it."
            )
        kept = BuildOptions.model_validate(build.options)
        before = await current_limits(journal, build.id, kept.limits)
        limits = changed_limits(options, before)
        await require_room(journal, build.id, limits)
    ladder = choose_rungs(options.ladder) or kept.ladder
    choice = Choice(kept.master, ladder)
    async with open_models(choice, settings) as opened:
        announce(choice, opened, console)
        check_limits(limits, opened, console)
        async with open_engine(settings, mcp_config=options.mcp_config, played=opened.simulated) as engine:
            if limits != before:
                async with engine.journal.claim_build(build.id, owner=f"pid {os.getpid()}") as claimed:
                    await keep_limits(claimed, limits)
            return await run_shown(engine, opened, build.id, console)
