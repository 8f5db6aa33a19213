"""`codegod list`, `status`, `logs` and `report`: what the journal knows, for people and for scripts."""

from __future__ import annotations

import argparse
import json
from collections.abc import Collection

from rich.console import Console
from rich.markup import escape

from codegod_orchestrator.doors.commands.running import guarded
from codegod_orchestrator.doors.settings import Refused, read_settings
from codegod_orchestrator.doors.told import lines_of, one_line
from codegod_orchestrator.journal import Build, Event, Journal
from codegod_orchestrator.reports.report import read_report
from codegod_orchestrator.reports.report_text import report_data, report_text, spend_line
from codegod_orchestrator.states import BUILD_ENDS

EVENTS_PAGE = 500
BUILDS_SEARCHED = 100  # what has waited longer is asked for by its id


def run(options: argparse.Namespace) -> int:
    """Show one thing from the journal."""
    shows = {"list": _list, "status": _status, "logs": _logs, "report": _report}

    async def show(console: Console) -> int:
        async with Journal.open(read_settings().journal) as journal:
            await shows[options.command](journal, options, console)
        return 0

    return guarded(show)


async def find_build(journal: Journal, name: str, *, but: Collection[str] = ()) -> Build:
    """The build called `name`, or the newest one, of those in another state than `but` if there is any such.

    What was only planned has no folder and is no such build.

    Raises `UnknownBuild`, or `Refused` when there is none at all.
    """
    if name:
        return await journal.build(name)
    builds = await journal.builds(BUILDS_SEARCHED)
    if not builds:
        raise Refused('There is no build yet. Start one with: codegod build "what to build"')
    return next((build for build in builds if build.out and build.state not in but), builds[0])


async def _list(journal: Journal, options: argparse.Namespace, console: Console) -> None:
    rows = [("build", "state", "started (UTC)", "folder", "prompt")]
    for build in await journal.builds(options.limit):
        started = build.created.strftime("%Y-%m-%d %H:%M")
        rows.append(
            (build.id, _shown_state(journal, build), started, build.out or "-", one_line(build.prompt, 60))
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        # No cell is cut: a script reads them, and people copy them.
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        console.print(line.rstrip(), highlight=False, markup=False)


def _shown_state(journal: Journal, build: Build) -> str:
    """The state, unless it says that something goes on which does not."""
    goes_on = build.state in BUILD_ENDS or journal.owner_pid(build.id) is not None
    return build.state if goes_on else "not running"


async def _status(journal: Journal, options: argparse.Namespace, console: Console) -> None:
    build = await find_build(journal, options.build)
    running = journal.owner_pid(build.id)
    console.print(
        f"{build.id}  {build.state}" + (f"  (process {running})" if running else ""), highlight=False
    )
    if running is None and build.state not in BUILD_ENDS:
        console.print(f"  no process works on it; go on with: codegod resume {build.id}", highlight=False)
    if build.reason:
        console.print(f"  {escape(one_line(build.reason))}", highlight=False)
    if build.out:
        console.print(f"  for {escape(build.out)}", highlight=False)
    attempts = await journal.attempts(build.id)
    for task in await journal.tasks(build.id):
        tries = sum(attempt.task == task.id for attempt in attempts)
        counted = f"{tries} try" if tries == 1 else f"{tries} tries"
        console.print(f"  {task.id:24} {task.type:14} {task.state:10} {counted}", highlight=False)
    console.print(f"  {spend_line((await journal.spend(build.id)).total)}", highlight=False)


async def _logs(journal: Journal, options: argparse.Namespace, console: Console) -> None:
    build = await find_build(journal, options.build)
    seen = 0
    while events := await journal.events(build.id, seen, EVENTS_PAGE):
        for event in events:
            seen = event.seq
            subject = event.attempt or event.task
            first, *rest = lines_of(event) or [escape(_facts(event))]
            console.print(
                f"{event.seq:6} {event.at:%H:%M:%S} {event.kind:20} {escape(subject):24} {first.strip()}",
                highlight=False,
            )
            for line in rest:
                console.print(line, highlight=False)


def _facts(event: Event) -> str:
    """What an event holds that the live view passes over: for a tool call, which tool, and what came of it."""
    if event.kind == "tool.called":
        outcome = "refused or failed" if event.data["is_error"] else "ok"
        return f"{event.data['server']}.{event.data['tool']}: {outcome}, {event.data['seconds']:.2f} s"
    plain = (f"{name}={value}" for name, value in event.data.items() if isinstance(value, str | int | float))
    return one_line(" ".join(plain))


async def _report(journal: Journal, options: argparse.Namespace, console: Console) -> None:
    build = await find_build(journal, options.build)
    report = await read_report(journal, build.id)
    if options.json:
        console.file.write(json.dumps(report_data(report), indent=2, ensure_ascii=False) + "\n")
    else:
        console.print(escape(report_text(report)), highlight=False)
