"""What can go wrong with a repository, in words that a model can act on.

Every class is a `ToolFault`: its message names the value and the next step, its attributes keep the arguments.
"""

from collections.abc import Sequence
from typing import Literal

from codegod_kit import ToolFault

# Enough paths to see what is meant; the whole list is in `git_status`.
_NAMED_PATHS = 5


class GitMissing(ToolFault):
    """There is no usable git program."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"git cannot be used: {reason}. Install git 2.34 or newer and put it on PATH.")
        self.reason = reason


class GitFailed(ToolFault):
    """A git command ended with an error that nobody expected."""

    def __init__(self, command: str, status: int, said: str) -> None:
        super().__init__(
            f"`git {command}` ended with status {status}: {said or 'it said nothing'}. "
            "Call `git_status` to see whether the repository can still be read."
        )
        self.command = command
        self.status = status


class OutputTooLarge(ToolFault):
    """A git command wrote more than anybody could read."""

    def __init__(self, command: str, limit: int) -> None:
        super().__init__(
            f"`git {command}` gives more than {limit} bytes. Ask for less: name `paths`, or a nearer revision."
        )
        self.command = command
        self.limit = limit


class DeadlinePassed(ToolFault):
    """A git command was stopped because it took too long."""

    def __init__(self, command: str, seconds: float) -> None:
        super().__init__(
            f"`git {command}` was stopped after {seconds:g} s. Ask for less, or try again later."
        )
        self.command = command
        self.seconds = seconds


class Unsupported(ToolFault):
    """This operating system lacks what safe access to hostile files needs."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"The git server needs {what}, which this system lacks. Run it on Linux, macOS or in WSL."
        )


class NoRepository(ToolFault):
    """Nothing was made yet."""

    def __init__(self, workspace: str) -> None:
        where = f"of {workspace!r}" if workspace else "here"
        super().__init__(f"There is no repository {where} yet. Call `git_init` first.")
        self.workspace = workspace


class RedirectedRepository(ToolFault):
    """The git directory is not where it seems to be, or takes objects from elsewhere."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name!r} makes this repository use files outside its folder, so it is not opened. "
            "Make a plain clone of it and serve that."
        )
        self.name = name


class RepositoryBusy(ToolFault):
    """Somebody else holds the repository."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The repository is in use: {name!r} is held. Try again when the other operation has ended."
        )
        self.name = name


class OperationPending(ToolFault):
    """A merge or rebase that somebody began by hand waits for its end."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"A {name} was begun here and is not finished. Finish or abort it with git, then commit."
        )
        self.name = name


class SparseCheckout(ToolFault):
    """Files of the commit are missing from the folder on purpose."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"This checkout is sparse: {path!r} is left out of the folder, and a commit would delete it. "
            "Run `git sparse-checkout disable`, then try again."
        )
        self.path = path


class BadName(ToolFault):
    """A revision, ref, path, message or trailer that is none."""

    def __init__(self, kind: str, value: str, example: str) -> None:
        super().__init__(f"{value[:200]!r} is no {kind}. Write it like {example!r}.")
        self.kind = kind
        self.value = value


class UnknownRevision(ToolFault):
    """No commit is called that."""

    def __init__(self, revision: str) -> None:
        super().__init__(
            f"No commit is called {revision!r}. Call `git_log` for commits or `git_branch_list` for names."
        )
        self.revision = revision


class UnknownPath(ToolFault):
    """The commit has no such file."""

    def __init__(self, path: str, revision: str) -> None:
        super().__init__(
            f"{path!r} is not in {revision!r}. Call `git_show` with a folder's path, or with `.`, to list names."
        )
        self.path = path
        self.revision = revision


class BlobTooLarge(ToolFault):
    """The file is too large to show."""

    def __init__(self, path: str, size: int, limit: int) -> None:
        super().__init__(
            f"{path!r} has {size} bytes; files of up to {limit} bytes are shown. Read it in the workspace."
        )
        self.path = path
        self.size = size


class UnchangedTree(ToolFault):
    """There is nothing to commit."""

    def __init__(self, head: str) -> None:
        super().__init__(
            f"Nothing differs from commit {head or '(none)'!r}, so there is nothing to commit. "
            "Change a file first; `git_status` shows what is recorded."
        )
        self.head = head


class Unrecordable(ToolFault):
    """The tree holds what a commit must not take."""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        named = "; ".join(f"{path!r} ({reason})" for path, reason in problems[:_NAMED_PATHS])
        more = f" and {len(problems) - _NAMED_PATHS} more" if len(problems) > _NAMED_PATHS else ""
        super().__init__(
            f"The tree cannot be recorded because of {named}{more}. Remove these or name them in `.gitignore`."
        )
        self.problems = tuple(problems)


class TreeTooLarge(ToolFault):
    """The tree has more in it than one commit may hold."""

    def __init__(self, what: str, limit: int) -> None:
        super().__init__(f"The tree has more than {limit} {what}. Name generated files in `.gitignore`.")
        self.what = what
        self.limit = limit


class TreeMoving(ToolFault):
    """The tree changed while it was read."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{path!r} changed while it was read. Stop what runs in the workspace and try again."
        )
        self.path = path


class RefMoved(ToolFault):
    """Somebody else moved a ref since it was read."""

    def __init__(self, ref: str, expected: str, actual: str) -> None:
        super().__init__(
            f"{ref!r} is at {actual or 'nothing'!r}, not at {expected or 'nothing'!r}. "
            "Look at what came in with `git_log`, then start again from there."
        )
        self.ref = ref
        self.expected = expected
        self.actual = actual


class RefNotAllowed(ToolFault):
    """The ref is not the caller's to move."""

    def __init__(self, ref: str, allowed: str) -> None:
        super().__init__(f"A commit here may not go onto {ref!r}. Use {allowed!r}.")
        self.ref = ref
        self.allowed = allowed


