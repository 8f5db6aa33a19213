"""What a build changes its mind about: amendments of the contract and revisions of the plan, each as one change.

An amendment goes `amendment.begun` (what it will be, so that a crash after it can be finished), `contract.saved` (the new
version with its RED), `contract.amended` or `plan.revised` (whose work it concerns), `contract.settled` (what of it
`main` needed has landed). `amendment.dropped` ends one whose contract did not hold.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, delete, func, insert, select, update

from codegod_orchestrator.journal.attempt_writes import unblock
from codegod_orchestrator.journal.change import Change
from codegod_orchestrator.journal.schema import attempts, dependencies, events, tasks
from codegod_orchestrator.states import IllegalTransition

if TYPE_CHECKING:
    from codegod_kit.plan import Plan, Task

# Where the plan has a task that a revision took out of it. Its row stays, because its attempts refer to it.
DROPPED = -1
# What a revision may change: nobody works on it, and nobody has given it up or finished it.
REVISABLE = frozenset({"ready", "blocked", "amended"})


def amend(change: Change, task: str, reopened: Mapping[str, str], told: Mapping[str, Any]) -> None:
    """Let `task` begin anew under the new contract, and every accepted task of `reopened` (with the reason why)."""
    _begin_anew(change, change.task(task), "its contract was amended")
    for name, reason in reopened.items():
        _begin_anew(change, change.task(name), reason)
    change.event("contract.amended", {**told, "reopened": dict(reopened)}, task=task)


def settle(change: Change, told: Mapping[str, Any]) -> tuple[str, ...]:
    """`main` has what it needs of the contract: what was amended goes on. Returns the tasks that are ready by it."""
    for row in _planned(change):
        if row.state == "amended" or (row.state == "ready" and _waits(change, row.id)):
            change.move_task(row, "blocked", reason="")
    ready = unblock(change)
    change.event("contract.settled", {**told, "ready": list(ready)})
    return ready


def revise_plan(change: Change, plan: "Plan", text: str, asker: str, told: Mapping[str, Any]) -> int:
    """Replace the plan; only tasks that nobody works on or has ended may differ. Returns the plan's version.

    The attempts of `asker`, whose worker asked for it, no longer count.
    """
    if change.build.state != "running":
        raise IllegalTransition("build", change.id, change.build.state, "replanned")
    rows = {row.id: row for row in _tasks(change)}
    change.connection.execute(delete(dependencies).where(dependencies.c.build == change.id))
    for position, task in enumerate(plan.tasks):
        _put(change, rows.get(task.id), task, position)
    kept = {task.id for task in plan.tasks}
    dropped = [row for name, row in rows.items() if name not in kept and row.position != DROPPED]
    for row in dropped:
        change.move_task(row, "cancelled", position=DROPPED, reason="a revised plan does without it")
    needs = [
        {"build": change.id, "task": task.id, "needs": need}
        for task in plan.tasks
        for need in dict.fromkeys(task.depends)
    ]
    if needs:
        change.connection.execute(insert(dependencies), needs)
    if asker in kept:
        _begin_anew(change, change.task(asker), "the plan was revised")
    version = _plan_version(change)
    change.set_build(plan=text)
    seen = {
        "version": version,
        "tasks": sorted(kept),
        "added": sorted(kept - rows.keys()),
        "dropped": [row.id for row in dropped],
        "plan": text,
    }
    change.event("plan.revised", {**told, **seen}, task=asker)
    return version


def _put(change: Change, row: Row[Any] | None, task: "Task", position: int) -> None:
    values = {
        "position": position,
        "type": task.type,
        "title": task.title,
        "files": list(task.files),
        "tests": list(task.tests),
        "priority": task.priority,
    }
    if row is None:
        new = {"build": change.id, "id": task.id, "state": "blocked", **values}
        change.connection.execute(insert(tasks).values(**new))
        return
    changed = {name: value for name, value in values.items() if row._mapping[name] != value}
    if changed.keys() - {"position"} and row.state not in REVISABLE:
        raise IllegalTransition("task", task.id, row.state, "revised")
    if changed:
        here = (tasks.c.build == change.id) & (tasks.c.id == task.id)
        change.connection.execute(update(tasks).where(here).values(**changed))


def _begin_anew(change: Change, row: Row[Any], reason: str) -> None:
    values = {"forgiven": _last_number(change, row.id), "accepted_attempt": "", "reason": reason}
    change.move_task(row, "amended", **values)


def _waits(change: Change, task: str) -> bool:
    """Whether a dependency of `task` is not accepted."""
    needed = tasks.alias("needed")
    unmet = (
        select(func.count())
        .select_from(dependencies)
        .join(needed, (needed.c.build == dependencies.c.build) & (needed.c.id == dependencies.c.needs))
        .where(dependencies.c.build == change.id, dependencies.c.task == task)
        .where(needed.c.state != "accepted")
    )
    return bool(change.connection.scalar(unmet))


def _tasks(change: Change) -> list[Row[Any]]:
    return list(
        change.connection.execute(
            select(tasks).where(tasks.c.build == change.id).order_by(tasks.c.position)
        ).all()
    )


def _planned(change: Change) -> list[Row[Any]]:
    return [row for row in _tasks(change) if row.position != DROPPED]


def _last_number(change: Change, task: str) -> int:
    latest = select(func.max(attempts.c.number)).where(attempts.c.build == change.id, attempts.c.task == task)
    return int(change.connection.scalar(latest) or 0)


def _plan_version(change: Change) -> int:
    revised = select(func.count()).where(events.c.build == change.id, events.c.kind == "plan.revised")
    return 2 + int(change.connection.scalar(revised) or 0)
