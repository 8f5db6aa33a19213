"""What the journal takes and gives back: one frozen record per row."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, Protocol

from codegod_orchestrator.evidence import Evidence
from codegod_orchestrator.ladder import StepKind
from codegod_orchestrator.states import AttemptState, BuildState, TaskState
from codegod_workers.records import Finding


@dataclass(frozen=True, slots=True)
class Build:
    id: str
    prompt: str
    state: BuildState
    epoch: int  # how often the build was claimed; a write with an older epoch is refused
    owner: str  # who claimed it last
    plan: str  # the text of plan.yaml, empty until it is saved
    head: str  # the commit that `main` stood on when something was last accepted
    out: str  # the folder that the user wants the repository in
    options: Mapping[str, Any]
    cancel_requested: bool
    reason: str  # why it ended as it did
    last_event: int
    created: datetime
    ended: datetime | None


@dataclass(frozen=True, slots=True)
class Task:
    build: str
    id: str
    order: int
    type: str
    title: str
    files: tuple[str, ...]
    tests: tuple[str, ...]
    depends: tuple[str, ...]
    priority: int
    state: TaskState
    fence: int  # grows with every dispatch; only an attempt that carries it may be accepted
    forgiven: int  # attempts up to this number no longer count on the ladder: the build was reopened since
    accepted_attempt: str
    reason: str  # why it failed or was skipped


@dataclass(frozen=True, slots=True)
class Attempt:
    build: str
    id: str  # "<task>.<number>", e.g. "storage.2"
    task: str
    number: int
    fence: int
    kind: StepKind
    rung: int
    model: str
    continues: str  # the attempt whose files it started from, for a repair
    state: AttemptState
    refused: bool  # the answer left nothing to repair
    branch: str
    base: str
    commit: str
    tree: str
    reason: str
    findings: tuple[Finding, ...]
    evidence: Evidence | None
    dispatched: datetime
    started: datetime | None
    ended: datetime | None

    @property
    def seconds(self) -> float:
        return 0.0 if self.ended is None else (self.ended - self.dispatched).total_seconds()


@dataclass(frozen=True, slots=True)
class Contract:
    build: str
    version: int
    commit: str
    tree: str
    evidence: Evidence
    at: datetime


@dataclass(frozen=True, slots=True)
class Event:
    build: str
    seq: int  # 1, 2, 3, … without a gap within a build
    kind: str
    task: str
    attempt: str
    data: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One call of a model, as the caller records it. `None` for tokens or cost means unknown, never nothing."""

    step: Literal["plan", "acceptance", "contract", "task", "ruling", "replan", "judge", "finish"]
    model: str
    simulated: bool
    request: str
    reply: str
    stop: str
    seconds: float
    reserved_tokens: int  # what may at most have been spent; it counts where the usage is missing
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cost: Decimal | None = None
    rung: int = 0
    task: str = ""
    attempt: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class RecordedModelCall:
    build: str
    number: int  # the order of recording, across all builds
    call: ModelCall
    at: datetime  # when it had ended


class ToolCall(Protocol):
    """What the mesh hands to its recorder after a tool call."""

    @property
    def build(self) -> str: ...
    @property
    def task(self) -> str: ...
    @property
    def attempt(self) -> str: ...
    @property
    def server(self) -> str: ...
    @property
    def tool(self) -> str: ...
    @property
    def arguments(self) -> Mapping[str, Any]: ...
    @property
    def is_error(self) -> bool: ...
    @property
    def text(self) -> str: ...
    @property
    def data(self) -> Mapping[str, Any] | None: ...
    @property
    def seconds(self) -> float: ...
    @property
    def started(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class RecordedToolCall:
    build: str
    number: int
    task: str
    attempt: str
    server: str
    tool: str
    arguments: Mapping[str, Any]
    is_error: bool
    text: str
    data: Mapping[str, Any] | None
    seconds: float
    at: datetime  # when it was called


@dataclass(frozen=True, slots=True)
class Landing:
    """A commit found on `main` whose trailers name the attempt that it came from."""

    commit: str
    tree: str


@dataclass(frozen=True, slots=True)
class Recovery:
    """Where a build stands when somebody takes it up again."""

    state: BuildState
    accepted: Mapping[str, Attempt] = field(default_factory=dict)  # task id -> its accepted attempt
    lost: tuple[Attempt, ...] = ()  # in flight when the last owner went away; their tasks are ready again
    ready: tuple[str, ...] = ()