class WholeBuildOnly(ToolFault):
    """The tool is for whoever runs the build, not for one task of it."""

    def __init__(self, tool: str) -> None:
        super().__init__(
            f"`{tool}` changes what all tasks share; a grant for one workspace does not reach it. "
            "Commit with `git_commit` and leave the rest to the orchestrator."
        )
        self.tool = tool


class TreeExists(ToolFault):
    """The workspace is there already."""

    def __init__(self, workspace: str) -> None:
        super().__init__(
            f"The workspace {workspace!r} exists already. Use it, or `worktree_remove` it, or take another name."
        )
        self.workspace = workspace


class PathClash(ToolFault):
    """One path would be a file and a folder at once."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{path!r} is a file on one side and a folder on the other. Name both in `paths`, or rename one."
        )
        self.path = path


class NothingToMerge(ToolFault):
    """The candidate would be what the target is already."""

    def __init__(self, source: str, target: str) -> None:
        super().__init__(
            f"{source!r} changes nothing in {target!r} at these `paths`. "
            "Call `git_diff` with both to see where they differ."
        )
        self.source = source
        self.target = target


class UnknownCandidate(ToolFault):
    """No proposal is called that."""

    def __init__(self, candidate: str) -> None:
        super().__init__(f"There is no candidate {candidate!r}. Call `merge_status` to list them.")
        self.candidate = candidate


class ConflictingCandidate(ToolFault):
    """Landing would undo what landed since."""

    def __init__(self, candidate: str, conflicts: Sequence[str]) -> None:
        named = ", ".join(repr(path) for path in conflicts[:_NAMED_PATHS])
        super().__init__(
            f"The candidate {candidate!r} overwrites what came in meanwhile: {named}. "
            "Make a tree from the target with `worktree_create`, change it there, commit and propose again."
        )
        self.candidate = candidate
        self.conflicts = tuple(conflicts)


class CandidateDropped(ToolFault):
    """The candidate was given up before."""

    def __init__(self, candidate: str) -> None:
        super().__init__(f"The candidate {candidate!r} was dropped. Call `merge_propose` for a new one.")
        self.candidate = candidate


class AlreadyLanded(ToolFault):
    """What landed cannot be dropped."""

    def __init__(self, candidate: str, commit: str) -> None:
        super().__init__(f"The candidate {candidate!r} has landed as {commit!r} and cannot be dropped.")
        self.candidate = candidate
        self.commit = commit


class DeliveryRefused(ToolFault):
    """The folder may not be made, or is not free."""

    def __init__(
        self, destination: str, reason: Literal["grant", "path", "parent", "taken", "inside"]
    ) -> None:
        why = {
            "grant": "is not the folder that this caller may deliver to",
            "path": "is no absolute path without `..`",
            "parent": "lies in a folder that does not exist or cannot be written to",
            "taken": "exists and is not an empty folder",
            "inside": "lies inside the served folder",
        }[reason]
        super().__init__(f"{destination!r} {why}. Name an empty or absent folder that the user asked for.")
        self.destination = destination
        self.reason = reason


class DeliveredBefore(ToolFault):
    """The folder has an earlier state of the same work, and its owner has gone on with it."""

    def __init__(self, destination: str, what: str) -> None:
        super().__init__(
            f"{destination!r} holds an earlier delivery, and since then {what}. It is left as it is: move that folder away "
            "and ask again, and the whole result is delivered there anew."
        )
        self.destination = destination


class OriginRefused(ToolFault):
    """The user's repository cannot be what a build starts from."""

    def __init__(
        self, folder: str, reason: Literal["grant", "path", "none", "redirected", "empty", "format", "inside"]
    ) -> None:
        why = {
            "grant": "is not the repository that this caller may read. Name the one that the user asked for.",
            "path": "is no absolute path of a folder. Name the folder that holds `.git`.",
            "none": "is no git repository. Run `git init`, `git add` and `git commit` there, then try again.",
            "redirected": "uses files outside its folder (a linked work tree, a submodule, or alternates). Make a plain "
            "clone of it and name that.",
            "empty": "has no commit yet. Commit what is there, then try again.",
            "format": "names its objects by another hash than this build. Make a clone with SHA-1 and name that.",
            "inside": "lies inside the served folder. Name a repository of the user's.",
        }[reason]
        super().__init__(f"{folder!r} {why}")
        self.folder = folder
        self.reason = reason


class BranchRefused(ToolFault):
    """The branch may not be made there."""

    def __init__(self, branch: str, reason: Literal["grant", "taken", "checked out", "stranger"]) -> None:
        why = {
            "grant": "is not the branch that this caller may make. Name the one that was agreed.",
            "taken": "exists already, and a branch is never overwritten. Rename or delete it, or choose another name.",
            "checked out": "is checked out, so it is not moved. Switch to another branch, then try again.",
            "stranger": "cannot be made there: the repository lacks the commit that this build started from. Name the "
            "repository that it was imported from.",
        }[reason]
        super().__init__(f"{branch!r} {why}")
        self.branch = branch
        self.reason = reason
