"""What a model was seen to be able to do, kept beside the state so that builds use it."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from codegod_kit.plan import TaskType
from codegod_workers.records import Assignment, Mode
from codegod_workers.specialties import SPECIALTIES, Specialty

FOLDER = "models"
PROBE_VERSION = 1  # goes up when the micro-tasks change: what was seen with others says nothing any more
ANSWER_SHARE = 2  # half of a small context is for the answer at most

_NOT_A_NAME = re.compile(r"[^a-z0-9._-]+")
_HASH_CHARACTERS = 8


class ProbeResult(BaseModel):
    """What came of one micro-task."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    kind: str
    passed: bool
    note: str = ""
    skipped: bool = False


class Capability(BaseModel):
    """The protocol, the context and the roles that fit a model, and what they were concluded from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    version: int = PROBE_VERSION
    mode: Mode = "fences"
    in_json: bool = False
    """Files may come through a tool's arguments: nothing was lost there."""
    context_tokens: int | None = None
    """The largest context whose beginning was still read; None: the model's own limit was."""
    roles: tuple[Specialty, ...] = ()
    master: bool = False
    """Whether it planned and refused as a master has to."""
    results: tuple[ProbeResult, ...] = ()

    def fits(self, task_type: TaskType) -> bool:
        """Whether the model was seen to do work of this kind."""
        return SPECIALTIES[task_type] in self.roles


def fitted(assignment: Assignment, capability: Capability | None) -> Assignment:
    """`assignment` in the protocol and within the context of the model that will do it; as it is for one not probed."""
    if capability is None:
        return assignment
    context = min(assignment.context_tokens, capability.context_tokens or assignment.context_tokens)
    return assignment.model_copy(
        update={
            "mode": capability.mode,
            "in_json": capability.in_json,
            "context_tokens": context,
            "answer_tokens": min(assignment.answer_tokens, context // ANSWER_SHARE),
        }
    )


def read_capability(state: Path, model: str) -> Capability | None:
    """What is known of `model`, or None: it was never probed, or with other micro-tasks than today's."""
    try:
        known = Capability.model_validate_json(_file(state, model).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValidationError):
        return None
    return known if known.model == model and known.version == PROBE_VERSION else None


def write_capability(state: Path, capability: Capability) -> Path:
    """Keep it in place of what was known before; the file's path."""
    file = _file(state, capability.model)
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(f".{os.getpid()}.new")
    new.write_text(capability.model_dump_json(indent=2), encoding="utf-8")
    new.replace(file)
    return file


def _file(state: Path, model: str) -> Path:
    readable = _NOT_A_NAME.sub("-", model.lower()).strip("-.")
    digest = hashlib.sha256(model.encode()).hexdigest()[:_HASH_CHARACTERS]
    return state / FOLDER / f"{readable}-{digest}.json"
