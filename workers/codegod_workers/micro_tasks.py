"""The micro-tasks of a probe as they stand in `probes/tasks.yaml`, and the request that each of them is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict

from codegod_models import Message, ModelRequest, estimate_tokens
from codegod_workers.answer import fenced
from codegod_workers.specialties import Specialty

ANSWER_TOKENS = 1_024  # the longest of these answers takes a third of it
Kind = Literal["fences", "arguments", "choice", "control", "part", "context", "code", "text", "plan"]

_FILLER = "Entry {number}: the counter stood at {value} and nothing was changed.\n"
_EXACT: frozenset[Kind] = frozenset({"fences", "arguments"})


@dataclass(frozen=True, slots=True)
class Offered:
    """A tool as a model sees it."""

    name: str
    description: str
    schema: Mapping[str, Any]


class MicroTask(BaseModel):
    """One of them; which fields count depends on the kind."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    kind: Kind
    asks: str
    specialty: Specialty | None = None
    given: dict[str, str] = {}
    files: dict[str, str] = {}
    """The exact texts that are to come back."""
    wanted: tuple[str, ...] = ()
    expects: str = ""
    tool: str = ""
    arguments: dict[str, str] = {}
    tool_called: str = ""
    called: dict[str, str] = {}
    result: str = ""
    context: int = 0
    check: str = ""
    holds: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()


@lru_cache(maxsize=1)
def micro_tasks() -> tuple[MicroTask, ...]:
    """All of them, in the order in which they are asked."""
    return tuple(MicroTask.model_validate(task) for task in _data()["tasks"])


@lru_cache(maxsize=1)
def offered_tools() -> tuple[Offered, ...]:
    """The tools that choices are made among."""
    return tuple(_tool(tool) for tool in _data()["tools"])


def request_of(task: MicroTask) -> ModelRequest:
    """The question of one task, in the form in which builds ask: system prompt, header, files."""
    parts = [f"Step: probe\nTask: {task.id}\nAttempt: 1", _asked(task)]
    parts += [fenced(path, text) for path, text in task.given.items()]
    first = Message("user", "\n\n".join(parts))
    return ModelRequest(
        system=_system(task),
        messages=(first, *_after_call(task)),
        max_tokens=ANSWER_TOKENS,
        tools=offered_tools() if task.kind in {"choice", "arguments"} else (),
    )


def _asked(task: MicroTask) -> str:
    if task.kind == "context":
        return _haystack(task)
    if task.kind in _EXACT:
        shown = [f"<text path={path!r}>\n{text}</text>" for path, text in task.files.items()]
        return "\n\n".join([task.asks.strip(), *shown])
    wanted = "\n".join(f"- {path}" for path in task.wanted)
    return f"{task.asks.strip()}\n\nFiles to write:\n{wanted}" if wanted else task.asks.strip()


def _haystack(task: MicroTask) -> str:
    """The word in the first line, then as much as fills the context but for the answer, then the question."""
    room = task.context - ANSWER_TOKENS - estimate_tokens(_system(task))
    lines = [f"The bird of this document is the {task.expects}.\n"]
    taken = estimate_tokens(task.asks) + estimate_tokens(lines[0])
    while True:
        line = _FILLER.format(number=len(lines), value=len(lines) * 7919 % 1000)
        taken += estimate_tokens(line)
        if taken > room:
            return "".join(lines) + f"\n{task.asks}"
        lines.append(line)


def _after_call(task: MicroTask) -> tuple[Message, ...]:
    if not task.tool_called:
        return ()
    call = json.dumps({"name": task.tool_called, "arguments": task.called})
    result = f"Step: probe\nTask: {task.id}\nAttempt: 1\n\n# Result of {task.tool_called}\n\n{task.result}\n\n{task.asks}"
    return (Message("assistant", f"<tool_call>\n{call}\n</tool_call>"), Message("user", result))


def _system(task: MicroTask) -> str:
    if task.kind in {"choice", "arguments"}:
        return "You have tools. Call one when it is needed, with exactly the arguments that are asked for."
    if task.kind == "context":
        return "Answer briefly."
    if task.kind == "plan":
        return "You plan software. Answer with JSON alone."
    example = (
        "example-document"
        if next(iter((*task.wanted, *task.files)), "").endswith(".md")
        else "example-python"
    )
    guides = resources.files("codegod_workers").joinpath("guides")
    names = ("worker", example, "rules")
    return "\n\n".join(guides.joinpath(f"{name}.md").read_text("utf-8").strip() for name in names)


def _tool(data: Mapping[str, Any]) -> Offered:
    properties = {name: {"type": "string", "description": text} for name, text in data["properties"].items()}
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return Offered(data["name"], data["description"], schema)


def _data() -> Mapping[str, Any]:
    file = resources.files("codegod_workers").joinpath("probes", "tasks.yaml")
    data: Mapping[str, Any] = yaml.safe_load(file.read_text("utf-8"))
    return data
