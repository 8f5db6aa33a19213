"""What can be wrong with a run, in words that name the next step."""

from collections.abc import Sequence

from codegod_kit.faults import ToolFault


class SandboxMissing(ToolFault):
    """Nothing on this machine isolates a program, so none is run."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(
            "No program can be run here, because nothing isolates it: "
            + " ".join(problems)
            + " Files can still be read and written. `sandbox_status` repeats this."
        )
        self.problems = tuple(problems)


class SandboxBroken(ToolFault):
    """The sandbox failed before the program started."""

    def __init__(self, level: str, said: str) -> None:
        super().__init__(
            f"The sandbox ({level}) could not be set up, so the program did not run. It said: {said or 'nothing'!r}. "
            "`sandbox_status` says what is wrong here."
        )
        self.level = level
        self.said = said


class UnreachableFolder(ToolFault):
    """The sandbox's user may not walk to a folder that it needs."""

    def __init__(self, folder: str, closed: str, uid: int) -> None:
        super().__init__(
            f"Sandboxed programs run as user {uid}, who cannot reach {folder!r}: {closed!r} is closed to others. "
            f"Open it (chmod o+x {closed}) or move the folder."
        )
        self.folder = folder
        self.closed = closed


class ForeignFile(ToolFault):
    """Something in a tree must not be given to the sandbox's user."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(
            f"The workspace holds {name!r}, which is {what}. Remove it with `file_delete`, then try again."
        )
        self.name = name
        self.what = what


class BadCommand(ToolFault):
    """The arguments of `exec_run` make no command."""

    def __init__(self, problem: str, example: str) -> None:
        super().__init__(f"{problem} Example: {example}")
        self.problem = problem


class BadSetting(ToolFault):
    """A setting of this server has a value that means nothing."""

    def __init__(self, name: str, value: str, wanted: str) -> None:
        super().__init__(f"The setting {name} is {value!r}. It must be {wanted}.")
        self.name = name
        self.value = value


class NoEgress(ToolFault):
    """The level that works here cannot limit where a program connects to."""

    def __init__(self, level: str) -> None:
        super().__init__(
            f"At the level {level!r} this kernel cannot limit connections (Linux 6.7 can), so nothing is downloaded. "
            "Install bubblewrap; `sandbox_status` says why it does not work."
        )
        self.level = level
