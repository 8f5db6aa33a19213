"""What happens to a build as a whole, each as one change."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, delete, func, insert, select

from codegod_orchestrator.evidence import Evidence
from codegod_orchestrator.journal.attempt_writes import lose_open, open_attempts, unblock
from codegod_orchestrator.journal.change import Change
from codegod_orchestrator.journal.faults import BuildEnded, TasksUnproved
from codegod_orchestrator.journal.revision_writes import DROPPED
from codegod_orchestrator.journal.schema import attempts, builds, contracts, dependencies, events, tasks
from codegod_orchestrator.states import BUILD_ENDS, TASK_ENDS, BuildState, IllegalTransition

if TYPE_CHECKING:
    from codegod_kit.plan import Plan


def create(connection: Connection, values: Mapping[str, Any]) -> None:
    connection.execute(insert(builds).values(state="planning", last_event=1, **values))
    told = {"prompt": values["prompt"], "out": values["out"]}
    first = {"seq": 1, "kind": "build.created", "data": told, "at": values["created"]}
    connection.execute(insert(events).values(build=values["id"], **first))


def claim(change: Change, owner: str, pid: int) -> int:
    """Returns the new epoch."""
    epoch: int = change.build.epoch + 1
    change.set_build(epoch=epoch, owner=owner)
    change.event("build.claimed", {"owner": owner, "pid": pid, "epoch": epoch})
    return epoch


def request_cancel(change: Change) -> None:
    if change.build.state not in BUILD_ENDS and not change.build.cancel_requested:
        change.set_build(cancel_requested=True)
        change.event("cancel.requested")


def advance(change: Change, state: BuildState, reason: str, head: str) -> None:
    if state == "done":
        _require_all_accepted(change)
    told: dict[str, Any] = {"state": state, "before": change.build.state, "reason": reason}
    if state in BUILD_ENDS:
        told |= _close(change, state)
        change.set_build(ended=change.now)
    if head:
        change.set_build(head=head)
    change.move_build(state, reason=reason)
    change.event("build.state", told)


def save_plan(change: Change, plan: "Plan", text: str) -> None:
    if change.build.state not in {"planning", "contracting"}:
        raise IllegalTransition("build", change.id, change.build.state, "planned")
    _forget_plan(change)
    ready = [task.id for task in plan.tasks if not task.depends]
    rows = [
        {
            "build": change.id,
            "id": task.id,
            "position": position,
            "type": task.type,
            "title": task.title,
            "files": list(task.files),
            "tests": list(task.tests),
            "priority": task.priority,
            "state": "blocked" if task.depends else "ready",
        }
        for position, task in enumerate(plan.tasks)
    ]
    needs = [
        {"build": change.id, "task": task.id, "needs": need}
        for task in plan.tasks
        for need in dict.fromkeys(task.depends)
    ]
    _insert_all(change, rows, needs)
    change.set_build(plan=text)
    change.event("plan.saved", {"name": plan.name, "tasks": [row["id"] for row in rows], "ready": ready})


def save_contract(change: Change, commit: str, tree: str, red: Evidence) -> int:
    """Returns the version."""
    if change.build.state in BUILD_ENDS:
        raise BuildEnded(change.id, change.build.state)
    latest = select(func.max(contracts.c.version)).where(contracts.c.build == change.id)
    version = 1 + int(change.connection.scalar(latest) or 0)
    change.connection.execute(
        insert(contracts).values(
            build=change.id,
            version=version,
            commit=commit,
            tree=tree,
            evidence=red.model_dump(mode="json"),
            at=change.now,
        )
    )
    told = {"version": version, "commit": commit, "tree": tree, "tests": len(red.tests)}
    change.event("contract.saved", told)
    return version


def fail_task(change: Change, task: str, reason: str) -> tuple[str, ...]:
    """Returns the tasks that can never run because of it."""
    change.move_task(change.task(task), "failed", reason=reason)
    skipped = _dependents(change, task)
    for row in skipped:
        change.move_task(row, "skipped", reason=f"it depends on {task!r}, which failed")
    names = tuple(row.id for row in skipped)
    change.event("task.failed", {"reason": reason, "skipped": list(names)}, task=task)
    return names


def reopen(change: Change) -> None:
    if change.build.state not in {"partial", "failed"}:
        raise IllegalTransition("build", change.id, change.build.state, "reopened")
    for row in _tasks(change):
        if row.state == "failed":
            change.move_task(row, "ready", reason="", forgiven=_last_number(change, row.id))
        elif row.state == "skipped":
            change.move_task(row, "blocked", reason="")
    unblock(change)
    state = _where_to_begin(change)
    change.move_build(state, reason="", ended=None, cancel_requested=False)
    change.event("build.reopened", {"state": state})


def _require_all_accepted(change: Change) -> None:
    unproved = tuple(row.id for row in _tasks(change) if row.state != "accepted")
    if unproved:
        raise TasksUnproved(change.id, unproved)


def _close(change: Change, state: BuildState) -> dict[str, Any]:
    """Leave nothing open behind a build that ends; returns what the event tells of it."""
    if state != "cancelled":
        return {"lost": list(lose_open(change, f"the build ended ({state})"))}
    open_now = open_attempts(change)
    for row in open_now:
        change.move_attempt(row, "cancelled", ended=change.now)
    waiting = [row for row in _tasks(change) if row.state not in TASK_ENDS]
    for row in waiting:
        change.move_task(row, "cancelled")
    return {"tasks": [row.id for row in waiting], "attempts": [row.id for row in open_now]}


def _forget_plan(change: Change) -> None:
    """A plan may be replaced until work on it begins; rows of attempts hold on to their task."""
    change.connection.execute(delete(dependencies).where(dependencies.c.build == change.id))
    change.connection.execute(delete(tasks).where(tasks.c.build == change.id))


def _insert_all(change: Change, rows: list[dict[str, Any]], needs: list[dict[str, Any]]) -> None:
    if rows:
        change.connection.execute(insert(tasks), rows)
    if needs:
        change.connection.execute(insert(dependencies), needs)


def _tasks(change: Change) -> list[Any]:
    return list(
        change.connection.execute(
            select(tasks)
            .where(tasks.c.build == change.id, tasks.c.position != DROPPED)
            .order_by(tasks.c.position)
        ).all()
    )


def _dependents(change: Change, task: str) -> list[Any]:
    """Everything that depends on `task`, however far away, and is not skipped yet; in the plan's order."""
    pairs = change.connection.execute(
        select(dependencies.c.needs, dependencies.c.task).where(dependencies.c.build == change.id)
    ).all()
    reached = _reach(task, ((pair.needs, pair.task) for pair in pairs))
    return [row for row in _tasks(change) if row.id in reached and row.state == "blocked"]


def _reach(start: str, edges: Iterable[tuple[str, str]]) -> set[str]:
    onward: dict[str, list[str]] = {}
    for needs, task in edges:
        onward.setdefault(needs, []).append(task)
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        for task in onward.get(waiting.pop(), ()):
            if task not in reached:
                reached.add(task)
                waiting.append(task)
    return reached


def _last_number(change: Change, task: str) -> int:
    latest = select(func.max(attempts.c.number)).where(attempts.c.build == change.id, attempts.c.task == task)
    return int(change.connection.scalar(latest) or 0)


def _where_to_begin(change: Change) -> BuildState:
    if not _tasks(change):
        return "planning"
    signed = select(func.count()).where(contracts.c.build == change.id)
    return "running" if change.connection.scalar(signed) else "contracting"
