"""What one event of the journal says to people, in lines of console markup."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rich.markup import escape
from rich.text import Text

from codegod_orchestrator.forecast import Forecast
from codegod_orchestrator.journal import Event
from codegod_orchestrator.limits import Limits
from codegod_orchestrator.voice import STOPPED
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
    if error == STOPPED:
        return []  # whoever stopped the build knows
    return [f"  {_safe(event.data['model'])} [red]gave no answer[/red]: {_safe(error)}"] if error else []


def _foreseen(event: Event) -> list[str]:
    foreseen = Forecast.model_validate(event.data)
    return [f"  forecast: {_safe(foreseen.line())}"]


def _limits(event: Event) -> list[str]:
    limits = Limits.model_validate(event.data).shown()
    return [f"  limits from now on: {_safe(limits or 'none')}"]


def _wished(event: Event) -> list[str]:
    wishes = event.data.get("behaviours", ())
    tested = sum(bool(one.get("test")) for one in wishes)
    return [f"  {_count(len(wishes), 'behaviour')} asked for, {_count(tested, 'acceptance test')}"]


def _seen_outside(event: Event) -> list[str]:
    wishes = event.data.get("behaviours", ())
    passed = [one for one in wishes if one.get("outcome") == "passed"]
    failed = [one for one in wishes if one.get("outcome") not in {"passed", "untested"}]
    colour = "green" if len(passed) == len(wishes) else "red" if failed else "yellow"
    lines = [
        f"  from outside: [{colour}]{len(passed)} of {_count(len(wishes), 'behaviour')} proved[/{colour}]"
    ]
    return [
        *lines,
        *_findings(f"{one.get('id')}: {one.get('message') or one.get('outcome')}" for one in failed),
    ]


def _amended(event: Event) -> list[str]:
    reopened = ", ".join(map(str, event.data.get("reopened", ())))
    again = f"; done once more: {_safe(reopened)}" if reopened else ""
    return [f"  {_safe(event.task)}: the contract was [yellow]amended[/yellow]{_because(event)}{again}"]


def _revised(event: Event) -> list[str]:
    changes = [
        f"{word} {', '.join(map(str, event.data[word]))}"
        for word in ("added", "dropped")
        if event.data.get(word)
    ]
    changed = f" ({_safe('; '.join(changes))})" if changes else ""
    return [f"  {_safe(event.task)}: the plan was [yellow]revised[/yellow]{changed}{_because(event)}"]


def _ruled(event: Event) -> list[str]:
    ruling = _safe(event.data.get("ruling", ""))
    return [f"  {_safe(event.task)}: the master rules: [yellow]{ruling}[/yellow]{_because(event)}"]


def _unruled(event: Event) -> list[str]:
    return [f"  {_safe(event.task)}: the master [red]did not rule[/red]{_because(event)}"]


def _dropped(event: Event) -> list[str]:
    return [f"  {_safe(event.task)}: an amendment [red]did not hold[/red]{_because(event)}"]


def _proved(event: Event) -> list[str]:
    hollow = len(event.data.get("hollow", ()))
    empty = f", {hollow} more cannot tell it from empty bodies" if hollow else ""
    languages = _safe(", ".join(map(str, event.data.get("tried", ()))))
    tried = f" (tried in {languages})" if languages else ""
    return [f"  {_count(int(event.data['evidence']), 'test')} can tell code from stubs{empty}{tried}"]


def _disagreed(event: Event) -> list[str]:
    tests = ", ".join(map(str, event.data["tests"]))
    return [f"  {_safe(event.attempt)}: two runs of the suite [yellow]disagree[/yellow]: {_safe(tests)}"]


def _image(event: Event) -> list[str]:
    built, answered = event.data["built"], event.data["answered"]
    state = "built, and it answers" if answered else "built, and it did not answer" if built else "not built"
    note = _safe(event.data.get("note", ""))
    return [f"  the image was {state}{f': {note}' if note and not answered else ''}"]


def _kept(event: Event) -> list[str]:
    return [f"  {_safe(event.task)}: the plan stays as it is{_because(event)}"]


def _because(event: Event) -> str:
    reason = _safe(event.data.get("reason", ""))
    return f": {reason}" if reason else ""


def _dispatched(event: Event) -> list[str]:
    kind = _KINDS.get(str(event.data["kind"]), event.data["kind"])
    return [f"  {_safe(event.attempt)}: {_safe(kind)} by {_safe(event.data['model'])}"]


def _repeated(event: Event) -> list[str]:
    answer = _safe(event.data["answer"])
    return [f"      its tests were amended: the answer of {answer} is tried again as it stands"]


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


def _surveyed(event: Event) -> list[str]:
    known = event.data["known"]
    failing = len(known["tests"])
    found = len(known["findings"])
    worse = [
        *([f"{_count(failing, 'test')} failing already"] if failing else []),
        *([f"{_count(found, 'finding')} of the checks"] if found else []),
    ]
    passed = _count(int(event.data["passed"]), "test")
    return [f"  before the change: {passed} passed{_safe(''.join(f', {one}' for one in worse))}"]


def _delivered(event: Event) -> list[str]:
    if branch := event.data.get("branch"):
        return [f"  delivered as the branch {_safe(branch)} of {_safe(event.data['path'])}"]
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
    "change.surveyed": _surveyed,
    "cancel.requested": _cancel,
    "plan.saved": _planned,
    "plan.sent_back": _master_sent_back,
    "contract.saved": _contracted,
    "contract.sent_back": _master_sent_back,
    "model.asked": _asked,
    "model.called": _answered,
    "plan.forecast": _foreseen,
    "plan.revised": _revised,
    "limits.changed": _limits,
    "acceptance.written": _wished,
    "acceptance.seen": _seen_outside,
    "acceptance.sent_back": _master_sent_back,
    "contract.amended": _amended,
    "contract.proved": _proved,
    "contract.ruled": _ruled,
    "ruling.unanswered": _unruled,
    "amendment.dropped": _dropped,
    "answer.repeated": _repeated,
    "suite.disagreed": _disagreed,
    "image.seen": _image,
    "ruling.sent_back": _master_sent_back,
    "replan.sent_back": _master_sent_back,
    "plan.kept": _kept,
    "attempt.dispatched": _dispatched,
    "attempt.accepted": _accepted,
    "attempt.rejected": _rejected,
    "attempt.lost": _lost,
    "attempt.stale": _stale,
    "task.failed": _task_failed,
    "reference.unread": _unread,
}
