"""The prompt of one worker turn, put together from parts within the model's context."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

from codegod_kit.plan import TaskType
from codegod_models import Message, ModelRequest, estimate_tokens
from codegod_workers.answer import fenced
from codegod_workers.outline import outline
from codegod_workers.records import Assignment
from codegod_workers.specialties import SPECIALTIES

MEMORY_TOKENS = 1_500  # more recalled text than this crowds out the contract in a small model's attention
OVERHEAD_TOKENS = 200  # chat template and special tokens, which no estimate of the text sees
FINDINGS_SHOWN = 12  # a 7B model repairs a handful of things at once; the rest shows up in the next check


class DoesNotFit(Exception):
    """Not even the contract and the owned files fit: the task has to be cut smaller."""

    def __init__(self, needed: int, available: int) -> None:
        super().__init__(
            f"the contract of this task needs about {needed} tokens and {available} are available"
        )


@dataclass(frozen=True, slots=True)
class Material:
    """What was read for a prompt: file texts by path, and recalled memory."""

    owned: Mapping[str, str]
    tests: Mapping[str, str]
    reads: Mapping[str, str]
    recalled: str = ""


def build_request(assignment: Assignment, material: Material) -> ModelRequest:
    """The request for one turn; raises `DoesNotFit`. Optional parts shrink first, the contract never does."""
    system = system_prompt(assignment.task.type)
    available = (
        assignment.context_tokens - assignment.answer_tokens - OVERHEAD_TOKENS - estimate_tokens(system)
    )
    text = ""
    for parts in _shrinking(assignment, material):
        text = "\n\n".join(part for part in parts if part)
        if estimate_tokens(text) <= available:
            return ModelRequest(
                system=system, messages=(Message("user", text),), max_tokens=assignment.answer_tokens
            )
    raise DoesNotFit(estimate_tokens(text), available)


def system_prompt(task_type: TaskType) -> str:
    """The template every worker gets, with the guide of its role and of its task type."""
    guides = [_guide("worker"), _guide(f"role-{SPECIALTIES[task_type]}"), _guide(f"task-{task_type}")]
    return "\n\n".join(guides)


def _guide(name: str) -> str:
    return resources.files("codegod_workers").joinpath("guides", f"{name}.md").read_text("utf-8").strip()


def _shrinking(assignment: Assignment, material: Material) -> list[list[str]]:
    """The prompt's parts, from everything down to what cannot be left out."""
    head = [_header(assignment), _task(assignment)]
    owned = _files("The files as they stand now", material.owned)
    tests = _files("The tests that must pass (you cannot change them)", material.tests)
    findings = _findings(assignment)
    whole = _files("Other files of the project, read-only", material.reads, outline_above=60)
    signatures = _files("Signatures of other files, read-only", material.reads, outline_above=0)
    recalled = f"# Possibly useful\n\n{material.recalled}" if material.recalled else ""
    return [
        [*head, recalled, whole, tests, owned, findings],
        [*head, recalled, signatures, tests, owned, findings],
        [*head, signatures, tests, owned, findings],
        [*head, tests, owned, findings],
    ]


def _header(assignment: Assignment) -> str:
    return (
        f"Step: task\nProject: {assignment.project}\nTask: {assignment.task.id}\nAttempt: {assignment.number}"
    )


def _task(assignment: Assignment) -> str:
    task = assignment.task
    stack = ", ".join(f"{part}: {choice}" for part, choice in assignment.stack.items())
    lines = [f"# {task.title}"]
    lines += [f"Project: {assignment.summary}"] if assignment.summary else []
    lines += [f"Stack: {stack}"] if stack else []
    lines += ["", task.description] if task.description else []
    if task.acceptance:
        lines += ["", "It is right when:", *(f"- {sentence}" for sentence in task.acceptance)]
    lines += ["", "Files to write:", *(f"- {path}" for path in task.files)]
    return "\n".join(lines)


def _files(title: str, files: Mapping[str, str], outline_above: int | None = None) -> str:
    """Files as fenced blocks; those longer than `outline_above` lines as signatures."""
    if not files:
        return ""
    blocks = [
        fenced(path, outline(path, text) if _is_longer(text, outline_above) else text)
        for path, text in files.items()
    ]
    return "\n\n".join([f"# {title}", *blocks])


def _is_longer(text: str, lines: int | None) -> bool:
    return lines is not None and text.count("\n") > lines


def _findings(assignment: Assignment) -> str:
    if not assignment.findings:
        return ""
    shown = [f"- {finding}" for finding in assignment.findings[:FINDINGS_SHOWN]]
    more = len(assignment.findings) - FINDINGS_SHOWN
    shown += [f"- and {more} more"] if more > 0 else []
    if assignment.kind == "repair":
        start = "Your last answer stands above. These checks failed; write the corrected files whole:"
    else:
        start = "An earlier answer failed these checks; avoid them:"
    return "\n".join(["# What was wrong", start, *shown])
