"""What happens to an attempt, from its dispatch to its end, each as one change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, func, insert, select

from codegod_orchestrator.evidence import Evidence
from codegod_orchestrator.journal.change import Change
from codegod_orchestrator.journal.faults import (
    BuildEnded,
    CancelRequested,
    EvidenceMissing,
    JournalDamaged,
    StaleAttempt,
)
from codegod_orchestrator.journal.records import Landing
from codegod_orchestrator.journal.schema import attempts, dependencies, tasks
from codegod_orchestrator.ladder import Step
from codegod_orchestrator.states import ATTEMPT_OPEN, BUILD_ENDS, IllegalTransition
from codegod_workers.records import Finding

# What each attempt's worktree is committed to; nothing under it is ever deleted.
ATTEMPT_BRANCH = "refs/codegod/attempts/{task}/{number}"

_COUNTED = select(func.count()).where(
    attempts.c.build == bindparam("of_build"), attempts.c.task == bindparam("of_id")
)
_needed = tasks.alias("needed")
_unmet = (
    select(dependencies.c.task)
    .join(_needed, (_needed.c.build == dependencies.c.build) & (_needed.c.id == dependencies.c.needs))
    .where(dependencies.c.build == tasks.c.build, dependencies.c.task == tasks.c.id)
    .where(_needed.c.state != "accepted")
)
_UNBLOCKED = (
    select(tasks)
    .where(tasks.c.build == bindparam("of_build"), tasks.c.state == "blocked", ~_unmet.exists())
    .order_by(tasks.c.position)
)
_OPEN = (
    select(attempts)
    .where(attempts.c.build == bindparam("of_build"), attempts.c.state.in_(sorted(ATTEMPT_OPEN)))
    .order_by(attempts.c.dispatched, attempts.c.id)
)
_INSERT = insert(attempts)


@dataclass(frozen=True, slots=True)
class SentBack:
    """Why an answer was not taken, and what it was if it got so far."""

    findings: tuple[Finding, ...]
    refused: bool
    reason: str
    commit: str
    tree: str


def dispatch(change: Change, task: str, step: Step, base: str) -> str:
    """Put a ready task in flight; returns the new attempt's id."""
    if change.build.state in BUILD_ENDS:
        raise BuildEnded(change.id, change.build.state)
    if change.build.cancel_requested:
        raise CancelRequested(change.id)
    if change.build.state != "running":
        raise IllegalTransition("build", change.id, change.build.state, "dispatching")
    row = change.task(task)
    fence = row.fence + 1
    change.move_task(row, "inflight", fence=fence)
    number = 1 + _attempts_of(change, task)
    attempt = f"{task}.{number}"
    told = {"number": number, "kind": step.kind, "rung": step.rung, "model": step.model}
    values = {
        "build": change.id,
        "id": attempt,
        "task": task,
        "fence": fence,
        "continues": step.continues,
        "state": "dispatched",
        "branch": ATTEMPT_BRANCH.format(task=task, number=number),
        "base": base,
        "findings": [],
        "dispatched": change.now,
    }
    change.connection.execute(_INSERT, {**values, **told})
    change.event("attempt.dispatched", told, task=task, attempt=attempt)
    return attempt


def start(change: Change, attempt: str, fence: int) -> None:
    row, _ = _current(change, attempt, fence)
    change.move_attempt(row, "started", started=change.now)
    change.event("attempt.started", task=row.task, attempt=attempt)


def submit(change: Change, attempt: str, fence: int, commit: str, tree: str) -> None:
    row, _ = _current(change, attempt, fence)
    change.move_attempt(row, "submitted", commit=commit, tree=tree)
    change.event("attempt.submitted", {"commit": commit, "tree": tree}, task=row.task, attempt=attempt)


def prove(change: Change, attempt: str, fence: int, green: Evidence) -> None:
    row, _ = _current(change, attempt, fence)
    if row.state != "submitted":
        raise IllegalTransition("attempt", attempt, row.state, "proved")
    change.set_attempt(row, evidence=green.model_dump(mode="json"))
    told = {"tree": green.tree, "tests": len(green.tests), "level": green.level}
    change.event("attempt.proved", told, task=row.task, attempt=attempt)


def accept(change: Change, attempt: str, fence: int, commit: str, tree: str) -> tuple[str, ...]:
    """Returns the tasks that this acceptance made ready."""
    row, task = _current(change, attempt, fence)
    return _accept(change, row, task, Landing(commit, tree))


