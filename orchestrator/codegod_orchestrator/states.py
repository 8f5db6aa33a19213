"""The states of builds, tasks and attempts, and the only ways between them, as data."""

from collections.abc import Mapping
from typing import Literal

BuildState = Literal[
    "planning", "contracting", "running", "finishing", "done", "partial", "failed", "cancelled"
]
TaskState = Literal["blocked", "ready", "inflight", "accepted", "amended", "failed", "skipped", "cancelled"]
AttemptState = Literal[
    "dispatched", "started", "submitted", "accepted", "rejected", "lost", "stale", "cancelled"
]
Subject = Literal["build", "task", "attempt"]

# `partial` and `failed` lead back: `codegod resume` tries again what was given up, with a stronger ladder or after the
# user has mended what was missing. A limit ends a build as `partial` wherever it stands. `done` and `cancelled` are for
# good.
BUILD: Mapping[BuildState, frozenset[BuildState]] = {
    "planning": frozenset({"contracting", "partial", "failed", "cancelled"}),
    "contracting": frozenset({"running", "partial", "failed", "cancelled"}),
    "running": frozenset({"finishing", "partial", "failed", "cancelled"}),
    "finishing": frozenset({"done", "partial", "failed", "cancelled"}),
    "done": frozenset(),
    "partial": frozenset({"planning", "contracting", "running"}),
    "failed": frozenset({"planning", "contracting", "running"}),
    "cancelled": frozenset(),
}

# A landing on `main` that the journal did not hear of (a reply that was lost) makes any of `ready` and `failed` accepted
# when the build is taken up again: the commit is there, and it was proved before it landed.
# `amended`: the contract of the task has changed, and `main` does not have the change yet. An accepted task gets there
# when what it was accepted for turns out wrong, and is then done once more. `ready` to `blocked` is a new dependency.
TASK: Mapping[TaskState, frozenset[TaskState]] = {
    "blocked": frozenset({"ready", "skipped", "cancelled"}),
    "ready": frozenset({"inflight", "accepted", "amended", "blocked", "failed", "cancelled"}),
    "inflight": frozenset({"accepted", "ready", "amended", "failed", "cancelled"}),
    "amended": frozenset({"ready", "blocked", "cancelled"}),
    "accepted": frozenset({"amended"}),
    "failed": frozenset({"ready", "accepted"}),
    "skipped": frozenset({"blocked"}),
    "cancelled": frozenset(),
}

# A tree that cannot be made ready, or an answer that cannot be read, is sent back before anything is submitted. `lost`
# to `accepted` is the landing above.
ATTEMPT: Mapping[AttemptState, frozenset[AttemptState]] = {
    "dispatched": frozenset({"started", "rejected", "lost", "stale", "cancelled"}),
    "started": frozenset({"submitted", "rejected", "lost", "stale", "cancelled"}),
    "submitted": frozenset({"accepted", "rejected", "lost", "stale", "cancelled"}),
    "accepted": frozenset(),
    "rejected": frozenset(),
    "lost": frozenset({"accepted"}),
    "stale": frozenset(),
    "cancelled": frozenset(),
}

BUILD_ENDS: frozenset[BuildState] = frozenset({"done", "partial", "failed", "cancelled"})
TASK_ENDS: frozenset[TaskState] = frozenset({"accepted", "failed", "skipped", "cancelled"})
ATTEMPT_OPEN: frozenset[AttemptState] = frozenset({"dispatched", "started", "submitted"})

_WAYS: Mapping[Subject, Mapping[str, frozenset[str]]] = {"build": BUILD, "task": TASK, "attempt": ATTEMPT}  # type: ignore[dict-item]


class IllegalTransition(Exception):
    """A bug in the caller: there is no way between these two states."""

    def __init__(self, subject: Subject, name: str, before: str, after: str) -> None:
        super().__init__(f"{subject.capitalize()} {name!r} is {before!r} and cannot become {after!r}.")
        self.subject = subject
        self.name = name
        self.before = before
        self.after = after


def require_way(subject: Subject, name: str, before: str, after: str) -> None:
    """Raise `IllegalTransition` unless `name` may go from `before` to `after`."""
    if after not in _WAYS[subject].get(before, frozenset()):
        raise IllegalTransition(subject, name, before, after)
