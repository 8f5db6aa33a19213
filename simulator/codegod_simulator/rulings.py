"""What a master rules when its contract was spoilt by a fault: it sees tests and stubs, and knows what was meant."""

from __future__ import annotations

from codegod_simulator.answer import fenced, json_block
from codegod_simulator.question import Question, shown_files
from codegod_simulator.reference import NothingToWrite, Reference


def ruled(question: Question, reference: Reference) -> str | None:
    """The mended files, if the prompt shows files of the contract that are not as they should be."""
    task = reference.task(question.task)
    if task is None:
        return None
    scope = {*task.tests, *task.files, *reference.plan.skeleton}
    wrong: dict[str, str] = {}
    for path, text in shown_files(question.text).items():
        if path in scope:
            right = _right(reference, path)
            if right is not None and right.strip() != text.strip():
                wrong[path] = right
    if not wrong:
        return None
    ruling = "test" if any(path in task.tests for path in wrong) else "spec"
    reason = f"{', '.join(wrong)} demands what nobody asked for"
    return f"{json_block({'ruling': ruling, 'reason': reason})}\n{fenced(wrong)}"


def _right(reference: Reference, path: str) -> str | None:
    try:
        return reference.contract_file(path)
    except NothingToWrite:
        return None
