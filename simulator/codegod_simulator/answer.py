"""From a question to the words of an answer, in the form that every model is asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from codegod_kit.plan import Plan
from codegod_simulator.library import Library, UnknownPrompt
from codegod_simulator.master_answers import acceptance, replan, ruling
from codegod_simulator.question import NoQuestion, Question
from codegod_simulator.reference import NothingToWrite, Reference

PLACE_OF_SIMULATOR = "${simulator}"

_BACKTICKS = re.compile(r"^ {0,3}(`{3,})", re.MULTILINE)
_LANGUAGES = {
    "py": "python",
    "js": "javascript",
    "ts": "typescript",
    "md": "markdown",
    "yml": "yaml",
    "sh": "bash",
    "Dockerfile": "dockerfile",
}
_SAME_NAME = frozenset({"sql", "yaml", "toml", "json", "html", "css", "xml", "ini", "txt"})


def answer(question: Question, library: Library, url: str) -> str:
    """The answer's text; raises `UnknownPrompt`, `NoQuestion` or `NothingToWrite` when nobody plays that."""
    if question.step in {"acceptance", "plan"}:
        return _asked_in_words(question, library, url)
    reference = library.named(question.project)
    if question.step == "replan":
        return json_block(plan_data(replan(question, reference), url))
    if question.step == "ruling":
        data, files = ruling(question, reference)
        return _with_files(data, files)
    if not question.files:
        raise NoQuestion("it lists no `Files to write:`")
    if question.step == "contract":
        declared = [path for path in question.existing if path in reference.contract]
        paths = [*question.files, *declared]
        return fenced({path: reference.contract_try(path, question.attempt) for path in paths})
    said = reference.said.get((question.task, question.attempt))
    return fenced(_task(reference, question)) if said is None else said


def _asked_in_words(question: Question, library: Library, url: str) -> str:
    """What is asked from the user's words alone, or, for a plan that the user wrote, from its name."""
    try:
        reference = library.for_prompt(question.words, change=question.change)
    except UnknownPrompt:
        if not question.project:
            raise
        reference = library.named(question.project)
    if question.step == "acceptance":
        return _with_files(*acceptance(reference))
    plan = reference.wrong_plans.get(question.attempt, reference.plan)
    return json_block(plan_data(plan, url))


def fenced(files: Mapping[str, str]) -> str:
    """The files as fenced blocks, each with a fence that nothing inside it can close."""
    blocks = []
    for path, text in files.items():
        longest = max((len(run) for run in _BACKTICKS.findall(text)), default=0)
        fence = "`" * max(3, longest + 1)
        body = text if not text or text.endswith("\n") else f"{text}\n"
        blocks.append(f"{fence}{_language(path)} {path}\n{body}{fence}\n")
    return "\n".join(blocks)


def json_block(data: object) -> str:
    return f"```json\n{json.dumps(data, indent=2, ensure_ascii=False)}\n```\n"


def _with_files(data: object, files: Mapping[str, str]) -> str:
    return f"{json_block(data)}\n{fenced(files)}" if files else json_block(data)


def plan_data(plan: Plan, url: str) -> dict[str, object]:
    """The plan as a master writes it, with the simulator's own address where it refers to that."""
    data: dict[str, object] = plan.model_dump(mode="json", exclude={"prompts"}, exclude_defaults=True)
    if plan.references:
        data["references"] = [source.replace(PLACE_OF_SIMULATOR, url) for source in plan.references]
    return data


def _task(reference: Reference, question: Question) -> dict[str, str]:
    task = reference.task(question.task)
    if task is None:
        names = ", ".join(task.id for task in reference.plan.tasks)
        raise NothingToWrite(
            reference.plan.name, question.files[0], f"no task {question.task!r} among {names}"
        )
    return reference.task_files(task, question.attempt, question.files)


def _language(path: str) -> str:
    name = path.rpartition("/")[2]
    suffix = name.rpartition(".")[2]
    return _LANGUAGES.get(suffix, suffix if suffix in _SAME_NAME else "text")
