"""A build as it happens, in the terminal: one table on a screen, one line per event where there is none."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from codegod_orchestrator.journal import Attempt, Build, Event, Journal, Task
from codegod_orchestrator.report_text import spend_line
from codegod_orchestrator.spend import Spend

WAIT_SECONDS = 1.0  # the clock in the table moves at least this often
FINDINGS_SHOWN = 3

_STYLES = {
    "accepted": "green",
    "inflight": "yellow",
    "ready": "cyan",
    "failed": "red",
    "skipped": "magenta",
    "cancelled": "red",
}


class LiveView:
    """Follows one build's journal until `finish` is called, then shows what had not been shown yet."""

    def __init__(self, console: Console, journal: Journal, build: str) -> None:
        self._console = console
        self._journal = journal
        self._build = build
        self._seen = 0
        self._started = time.monotonic()

    async def follow(self) -> None:
        """Show events as they come; runs until it is cancelled."""
        with Live(console=self._console, auto_refresh=False, transient=True) as live:
            while True:
                await self._step(live, WAIT_SECONDS)

    async def finish(self) -> None:
        """Print the events that came after `follow` was cancelled."""
        await self._step(None, 0)

    async def _step(self, live: Live | None, wait: float) -> None:
        events = await self._journal.wait_events(self._build, self._seen, wait)
        for event in events:
            self._seen = event.seq
            for line in lines_of(event):
                self._console.print(line, highlight=False)
        if live is not None and self._console.is_terminal:
            live.update(await self._picture(), refresh=True)

    async def _picture(self) -> RenderableType:
        build = await self._journal.build(self._build)
        tasks = await self._journal.tasks(self._build)
        attempts = await self._journal.attempts(self._build)
        spend = await self._journal.spend(self._build)
        return Group(_headline(build, spend, time.monotonic() - self._started), _table(tasks, attempts))


def lines_of(event: Event) -> list[str]:
    """What one event says in plain text; nothing for events that only the journal needs."""
    data = event.data
    subject = event.attempt or event.task
    match event.kind:
        case "model.asked" if not event.task:
            return [f"  [dim]asking {escape(str(data['model']))} for the {data['step']}[/dim]"]
        case "build.state":
            return [
                f"[bold]{escape(str(data['state']))}[/bold] {escape(str(data.get('reason') or ''))}".rstrip()
            ]
        case "attempt.started":
            return [f"  {escape(subject)} [yellow]started[/yellow]"]
        case "attempt.accepted":
            return [f"  {escape(subject)} [green]accepted[/green] and on main"]
        case "attempt.rejected" | "plan.sent_back" | "contract.sent_back":
            findings = [str(one) for one in data.get("findings", ())]
            name = escape(subject) or event.kind.partition(".")[0]
            return [f"  {name} [red]sent back[/red]", *_short(findings)]
        case "attempt.lost" | "task.failed" | "task.skipped":
            how = event.kind.partition(".")[2]
            return [f"  {escape(subject)} [red]{how}[/red] {escape(str(data.get('reason') or ''))}".rstrip()]
        case "build.delivered":
            return [f"  delivered to {escape(str(data.get('path')))}"]
        case _:
            return []


def _short(findings: Sequence[str]) -> list[str]:
    shown = [f"      {escape(' '.join(finding.split())[:160])}" for finding in findings[:FINDINGS_SHOWN]]
    more = len(findings) - FINDINGS_SHOWN
    return [*shown, f"      and {more} more"] if more > 0 else shown


def _headline(build: Build, spend: Spend, seconds: float) -> Text:
    age = (datetime.now(UTC) - build.created).total_seconds()
    return Text(
        f"{build.id}  {build.state}  {max(age, seconds):.0f} s  {spend_line(spend.total)}", style="bold"
    )


def _table(tasks: Sequence[Task], attempts: Sequence[Attempt]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("task", "type", "state", "tries", "last finding"):
        table.add_column(title, overflow="ellipsis", no_wrap=True)
    for task in tasks:
        tries = [attempt for attempt in attempts if attempt.task == task.id]
        last = next((attempt.findings[0] for attempt in reversed(tries) if attempt.findings), None)
        style = _STYLES.get(task.state, "")
        table.add_row(
            task.id,
            task.type,
            Text(task.state, style=style),
            str(len(tries)),
            escape(f"{last.path} {last.message}".strip()) if last else "",
        )
    return table
