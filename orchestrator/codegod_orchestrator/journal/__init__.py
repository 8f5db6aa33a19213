"""The journal: the one truth about every build. `Journal.open(path)`, then `claim_build` to write to a build."""

from codegod_orchestrator.journal.claimed import ClaimedBuild
from codegod_orchestrator.journal.faults import (
    BuildBusy,
    BuildEnded,
    BuildNotClaimed,
    BuildTakenOver,
    CancelRequested,
    EvidenceMissing,
    JournalDamaged,
    JournalFault,
    JournalUnusable,
    StaleAttempt,
    TasksUnproved,
    UnknownBuild,
)
from codegod_orchestrator.journal.journal import Journal
from codegod_orchestrator.journal.records import (
    Attempt,
    Build,
    Contract,
    Event,
    Landing,
    ModelCall,
    RecordedModelCall,
    RecordedToolCall,
    Recovery,
    Task,
    ToolCall,
)

__all__ = [
    "Attempt",
    "Build",
    "BuildBusy",
    "BuildEnded",
    "BuildNotClaimed",
    "BuildTakenOver",
    "CancelRequested",
    "ClaimedBuild",
    "Contract",
    "Event",
    "EvidenceMissing",
    "Journal",
    "JournalDamaged",
    "JournalFault",
    "JournalUnusable",
    "Landing",
    "ModelCall",
    "RecordedModelCall",
    "RecordedToolCall",
    "Recovery",
    "StaleAttempt",
    "Task",
    "TasksUnproved",
    "ToolCall",
    "UnknownBuild",
]
