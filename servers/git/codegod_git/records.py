"""What the tools answer."""

from typing import Literal

from pydantic import BaseModel, Field

from codegod_git.objects import Status

Reason = Literal[
    "repository", "depth", "unreadable", "too_large", "symlink", "special", "name", "filter", "secret"
]
_CUT = "Some lists are longer than what is shown"
_CURSOR = "Pass it as `cursor` for the next page; empty at the end"


class LeftOut(BaseModel):
    """A path that a commit leaves as it was."""

    path: str
    reason: Reason = Field(
        description="symlink: leads out of the tree; special: no file; name: not printable; filter: needs a program; "
        "secret: a private key or `.env`; the others keep the tree from being committed"
    )


class PathChange(BaseModel):
    path: str
    status: Status


class FileChange(PathChange):
    added: int = Field(description="Lines; 0 for a binary file")
    removed: int
    binary: bool


class Initialised(BaseModel):
    workspace: str
    created: bool = Field(description="False when the repository was there already")
    branch: str


class StatusReport(BaseModel):
    head: str = Field(description="The commit the tree started from; empty before the first")
    branch: str
    clean: bool
    changes: list[PathChange]
    left_out: list[LeftOut]
    cut: bool = Field(description=_CUT)


class DiffReport(BaseModel):
    base: str
    head: str = Field(description="A commit id; empty is the workspace as it is now")
    files: list[FileChange]
    text: str = Field(description="Unified diff")
    next_cursor: str = Field(description=_CURSOR)
    left_out: list[LeftOut]
    cut: bool = Field(description=_CUT)


class CommitRecord(BaseModel):
    id: str
    tree: str
    parents: list[str]
    author: str
    email: str
    date: str = Field(description="ISO 8601, UTC")
    subject: str
    body: str
    trailers: dict[str, str]


class LogPage(BaseModel):
    commits: list[CommitRecord]
    total: int
    next_cursor: str = Field(description=_CURSOR)


class Shown(BaseModel):
    """A commit with its diff, a file, or a folder, as of one revision."""

    kind: Literal["commit", "file", "folder"]
    id: str
    commit: CommitRecord
    path: str
    size: int = Field(description="Bytes of the file")
    binary: bool
    text: str = Field(description="The diff, the file's text, or one name a line (folders end in `/`)")
    files: list[FileChange]
    next_cursor: str = Field(description=_CURSOR)
    cut: bool = Field(description=_CUT)


class Branch(BaseModel):
    name: str
    id: str
    subject: str
    current: bool


class BranchPage(BaseModel):
    branches: list[Branch]
    total: int
    next_cursor: str = Field(description=_CURSOR)


class Noted(BaseModel):
    id: str
    text: str


class Commit(BaseModel):
    id: str
    tree: str
    parent: str
    ref: str
    changed: list[str]
    left_out: list[LeftOut]
    cut: bool = Field(description=_CUT)


class Worktree(BaseModel):
    workspace: str
    head: str
    files: int
    left_out: list[LeftOut]


class WorktreeName(BaseModel):
    workspace: str
    head: str = Field(description="The commit it started from, or its last one; empty for a tree without")


class WorktreePage(BaseModel):
    worktrees: list[WorktreeName]
    next_cursor: str = Field(description=_CURSOR)


class Removed(BaseModel):
    workspace: str
    archived: str = Field(description="The ref that keeps what was in no other; empty when nothing was")
    left_out: list[LeftOut]


class Candidate(BaseModel):
    candidate: str = Field(description="The id that `merge_land` and `merge_drop` take")
    tree: str
    head: str = Field(description="What the target was at; `expected_head` of `merge_land`")
    workspace: str = Field(description="Where the candidate is checked out, to be tested")
    changed: list[str] = Field(description="What landing would change")
    foreign: list[str] = Field(
        description="What the source changed outside `paths`; it is not in the candidate"
    )
    conflicts: list[str] = Field(description="What the target changed too; such a candidate cannot land")
    cut: bool = Field(description=_CUT)


class Proposal(BaseModel):
    candidate: str
    workspace: str
    source: str
    target: str
    head: str
    current: bool = Field(description="Whether the target is still at `head`")
    conflicts: int = Field(description="How many paths keep it from landing")


class QueueReport(BaseModel):
    candidates: list[Proposal]
    landed: int
    archived: int
    next_cursor: str = Field(description=_CURSOR)


class Dropped(BaseModel):
    candidate: str
    archived: str


class Delivered(BaseModel):
    path: str
    head: str
    commits: int


class Origin(BaseModel):
    path: str
    head: str = Field(description="The commit that HEAD is at")
    branch: str = Field(description="The branch that is checked out; empty when none is")
    changed: list[str] = Field(description="Files that differ from that commit, or are in none")
    cut: bool = Field(description=_CUT)
    free_branch: str = Field(description="The wanted branch, or the next name that is free")


class Imported(BaseModel):
    commit: str
    tree: str
    ref: str = Field(description="What keeps the commit here")
    files: int


class DeliveredBranch(BaseModel):
    path: str
    branch: str
    head: str
    base: str = Field(description="The commit that the branch goes on from")
    commits: int = Field(description="How many it has beyond that")
