"""What can go wrong with the journal.

JournalFault
├── UnknownBuild        no build of that id
├── BuildBusy           another process, named with its pid, has the build
├── BuildTakenOver      this process has lost the build: somebody claimed it since
├── BuildNotClaimed     a write to a build that this process has not claimed
├── BuildEnded          the build has ended and takes no more work
├── CancelRequested     somebody asked for an end, so nothing new may start
├── TasksUnproved       a build that would be called done with tasks that nobody accepted
├── StaleAttempt        the attempt is not the one that the task waits for
├── EvidenceMissing     an acceptance without evidence
├── JournalDamaged      a blob or a row is not what was written
└── JournalUnusable     the file cannot be opened, or belongs to another version
"""


class JournalFault(Exception):
    """The base of them all; its message is fit for the user's terminal."""


class UnknownBuild(JournalFault):
    def __init__(self, build: str) -> None:
        super().__init__(f"No build is called {build!r}. `codegod list` shows the builds.")
        self.build = build


class BuildBusy(JournalFault):
    def __init__(self, build: str, pid: int | None, owner: str) -> None:
        who = "another process" if pid is None else f"process {pid}" + (f" ({owner})" if owner else "")
        super().__init__(
            f"Build {build!r} is being run by {who}. Wait for it, or stop it with `codegod cancel {build}`."
        )
        self.build = build
        self.pid = pid
        self.owner = owner


class BuildTakenOver(JournalFault):
    def __init__(self, build: str, mine: int, current: int) -> None:
        super().__init__(
            f"Build {build!r} was taken over by another process (epoch {current}; this one holds {mine}). "
            "Nothing that this process still does for it counts."
        )
        self.build = build
        self.mine = mine
        self.current = current


class BuildNotClaimed(JournalFault):
    def __init__(self, build: str) -> None:
        super().__init__(f"Build {build!r} is not claimed here, so nothing can be written to it.")
        self.build = build


class BuildEnded(JournalFault):
    def __init__(self, build: str, state: str) -> None:
        super().__init__(f"Build {build!r} has ended ({state}) and takes no more work.")
        self.build = build
        self.state = state


class CancelRequested(JournalFault):
    def __init__(self, build: str) -> None:
        super().__init__(f"Build {build!r} was asked to stop, so no further attempt starts.")
        self.build = build


class TasksUnproved(JournalFault):
    def __init__(self, build: str, tasks: tuple[str, ...]) -> None:
        super().__init__(
            f"Build {build!r} is not done: nobody accepted {', '.join(tasks)}. Call it `partial`."
        )
        self.build = build
        self.tasks = tasks


class StaleAttempt(JournalFault):
    """Somebody else's attempt is the one that counts; the event `attempt.stale` is on record."""

    def __init__(self, attempt: str, state: str, fence: int, current: int) -> None:
        super().__init__(
            f"Attempt {attempt!r} ({state}, fence {fence}) is not what its task waits for (fence {current}). "
            "Its result is kept under `refs/codegod/` and not used."
        )
        self.attempt = attempt
        self.state = state
        self.fence = fence
        self.current = current


class EvidenceMissing(JournalFault):
    def __init__(self, attempt: str) -> None:
        super().__init__(
            f"Attempt {attempt!r} has no evidence on record, so it cannot be accepted. Call `prove_attempt` first."
        )
        self.attempt = attempt


class JournalDamaged(JournalFault):
    def __init__(self, what: str, why: str) -> None:
        super().__init__(
            f"The journal's {what} {why}. Restore the state folder from a copy, or start the build anew."
        )
        self.what = what
        self.why = why


class JournalUnusable(JournalFault):
    def __init__(self, path: str, why: str) -> None:
        super().__init__(
            f"The journal {path!r} cannot be used: {why}. Name another state folder with CODEGOD_STATE_DIR, "
            "or make this one writable."
        )
        self.path = path
        self.why = why
