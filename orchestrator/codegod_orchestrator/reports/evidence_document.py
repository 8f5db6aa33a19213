"""All that proves a build as one document of JSON values: `build://{id}/evidence`, for programs and for auditors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from codegod_orchestrator.evidence import Evidence
from codegod_orchestrator.journal import Attempt, Contract, Event
from codegod_orchestrator.spend import Amount

if TYPE_CHECKING:
    from codegod_orchestrator.reports.report import Report, TaskReport

MESSAGE_CHARS = 300  # of one test's or finding's words: a resource is read whole, the journal has the rest


def document_of(report: Report, contracts: Sequence[Contract], events: Sequence[Event]) -> dict[str, Any]:
    """The document for a report and the records that it was made of."""
    build = report.build
    tools = _tool_calls(events)
    return {
        "build": build.id,
        "state": build.state,
        "reason": build.reason,
        "prompt": build.prompt,
        "delivered": report.delivered,
        "sandbox": list(report.levels),
        "simulated": list(report.spend.simulated),
        "contract": [_contract(one) for one in contracts],
        "null_bodies": asdict(report.null_bodies),
        "revisions": [{**asdict(one), "at": one.at.isoformat()} for one in report.revisions],
        "tasks": [_task(one, events, tools) for one in report.tasks],
        "behaviours": [asdict(one) for one in report.accepted],
        "last_run": _run(report.last_run),
        "ladder": [{**asdict(one), "amount": _amount(one.amount)} for one in report.ladder],
        "master": {
            **_amount(report.spend.master),
            "cache_share": _rounded(report.spend.master.cache_share),
            "calls_made": [_model_call(event) for event in events if _is_model_call(event, "")],
        },
        "spent": {**_amount(report.spend.total), "worked_seconds": round(report.worked, 1)},
        "limits": report.limits.model_dump(mode="json", exclude_none=True),
        "forecast": report.forecast.model_dump(mode="json") if report.forecast else None,
        "not_proved": list(report.unproved),
    }


def _contract(contract: Contract) -> dict[str, Any]:
    return {
        "version": contract.version,
        "commit": contract.commit,
        "tree": contract.tree,
        "at": contract.at.isoformat(),
        "red": [test.id for test in contract.evidence.tests if test.red],
        "hollow": {test.id: list(test.hollow) for test in contract.evidence.tests if test.hollow},
        "run": _run(contract.evidence),
    }


def _task(report: TaskReport, events: Sequence[Event], tools: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    task, proof = report.task, report.proof
    return {
        "task": task.id,
        "type": task.type,
        "state": task.state,
        "reason": task.reason,
        "files": list(task.files),
        "tests": list(task.tests),
        "commit": proof.commit,
        "tree": proof.tree,
        "sandbox": proof.level,
        "red_then_green": list(proof.green),
        "red_not_green": list(proof.open),
        "guards": list(proof.guards),
        "hollow": list(proof.hollow),
        "empty": list(proof.empty),
        "attempts": [_attempt(one, events, tools.get(one.id, {})) for one in report.attempts],
    }


def _attempt(attempt: Attempt, events: Sequence[Event], tools: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "attempt": attempt.id,
        "state": attempt.state,
        "kind": attempt.kind,
        "continues": attempt.continues,
        "rung": attempt.rung + 1,
        "model": attempt.model,
        "commit": attempt.commit,
        "tree": attempt.tree,
        "seconds": round(attempt.seconds, 2),
        "reason": _cut(attempt.reason),
        "findings": _findings(attempt),
        "green": _run(attempt.evidence),
        "model_calls": [_model_call(event) for event in events if _is_model_call(event, attempt.id)],
        "tool_calls": dict(tools),
    }


def _findings(attempt: Attempt) -> dict[str, list[str]]:
    """What was found, by stage."""
    found: dict[str, list[str]] = {}
    for finding in attempt.findings:
        found.setdefault(finding.stage, []).append(_cut(str(finding)))
    return found


def _run(evidence: Evidence | None) -> dict[str, Any] | None:
    if evidence is None:
        return None
    return {
        "tree": evidence.tree,
        "sandbox": evidence.level,
        "stages": [
            {"name": one.name, "status": one.status, "seconds": round(one.seconds, 2), "note": one.note}
            for one in evidence.stages
        ],
        "tests": {one.id: one.reason or one.outcome for one in evidence.tests},
    }


def _is_model_call(event: Event, attempt: str) -> bool:
    return event.kind == "model.called" and event.attempt == attempt


def _model_call(event: Event) -> dict[str, Any]:
    named = ("step", "model", "seconds", "input_tokens", "output_tokens", "cache_read_tokens", "cost", "stop")
    data = event.data
    told = {name: data.get(name) for name in named}
    error = {"error": _cut(str(data["error"]))} if data.get("error") else {}
    return {**told, **error, **({"task": event.task} if event.task and not event.attempt else {})}


def _tool_calls(events: Iterable[Event]) -> dict[str, dict[str, Any]]:
    """By attempt and tool: how often it was called, how often it refused, and how long it took."""
    counted: dict[str, dict[str, Any]] = {}
    for event in events:
        if event.kind == "tool.called" and event.attempt:
            name = f"{event.data['server']}.{event.data['tool']}"
            tool = counted.setdefault(event.attempt, {}).setdefault(
                name, {"calls": 0, "errors": 0, "seconds": 0.0}
            )
            tool["calls"] += 1
            tool["errors"] += bool(event.data["is_error"])
            tool["seconds"] = round(tool["seconds"] + float(event.data["seconds"]), 3)
    return counted


def _amount(amount: Amount) -> dict[str, Any]:
    told = asdict(amount)
    return {
        **told,
        "tokens": amount.tokens,
        "cost": str(amount.cost),
        "reserved_cost": str(amount.reserved_cost),
        "seconds": round(amount.seconds, 2),
    }


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


def _cut(text: str) -> str:
    return text if len(text) <= MESSAGE_CHARS else text[: MESSAGE_CHARS - 1] + "…"
