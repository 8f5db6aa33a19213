"""`codegod cancel`: end a build for good, whether it runs or waits."""

from __future__ import annotations

import argparse
import os

from rich.console import Console

from codegod_orchestrator.doors.commands.inspect import find_build
from codegod_orchestrator.doors.commands.running import guarded
from codegod_orchestrator.doors.settings import read_settings
from codegod_orchestrator.journal import Journal
from codegod_orchestrator.states import BUILD_ENDS


def run(options: argparse.Namespace) -> int:
    """Cancel the named build, or the newest one that has not ended."""
    return guarded(lambda console: _cancel(options, console))


async def _cancel(options: argparse.Namespace, console: Console) -> int:
    async with Journal.open(read_settings().journal) as journal:
        build = await find_build(journal, options.build, but=BUILD_ENDS)
        if build.state in BUILD_ENDS:
            console.print(f"{build.id} is {build.state} already.", highlight=False)
        elif await journal.request_cancel(build.id):
            console.print(
                f"{build.id} is asked to stop; `codegod status {build.id}` shows when it has.",
                highlight=False,
            )
        else:
            async with journal.claim_build(build.id, owner=f"pid {os.getpid()}") as claimed:
                await claimed.advance("cancelled", reason="cancelled on request")
            console.print(f"{build.id} is cancelled.", highlight=False)
    return 0
