"""The prompt of one worker turn, put together from parts within the model's context."""

from __future__ import annotations

from codegod_models import Message, ModelRequest, estimate_tokens
from codegod_workers.findings import TEST_STAGE
from codegod_workers.guidance import system_prompt
from codegod_workers.material import Material, blocks, shown
from codegod_workers.records import Assignment
from codegod_workers.relevance import less_shown
from codegod_workers.splice import long_files
from codegod_workers.views import views_of

MEMORY_TOKENS = 1_500  # more recalled text than this crowds out the contract in a small model's attention
OVERHEAD_TOKENS = 200  # chat template and special tokens, which no estimate of the text sees
FINDINGS_SHOWN = 12  # a 7B model repairs a handful of things at once; the rest shows up in the next check


class DoesNotFit(Exception):
    """Not even the contract and the owned files fit: the task has to be cut smaller."""

    def __init__(self, needed: int, available: int) -> None:
        super().__init__(
            f"the contract of this task needs about {needed} tokens and {available} are available"
        )


def build_request(assignment: Assignment, material: Material) -> ModelRequest:
    """The request for one turn; raises `DoesNotFit`. Optional parts shrink first, the contract never does."""
    system = system_prompt(assignment, material, long_files(material.owned))
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


def _shrinking(assignment: Assignment, material: Material) -> list[list[str]]:
    """The prompt's parts, from everything down to what cannot be left out."""
    head = [header(assignment), _task(assignment)]
    owned = blocks("Your files as they stand now", material.owned)
    tests = blocks("The tests that must pass (you cannot change them)", material.tests)
    tail = [tests, owned, _findings(assignment)]
    recalled = f"# Possibly useful\n\n{material.recalled}" if material.recalled else ""
    lessons = f"# What went wrong elsewhere in this project\n\n{material.lessons}" if material.lessons else ""
    task = assignment.task
    less = less_shown(assignment, material)
    others = [shown(material.reads, views, task.files) for views in views_of(task.type, material.reads, less)]
    return [
        *([*head, recalled, lessons, other, *tail] for other in others[:-1]),
        *([*head, lessons, other, *tail] for other in others[-2:]),
        [*head, *tail],
    ]


def header(assignment: Assignment) -> str:
    """The lines that every question to a worker begins with."""
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
    # A small model bends right code to a wrong test unless it is told of the other way out.
    doubt = any(finding.stage == TEST_STAGE for finding in assignment.findings)
    end = ["", "If a test contradicts the task, write no file: `CONTRACT: REASON`."] if doubt else []
    return "\n".join(["# What was wrong", start, *shown, *end])


__all__ = ["DoesNotFit", "Material", "build_request", "header"]
