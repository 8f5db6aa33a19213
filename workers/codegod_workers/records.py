"""What goes into a worker and what comes out of it; both are plain records that a queue could carry as JSON."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from codegod_kit.plan import Task

Kind = Literal["first", "repair", "resample"]
Mode = Literal["fences", "tools"]
Outcome = Literal["submitted", "rejected", "malformed", "blocked", "too_big", "contract"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Finding(_Record):
    """One reason why a try was sent back, short enough for a 7B model to act on."""

    stage: str
    message: str
    path: str = ""
    line: int = 0
    rule: str = ""

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else self.path
        return ": ".join(part for part in (place, f"[{self.rule or self.stage}] {self.message}") if part)


class Assignment(_Record):
    """One try at one task: everything the worker may know, and where it works."""

    build: str
    project: str
    summary: str
    stack: dict[str, str]
    task: Task
    attempt: str
    number: int
    """1 + how many earlier answers to this task were sent back."""
    kind: Kind = "first"
    reads: tuple[str, ...] = ()
    """Files of the task's dependencies and of the skeleton; shown as signatures."""
    skeleton: tuple[str, ...] = ()
    """Those of `reads` that no dependency names: shown only where the task's own files lead to them."""
    findings: tuple[Finding, ...] = ()
    context_tokens: int
    answer_tokens: int
    mode: Mode = "fences"
    """One shot, or a loop in which the model calls its tools: what its probe has shown it can do."""
    in_json: bool = False
    """Whether this model may write files through arguments: it was seen to lose nothing there."""


class Spent(_Record):
    """What one model call used; None is missing usage, which is never taken for zero."""

    model: str
    simulated: bool
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    seconds: float


class Submission(_Record):
    """What a worker hands in. It claims nothing: the accept lane checks the commit itself."""

    attempt: str
    outcome: Outcome
    note: str = ""
    commit: str = ""
    tree: str = ""
    files: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    report: dict[str, JsonValue] = {}
    spent: tuple[Spent, ...] = ()
