"""The report as Markdown that reads well in a terminal. Whatever a program or a model said is made harmless first."""

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from codegod_orchestrator.journal import Attempt
from codegod_orchestrator.limits import dollars, duration
from codegod_orchestrator.reports.report import Report, Revision, TaskReport
from codegod_orchestrator.reports.solved import Solved
from codegod_orchestrator.spend import Amount, Spend

# A finding is one line here; the journal has all of it.
_LINE_CHARS = 200
# Enough to see what sent an answer back; a broken import can bring hundreds.
_FINDINGS_SHOWN = 5
_PROMPT_CHARS = 500
_HASH_CHARS = 12
_CENT_PART = Decimal("0.0001")  # a call of a small model costs less than a cent
# A summary is read at a glance, and stands on one screen together with what follows it.
_POINTS_SHOWN = 4


def report_text(report: Report) -> str:
    """The whole report in Markdown."""
    build = report.build
    blocks = [
        f"# Build {build.id}: {build.state}",
        "\n".join(_head(report)),
        _section("Behaviours", _behaviour_lines(report)),
        _section("Tasks", [_task_line(one) for one in report.tasks]),
        *("\n".join(_task(one)) for one in report.tasks),
        _section("Changes of contract and plan", [_revision_line(one) for one in report.revisions]),
        _section("What each rung solved", _ladder_lines(report.ladder)),
        _section("Models", _spend_lines(report.spend)),
        _section("Forecast and truth", _forecast_lines(report)),
        _section("Not proved", [f"- {_line(one)}" for one in report.unproved or ("nothing is open",)]),
    ]
    return "\n\n".join(filter(None, blocks)) + "\n"


def _section(title: str, lines: Sequence[str]) -> str:
    return "\n".join([f"## {title}", "", *lines]) if lines else ""


def report_summary(report: Report) -> dict[str, str]:
    """What came of a build, by subject, for the end of a screen; `report_text` has it test by test."""
    build = report.build
    facts = {
        "Why": _line(build.reason),
        "Behaviours": _summed_behaviours(report),
        "Tasks": _summed_tasks(report),
        "Tests": _summed_tests(report),
        "Not proved": _summed_open(report),
        "Sandbox": ", ".join(report.levels),
        "Models": simulation_notice(report.spend) or ", ".join(map(_line, report.spend.real)),
        "Used": f"{spend_line(report.spend.total)} of model time" if report.spend.total.calls else "",
        "Limits": report.limits.shown(),
        "Time": f"{report.seconds:.1f} s from start to end" if build.ended else "",
    }
    return {name: value for name, value in facts.items() if value}


def report_data(report: Report) -> dict[str, Any]:
    """The report as JSON values."""
    data = _plain(report)
    assert isinstance(data, dict)  # noqa: S101 - a dataclass becomes one
    return data


def simulation_notice(spend: Spend) -> str:
    """The sentence that every output of simulated models carries; empty when all were real."""
    if not spend.simulated:
        return ""
    played = ", ".join(spend.simulated)
    if spend.real:
        return f"Some models were simulated ({played}): what they answered was written beforehand."
    return f"The models were simulated ({played}): no language model took part, the answers were written beforehand."


def spend_line(amount: Amount) -> str:
    """`12 calls, 34567 tokens, $0.0123, 45.6 s`, with what is not known named."""
    reserved = (
        f" ({amount.reserved_tokens} of them reserved, where no usage was reported)"
        if amount.reserved_tokens
        else ""
    )
    held = f" (${amount.reserved_cost.quantize(_CENT_PART)} of it reserved)" if amount.reserved_cost else ""
    unpriced = (
        f" and the unknown price of {_count(amount.unpriced_calls, 'call')}" if amount.unpriced_calls else ""
    )
    return (
        f"{_count(amount.calls, 'call')}, {amount.tokens} tokens{reserved}, "
        f"${amount.cost.quantize(_CENT_PART)}{held}{unpriced}, {amount.seconds:.1f} s"
    )


def _head(report: Report) -> list[str]:
    build, spend = report.build, report.spend
    accepted = sum(one.task.state == "accepted" for one in report.tasks)
    prompt = _line(build.prompt, _PROMPT_CHARS)
    facts = {
        "Prompt": prompt,
        "Project": report.name,
        "Why it ended so": _line(build.reason),
        "Models": simulation_notice(spend),
        "Tasks": f"{accepted} of {len(report.tasks)} accepted" if report.tasks else "",
        "Last run": _last_run(report),
        "Empty bodies": _null_bodies(report),
        "Sandbox": ", ".join(report.levels) or "no level is on record",
        "Time": f"{report.seconds:.1f} s" + ("" if build.ended else " so far"),
        "Used": spend_line(spend.total),
        "Limits": report.limits.shown(),
        "Delivered to": _line(report.delivered),
        "As the branch": _line(report.branch),
        "Changed from": report.base[:_HASH_CHARS],
        "Failed before": _line(", ".join(report.failing_before)),
    }
    return [f"- {name}: {value}" for name, value in facts.items() if value]


