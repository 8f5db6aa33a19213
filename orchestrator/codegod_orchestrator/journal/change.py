"""One atomic write to one build: rows change and events are appended together, under the epoch of the claim."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from codegod_orchestrator.journal.faults import BuildTakenOver, StaleAttempt, UnknownBuild
from codegod_orchestrator.journal.schema import attempts, builds, events, tasks
from codegod_orchestrator.states import AttemptState, BuildState, TaskState, require_way

T = TypeVar("T")

# Made once: building an expression costs as much as running it.
_BUILD = (
    select(builds.c.state, builds.c.epoch, builds.c.last_event, builds.c.cancel_requested)
    .where(builds.c.id == bindparam("of_build"))
    .with_for_update()
)
_TASK = select(tasks).where(tasks.c.build == bindparam("of_build"), tasks.c.id == bindparam("of_id"))
_ATTEMPT = select(attempts).where(
    attempts.c.build == bindparam("of_build"), attempts.c.id == bindparam("of_id")
)
_SET_BUILD = update(builds).where(builds.c.id == bindparam("of_build"))
_SET_TASK = update(tasks).where(tasks.c.build == bindparam("of_build"), tasks.c.id == bindparam("of_id"))
_SET_ATTEMPT = update(attempts).where(
    attempts.c.build == bindparam("of_build"), attempts.c.id == bindparam("of_id")
)
_APPEND = insert(events)


class Change:
    """An open transaction on one build. Its events get their numbers, without a gap, from the build's row."""

    def __init__(self, connection: Connection, build: str, epoch: int | None) -> None:
        """Raise `UnknownBuild`, or `BuildTakenOver` when `epoch` is no longer the build's. `None`: no claim is needed."""
        # On Postgres this locks the row until the commit; SQLite has one writer anyway.
        row = connection.execute(_BUILD, {"of_build": build}).one_or_none()
        if row is None:
            raise UnknownBuild(build)
        if epoch is not None and epoch != row.epoch:
            raise BuildTakenOver(build, epoch, row.epoch)
        self.connection = connection
        self.id = build
        self.build = row
        self.now = datetime.now(UTC)
        self._events: list[dict[str, Any]] = []
        self._values: dict[str, Any] = {}

    def event(
        self, kind: str, data: Mapping[str, Any] | None = None, *, task: str = "", attempt: str = ""
    ) -> int:
        """Append an event; returns its number."""
        seq: int = self.build.last_event + len(self._events) + 1
        about = {"build": self.id, "seq": seq, "kind": kind, "task": task, "attempt": attempt}
        self._events.append({**about, "data": dict(data or {}), "at": self.now})
        return seq

    def set_build(self, **values: Any) -> None:
        self._values.update(values)

    def move_build(self, state: BuildState, **values: Any) -> None:
        require_way("build", self.id, self.build.state, state)
        self.set_build(state=state, **values)

    def task(self, task: str) -> Row[Any]:
        return self.connection.execute(_TASK, self._of(task)).one()

    def move_task(self, row: Row[Any], state: TaskState, **values: Any) -> None:
        require_way("task", row.id, row.state, state)
        self.connection.execute(_SET_TASK, {**self._of(row.id), "state": state, **values})

    def find_attempt(self, attempt: str) -> Row[Any] | None:
        return self.connection.execute(_ATTEMPT, self._of(attempt)).one_or_none()

    def attempt(self, attempt: str) -> Row[Any]:
        return self.connection.execute(_ATTEMPT, self._of(attempt)).one()

    def move_attempt(self, row: Row[Any], state: AttemptState, **values: Any) -> None:
        require_way("attempt", row.id, row.state, state)
        self.set_attempt(row, state=state, **values)

    def set_attempt(self, row: Row[Any], **values: Any) -> None:
        self.connection.execute(_SET_ATTEMPT, {**self._of(row.id), **values})

    def _of(self, name: str) -> dict[str, Any]:
        return {"of_build": self.id, "of_id": name}

    def finish(self) -> None:
        """Write what was gathered: the events, and the build's row."""
        if self._events:
            self.connection.execute(_APPEND, self._events)
            self._values["last_event"] = self.build.last_event + len(self._events)
        if self._values:
            self.connection.execute(_SET_BUILD, {"of_build": self.id, **self._values})


def apply(connection: Connection, build: str, epoch: int, do: Callable[[Change], T]) -> T | StaleAttempt:
    """Do one change under a claim. A `StaleAttempt` is handed back instead of raised: that it came is itself on record."""
    change = Change(connection, build, epoch)
    try:
        outcome: T | StaleAttempt = do(change)
    except StaleAttempt as fault:
        outcome = fault
    change.finish()
    return outcome