def reject(change: Change, attempt: str, fence: int, sent_back: SentBack) -> None:
    row, task = _current(change, attempt, fence)
    stored = [finding.model_dump(mode="json") for finding in sent_back.findings]
    told = {"findings": stored, "refused": sent_back.refused, "reason": sent_back.reason}
    seen = {"commit": sent_back.commit or row.commit, "tree": sent_back.tree or row.tree}
    change.move_attempt(row, "rejected", ended=change.now, **told, **seen)
    change.move_task(task, "ready")
    change.event("attempt.rejected", told, task=row.task, attempt=attempt)


def lose(change: Change, attempt: str, fence: int, reason: str) -> None:
    _lose(change, *_current(change, attempt, fence), reason)


def lose_open(change: Change, reason: str) -> tuple[str, ...]:
    """Give up every open attempt; returns their ids, and their tasks are ready again."""
    rows = open_attempts(change)
    for row in rows:
        _lose(change, row, change.task(row.task), reason)
    return tuple(row.id for row in rows)


def open_attempts(change: Change) -> Sequence[Row[Any]]:
    return change.connection.execute(_OPEN, {"of_build": change.id}).all()


def recover(change: Change, landed: Mapping[str, Landing]) -> tuple[str, ...]:
    """Accept what had landed, lose what else was open; returns the ids of the lost attempts."""
    if change.build.state in {"done", "cancelled"}:
        raise BuildEnded(change.id, change.build.state)
    for attempt, landing in reversed(tuple(landed.items())):
        row = change.find_attempt(attempt)
        if row is None or row.state not in {"submitted", "lost", "accepted"}:
            state = "unknown" if row is None else row.state
            raise JournalDamaged(f"attempt {attempt!r}", f"is on `main`, yet here it is {state}")
        task = change.task(row.task)
        # A task that was accepted before and has to be done once more has that landing on `main` still.
        if task.state != "accepted" and row.state != "accepted":
            _accept(change, row, task, landing)
    return lose_open(change, "the process that ran it went away")


def _accept(change: Change, row: Row[Any], task: Row[Any], landing: Landing) -> tuple[str, ...]:
    if row.evidence is None:
        raise EvidenceMissing(row.id)
    at = {"commit": landing.commit, "tree": landing.tree}
    change.move_attempt(row, "accepted", reason="", ended=change.now, **at)
    change.move_task(task, "accepted", accepted_attempt=row.id, reason="")
    change.set_build(head=landing.commit)
    ready = unblock(change)
    change.event("attempt.accepted", {**at, "ready": list(ready)}, task=row.task, attempt=row.id)
    return ready


def _lose(change: Change, row: Row[Any], task: Row[Any], reason: str) -> None:
    change.move_attempt(row, "lost", reason=reason, ended=change.now)
    change.move_task(task, "ready")
    change.event("attempt.lost", {"reason": reason}, task=row.task, attempt=row.id)


def _current(change: Change, attempt: str, fence: int) -> tuple[Row[Any], Row[Any]]:
    """The attempt and its task, if the task waits for it; else `StaleAttempt`, and that is on record."""
    row = change.attempt(attempt)
    task = change.task(row.task)
    if row.state in ATTEMPT_OPEN and fence == row.fence == task.fence and task.state == "inflight":
        return row, task
    if row.state in {"accepted", "rejected"}:
        raise IllegalTransition("attempt", attempt, row.state, "open")
    if row.state in ATTEMPT_OPEN:
        change.move_attempt(row, "stale", ended=change.now)
    told = {"fence": fence, "current": task.fence, "state": row.state}
    change.event("attempt.stale", told, task=row.task, attempt=attempt)
    raise StaleAttempt(attempt, row.state, fence, task.fence)


def _attempts_of(change: Change, task: str) -> int:
    return int(change.connection.scalar(_COUNTED, {"of_build": change.id, "of_id": task}) or 0)


def unblock(change: Change) -> tuple[str, ...]:
    """Make ready every blocked task whose dependencies are all accepted; returns them in the plan's order."""
    rows = change.connection.execute(_UNBLOCKED, {"of_build": change.id}).all()
    for row in rows:
        change.move_task(row, "ready")
    return tuple(row.id for row in rows)