def _null_bodies(report: Report) -> str:
    tried = ", ".join(map(_line, report.null_bodies.tried))
    return f"the contract's tests were tried on stubs that do nothing, in {tried}" if tried else ""


def _behaviour_lines(report: Report) -> list[str]:
    """Behaviour, what its test saw, and which test that was."""
    return [
        f"- {_line(one.id)} ({_line(one.text)}): {_line(one.outcome)}{f', {_line(one.test)}' if one.test else ''}"
        + (f": {_line(one.message)}" if one.message and one.outcome != "passed" else "")
        for one in report.accepted
    ]


_REVISED = {
    "amendment.dropped": "the amendment was dropped",
    "contract.amended": "the contract was amended",
    "contract.ruled": "the master ruled",
    "plan.revised": "the plan was revised",
    "plan.kept": "the plan stayed as it was",
}


def _revision_line(revision: Revision) -> str:
    version = f" to version {revision.version}" if revision.version else ""
    ruling = f", {_line(revision.ruling)} wrong" if revision.ruling in {"code", "test"} else ""
    ruling = ", the specification was unclear" if revision.ruling == "spec" else ruling
    reopened = f"; done once more: {_line(', '.join(revision.reopened))}" if revision.reopened else ""
    reason = f": {_line(revision.reason)}" if revision.reason else ""
    about = f"{_line(revision.task)}: " if revision.task else ""
    return f"- {about}{_REVISED[revision.kind]}{version}{ruling}{reason}{reopened}"


_LADDER_HEAD = (
    "rung",
    "model",
    "type",
    "tasks",
    "solved",
    "first",
    "repair",
    "fresh",
    "tries",
    "tokens",
    "cost",
)


def _ladder_lines(rows: Sequence[Solved]) -> list[str]:
    """A table: how many tasks of each type reached a rung, and which kind of try solved them there."""
    if not rows:
        return []
    cells = [
        (
            str(row.rung + 1),
            _line(row.model),
            row.type,
            *map(str, (row.tasks, row.solved, row.first, row.repaired, row.resampled, row.attempts)),
            str(row.amount.tokens),
            f"${row.amount.cost.quantize(_CENT_PART)}",
        )
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(_LADDER_HEAD, *cells, strict=True)]
    lines = [_LADDER_HEAD, tuple("-" * width for width in widths), *cells]
    return [f"| {' | '.join(map(str.ljust, line, widths))} |" for line in lines]


def _forecast_lines(report: Report) -> list[str]:
    """What was foreseen beside what it came to; nothing when nothing was foreseen."""
    foreseen, spent = report.forecast, report.spend.total
    if foreseen is None:
        return []
    attempts = sum(len(one.attempts) for one in report.tasks)
    if not attempts:
        return [f"- foreseen: {_line(foreseen.line())}"]  # it was planned only, or stopped before
    unpriced = f" without {', '.join(map(_line, foreseen.unpriced))}" if foreseen.unpriced else ""
    return [
        f"- calls: {foreseen.calls} foreseen, {spent.calls} made",
        f"- attempts: {foreseen.attempts} foreseen, {attempts} made",
        f"- tokens: {foreseen.tokens} foreseen, {spent.tokens} taken",
        f"- cost: {dollars(foreseen.cost)} foreseen (at most {dollars(foreseen.most_cost)}){unpriced}, "
        f"{dollars(spent.cost)} taken",
        f"- time: {duration(foreseen.seconds)} foreseen, {duration(report.worked)} taken",
    ]


def _summed_behaviours(report: Report) -> str:
    if not any(one.outcome != "untested" for one in report.accepted):
        return ""
    proved = sum(one.outcome == "passed" for one in report.accepted)
    return f"{proved} of {len(report.accepted)} seen by tests from outside"


def _summed_tasks(report: Report) -> str:
    if not report.tasks:
        return ""
    accepted = sum(one.task.state == "accepted" for one in report.tasks)
    sent_back = sum(attempt.state == "rejected" for one in report.tasks for attempt in one.attempts)
    corrected = f", {_count(sent_back, 'answer')} sent back on the way" if sent_back else ""
    return f"{accepted} of {len(report.tasks)} accepted{corrected}"


def _summed_tests(report: Report) -> str:
    if report.last_run is None:
        return "the whole suite was not run on a finished tree"
    passed = sum(test.outcome == "passed" for test in report.last_run.tests)
    green = sum(len(one.proof.green) for one in report.tasks)
    return (
        f"{passed} of {len(report.last_run.tests)} passed in the last run; "
        f"{_count(green, 'test')} failed on the stubs first (RED) and passed on the code (GREEN)"
    )


