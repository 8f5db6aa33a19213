"""`codegod list`, `status`, `logs` and `report`: what the journal knows, for people and for scripts."""

from __future__ import annotations

import argparse
import json

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from codegod_orchestrator.doors.commands.running import guarded
from codegod_orchestrator.doors.live import lines_of
from codegod_orchestrator.doors.settings import Refused, read_settings
from codegod_orchestrator.journal import Build, Journal
from codegod_orchestrator.report import read_report
from codegod_orchestrator.report_text import report_data, report_text, spend_line

EVENTS_PAGE = 500


def run(options: argparse.Namespace) -> int:
    """Show one thing from the journal."""
    shows = {"list": _list, "status": _status, "logs": _logs, "report": _report}

    async def show(console: Console) -> int:
        async with Journal.open(read_settings().journal) as journal:
            await shows[options.command](journal, options, console)
        return 0

    return guarded(show)


async def find_build(journal: Journal, name: str) -> Build:
    """The build called `name`, or the newest one; raises `UnknownBuild`, or `Refused` when there is none at all."""
    if name:
        return await journal.build(name)
    newest = await journal.builds(1)
    if not newest:
        raise Refused('There is no build yet. Start one with: codegod build "what to build"')
    return newest[0]


async def _list(journal: Journal, options: argparse.Namespace, console: Console) -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("build", "state", "started (UTC)", "prompt", "folder"):
        table.add_column(title, overflow="ellipsis", no_wrap=title != "folder")
    for build in await journal.builds(options.limit):
        started = build.created.strftime("%Y-%m-%d %H:%M")
        prompt = " ".join(build.prompt.split())[:60]
        table.add_row(build.id, build.state, started, escape(prompt), escape(build.out))
    console.print(table)


async def _status(journal: Journal, options: argparse.Namespace, console: Console) -> None:
    build = await find_build(journal, options.build)
    running = journal.owner_pid(build.id)
    console.print(
        f"{build.id}  {build.state}" + (f"  (process {running})" if running else ""), highlight=False
    )
    if build.reason:
        console.print(f"  {escape(build.reason)}", highlight=False)
    attempts = await journal.attempts(build.id)
    for task in await journal.tasks(build.id):
        tries = sum(attempt.task == task.id for attempt in attempts)
        console.print(f"  {task.id:24} {task.type:14} {task.state:10} {tries} tries", highlight=False)
    console.print(f"  {spend_line((await journal.spend(build.id)).total)}", highlight=False)


async def _logs(journal: Journal, options: argparse.Namespace, console: Console) -> None:
    build = await find_build(journal, options.build)
    seen = 0
    while events := await journal.events(build.id, seen, EVENTS_PAGE):
        for event in events:
            seen = event.seq
            subject = event.attempt or event.task
            first, *rest = lines_of(event) or [""]
            console.print(
                f"{event.seq:6} {event.at:%H:%M:%S} {event.kind:20} {escape(subject):24} {first.strip()}",
                highlight=False,
            )
            for line in rest:
                console.print(line, highlight=False)


async def _report(journal: Journal, options: argparse.Namespace, console: Console) -> None:
    build = await find_build(journal, options.build)
    report = await read_report(journal, build.id)
    if options.json:
        console.file.write(json.dumps(report_data(report), indent=2, ensure_ascii=False) + "\n")
    else:
        console.print(escape(report_text(report)), highlight=False)
