"""What one event of the journal says to people, in lines of console markup."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rich.markup import escape
from rich.text import Text

from codegod_orchestrator.journal import Event
from codegod_workers import Finding

FINDINGS_SHOWN = 3  # the first ones cause the others; `codegod report` has all
LINE_CHARS = 160  # two lines of a common terminal

_KINDS = {"first": "first try", "repair": "repair", "resample": "fresh try"}


def lines_of(event: Event) -> list[str]:
    """The lines of one event as markup; none for an event that only the journal needs."""
    told = _TOLD.get(event.kind)
    return told(event) if told else []


def plain_lines_of(event: Event) -> list[str]:
    """The lines of one event without markup."""
    return [Text.from_markup(line).plain.rstrip() for line in lines_of(event)]


def one_line(text: object, limit: int = LINE_CHARS) -> str:
    """`text` on one printable line: control characters of hostile output never reach a terminal."""
    flat = " ".join("".join(char if char.isprintable() else " " for char in str(text)).split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def finding_line(finding: Finding | Mapping[str, Any] | str) -> str:
    """A finding in one line, whether it was kept as a record or as text."""
    return one_line(Finding.model_validate(finding) if isinstance(finding, Mapping) else finding)


def _safe(text: object) -> str:
    return escape(one_line(text))


def _findings(findings: Iterable[Mapping[str, Any] | str]) -> list[str]:
    told = [f"      {escape(finding_line(finding))}" for finding in findings]
    more = len(told) - FINDINGS_SHOWN
    return [*told[:FINDINGS_SHOWN], f"      and {more} more"] if more > 0 else told


def _state(event: Event) -> list[str]:
    reason = _safe(event.data.get("reason", ""))
    return [f"[bold]{_safe(event.data['state'])}[/bold]{': ' if reason else ''}{reason}"]


def _reopened(event: Event) -> list[str]:
    return [f"[bold]{_safe(event.data['state'])}[/bold]: taken up again"]


def _not_resumed(event: Event) -> list[str]:
    return [f"[red]not taken up again[/red]: {_safe(event.data['reason'])}"]


def _cancel(event: Event) -> list[str]:
    return ["[red]asked to stop[/red]"]


def _planned(event: Event) -> list[str]:
    tasks = event.data["tasks"]
    return [f"  planned {_safe(event.data['name'])}: {_count(len(tasks), 'task')}"]


def _contracted(event: Event) -> list[str]:
    return [f"  the contract holds, with {_count(event.data['tests'], 'test')}"]


def _master_sent_back(event: Event) -> list[str]:
    what = event.kind.partition(".")[0]
    return [f"  the {what} was [red]sent back[/red]", *_findings(event.data["findings"])]


def _asked(event: Event) -> list[str]:
    """The master's calls take long and nothing else shows them; a task's begin with its attempt."""
    if event.task:
        return []
    return [f"  [dim]asking {_safe(event.data['model'])} for the {_safe(event.data['step'])}[/dim]"]


def _answered(event: Event) -> list[str]:
    error = event.data["error"]
    return [f"  {_safe(event.data['model'])} [red]gave no answer[/red]: {_safe(error)}"] if error else []


def _dispatched(event: Event) -> list[str]:
    kind = _KINDS.get(str(event.data["kind"]), event.data["kind"])
    return [f"  {_safe(event.attempt)}: {_safe(kind)} by {_safe(event.data['model'])}"]


def _accepted(event: Event) -> list[str]:
    return [f"  {_safe(event.attempt)} [green]accepted[/green] and on main"]


def _rejected(event: Event) -> list[str]:
    findings = event.data["findings"] or [event.data["reason"]]
    return [f"  {_safe(event.attempt)} [red]sent back[/red]", *_findings(filter(None, findings))]


def _lost(event: Event) -> list[str]:
    return [f"  {_safe(event.attempt)} [red]lost[/red]: {_safe(event.data['reason'])}"]


def _stale(event: Event) -> list[str]:
    return [f"  {_safe(event.attempt)} [red]came too late[/red]: its task no longer waits for it"]


def _task_failed(event: Event) -> list[str]:
    lines = [f"  {_safe(event.task)} [red]failed[/red]: {_safe(event.data['reason'])}"]
    skipped = ", ".join(map(str, event.data["skipped"]))
    return [*lines, f"      skipped with it: {_safe(skipped)}"] if skipped else lines


def _unread(event: Event) -> list[str]:
    return [f"  {_safe(event.data['url'])} [red]was not read[/red]: {_safe(event.data['reason'])}"]


def _checked(event: Event) -> list[str]:
    tests = event.data["tests"]
    passed = sum(test["outcome"] == "passed" for test in tests)
    colour = "green" if passed == len(tests) else "red"
    return [f"  the last run: [{colour}]{passed} of {_count(len(tests), 'test')} passed[/{colour}]"]


def _delivered(event: Event) -> list[str]:
    return [f"  delivered to {_safe(event.data.get('path', 'a folder that was not named'))}"]


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


# What is not here is for the journal alone: `tool.called` comes by the hundred.
_TOLD: Mapping[str, Callable[[Event], list[str]]] = {
    "build.state": _state,
    "build.reopened": _reopened,
    "build.not_resumed": _not_resumed,
    "build.checked": _checked,
    "build.delivered": _delivered,
    "cancel.requested": _cancel,
    "plan.saved": _planned,
    "plan.sent_back": _master_sent_back,
    "contract.saved": _contracted,
    "contract.sent_back": _master_sent_back,
    "model.asked": _asked,
    "model.called": _answered,
    "attempt.dispatched": _dispatched,
    "attempt.accepted": _accepted,
    "attempt.rejected": _rejected,
    "attempt.lost": _lost,
    "attempt.stale": _stale,
    "task.failed": _task_failed,
    "reference.unread": _unread,
}