def _summed_open(report: Report) -> str:
    """What is not proved, with what comes by the dozen counted."""
    named = report.accepted or report.behaviours
    failed = {wish.id for wish in report.accepted if wish.outcome not in {"passed", "untested"}}
    wishes = [wish.id for wish in named if wish.id not in failed and _opens(report, f"{wish.id} (")]
    unfailed = [one.task.id for one in report.tasks if _opens(report, f"task {one.task.id} has no test")]
    counted = tuple(f"{name} (" for name in wishes) + tuple(f"task {name} has no test" for name in unfailed)
    first = tuple(f"{name} (" for name in failed)
    told = sorted(report.unproved, key=lambda line: not line.startswith(first))
    others = [_line(line) for line in told if not line.startswith(counted)]
    points = others[:_POINTS_SHOWN]
    if len(others) > len(points):
        points.append(f"{_count(len(others) - len(points), 'more point')}")
    if unfailed:
        points.append(f"no test failed on the stubs of {_some(unfailed)}")
    if wishes:
        points.append(f"{len(wishes)} of {_count(len(named), 'behaviour')} not tried from outside")
    return "; ".join(points)


def _opens(report: Report, start: str) -> bool:
    return any(line.startswith(start) for line in report.unproved)


def _some(names: Sequence[str]) -> str:
    more = len(names) - _POINTS_SHOWN
    return ", ".join(names) if more <= 0 else f"{', '.join(names[:_POINTS_SHOWN])} and {more} more"


def _last_run(report: Report) -> str:
    if report.last_run is None:
        return "none"
    passed = sum(test.outcome == "passed" for test in report.last_run.tests)
    return f"{passed} of {_count(len(report.last_run.tests), 'test')} passed on tree {_short(report.last_run.tree)}"


def _task_line(report: TaskReport) -> str:
    tries = _count(len(report.attempts), "attempt")
    return f"- {report.task.id} ({report.task.type}): {report.task.state}, {tries}, {_proved(report)}"


def _proved(report: TaskReport) -> str:
    proof = report.proof
    return f"RED {len(proof.red)}, GREEN {len(proof.green)}" if proof.red else "no RED test"


def _task(report: TaskReport) -> list[str]:
    task, proof = report.task, report.proof
    lines = [f"## {task.id}: {_line(task.title)}", ""]
    if task.reason:
        lines.append(f"- {task.state}: {_line(task.reason)}")
    if proof.commit:
        seen = f" in a sandbox of level {proof.level}" if proof.level else ""
        lines.append(f"- Landed as {_short(proof.commit)}, proved on tree {_short(proof.tree)}{seen}")
    lines += [f"- RED, then GREEN: {_line(test)}" for test in proof.green]
    lines += [f"- RED, not GREEN: {_line(test)}" for test in proof.open]
    lines += [f"- Guard (passed on the stubs already): {_line(test)}" for test in proof.guards]
    for attempt in report.attempts:
        lines += _attempt(attempt)
    return lines


def _attempt(attempt: Attempt) -> list[str]:
    how = {"first": "first try", "repair": f"repair of {attempt.continues}", "resample": "fresh try"}[
        attempt.kind
    ]
    rung = f"{_line(attempt.model)} on rung {attempt.rung + 1}"
    reason = f": {_line(attempt.reason)}" if attempt.reason and not attempt.findings else ""
    lines = [f"- {attempt.id} ({how}, {rung}, {attempt.seconds:.1f} s): {attempt.state}{reason}"]
    for finding in attempt.findings[:_FINDINGS_SHOWN]:
        where = (
            f"{finding.path}:{finding.line} " if finding.line else f"{finding.path} " if finding.path else ""
        )
        lines.append(f"    - {finding.stage}: {_line(where + finding.message)}")
    more = len(attempt.findings) - _FINDINGS_SHOWN
    return [*lines, f"    - and {more} more"] if more > 0 else lines


def _spend_lines(spend: Spend) -> list[str]:
    if not spend.total.calls:
        return ["- no model was asked"]
    models = [
        f"- {_line(model)}{' (simulated)' if model in spend.simulated else ''}: {spend_line(amount)}"
        for model, amount in spend.by_model.items()
    ]
    share = spend.master.cache_share
    if share is not None and spend.master.cache_read_tokens + spend.master.cache_write_tokens:
        models.append(f"- prompt cache: {share:.0%} of the master's input was read from it")
    return [*models, *(f"- rung {rung + 1}: {spend_line(amount)}" for rung, amount in spend.by_rung.items())]


def _line(text: str, limit: int = _LINE_CHARS) -> str:
    """One printable line: control characters of hostile output never reach a terminal."""
    flat = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def _short(digest: str) -> str:
    return digest[:_HASH_CHARS] or "unknown"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: _plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(one) for one in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value
