"""A build as it happens, in the terminal: one picture on a screen, one line per event where there is none."""

from __future__ import annotations

import time
from collections.abc import Sequence

import anyio
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from codegod_orchestrator.doors.told import finding_line, lines_of, one_line
from codegod_orchestrator.journal import Attempt, Build, Journal, Task
from codegod_orchestrator.spend import Spend

CLOCK_SECONDS = 1.0  # the time in the picture moves at least this often
REFRESH_SECONDS = 0.2  # a build writes hundreds of events a minute; five pictures a second are a film
HEADER_LINES = 4  # what stands around the tasks, and the line that the cursor waits on

_STYLES = {
    "accepted": "green",
    "inflight": "yellow",
    "ready": "cyan",
    "failed": "red",
    "skipped": "magenta",
    "cancelled": "red",
}
_BUILD_STYLES = {"done": "green", "partial": "yellow", "failed": "red", "cancelled": "red"}
# Who is shown when not all tasks fit: what happens now, what went wrong, what comes next, what is behind us.
_ORDER = (
    "inflight",
    "failed",
    "ready",
    "amended",
    "skipped",
    "blocked",
    "cancelled",
    "accepted",
)

__all__ = ["LiveView", "lines_of"]


class LiveView:
    """Follows one build's journal, from the event after number `seen`."""

    def __init__(self, console: Console, journal: Journal, build: str, *, seen: int = 0) -> None:
        self._console = console
        self._journal = journal
        self._build = build
        self._seen = seen
        self._started = time.monotonic()

    async def follow(self) -> None:
        """Show what happens as it happens; runs until it is cancelled."""
        if not self._console.is_terminal:
            while True:
                await self._tell(CLOCK_SECONDS)
        with Live(console=self._console, auto_refresh=False, transient=True) as live:
            while True:
                live.update(await self._picture(), refresh=True)
                await self._tell(CLOCK_SECONDS)
                await anyio.sleep(REFRESH_SECONDS)

    async def finish(self) -> None:
        """Print what came after `follow` was cancelled."""
        while await self._tell(0):
            pass

    async def _tell(self, wait: float) -> bool:
        """Print the events that are there, or that come within `wait` seconds; whether there were any."""
        events = await self._journal.wait_events(self._build, self._seen, wait)
        for event in events:
            self._seen = event.seq
            for line in lines_of(event):
                self._console.print(line, highlight=False)
        return bool(events)

    async def _picture(self) -> RenderableType:
        build = await self._journal.build(self._build)
        tasks = await self._journal.tasks(self._build)
        attempts = await self._journal.attempts(self._build)
        spend = await self._journal.spend(self._build)
        head = headline(build, tasks, spend, time.monotonic() - self._started)
        if not tasks:
            return head
        return Group("", head, task_table(tasks, attempts, rows=self._console.height - HEADER_LINES))


def headline(build: Build, tasks: Sequence[Task], spend: Spend, seconds: float) -> Text:
    """Id, state, time, tasks, tokens and cost of a build, on one line."""
    total = spend.total
    accepted = sum(task.state == "accepted" for task in tasks)
    price = f"${total.cost:.4f}" + (" and more" if total.unpriced_calls else "")
    parts = [
        (build.id, "bold"),
        (build.state, f"bold {_BUILD_STYLES.get(build.state, 'cyan')}"),
        (_clock(seconds), ""),
        (f"{accepted} of {len(tasks)} tasks" if tasks else "", ""),
        (f"{total.calls} model calls" if total.calls != 1 else "1 model call", ""),
        (f"{total.tokens:,} tokens", ""),
        (price, ""),
        ("simulated" if spend.simulated else "", "yellow"),
    ]
    return Text("  ").join(Text(text, style=style) for text, style in parts if text)


def task_table(tasks: Sequence[Task], attempts: Sequence[Attempt], *, rows: int) -> Table:
    """The tasks in the plan's order, at most `rows` lines; what does not fit is counted below."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0), expand=True)
    for title in ("task", "type", "state", "tries"):
        table.add_column(title, no_wrap=True)
    table.add_column("now, or why not", no_wrap=True, overflow="ellipsis", ratio=1)  # what the others leave
    shown = _chosen(tasks, rows - 1)
    for task in tasks:
        if task in shown:
            tries = [attempt for attempt in attempts if attempt.task == task.id]
            state = Text(task.state, style=_STYLES.get(task.state, ""))
            table.add_row(Text(task.id), Text(task.type), state, str(len(tries) or ""), _note(task, tries))
    hidden = [task for task in tasks if task not in shown]
    if hidden:
        states = dict.fromkeys(task.state for task in hidden)
        counts = ", ".join(f"{sum(task.state == state for task in hidden)} {state}" for state in states)
        table.add_row(Text(f"and {counts}", style="dim"))
    return table


def _chosen(tasks: Sequence[Task], rows: int) -> Sequence[Task]:
    if len(tasks) <= rows:
        return tasks
    return sorted(tasks, key=lambda task: _ORDER.index(task.state))[: max(1, rows - 1)]


def _note(task: Task, tries: Sequence[Attempt]) -> Text:
    """What a task is at, or what stopped it last."""
    last = tries[-1] if tries else None
    if task.state == "inflight" and last is not None:
        doing = f"repairing {last.continues}" if last.continues else "writing"
        return Text(one_line(f"{doing} with {last.model}"), style="dim")
    if task.state in {"failed", "skipped"}:
        return Text(one_line(task.reason), style="dim")
    if task.state == "ready" and last is not None and last.findings:
        return Text(finding_line(last.findings[0]), style="dim")
    return Text("")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"
