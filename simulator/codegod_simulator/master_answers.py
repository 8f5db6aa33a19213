"""What a master answers beside plans and contracts: behaviours with their tests, rulings, and revised plans."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from codegod_kit.plan import Plan, Task
from codegod_simulator.question import Question, shown_files
from codegod_simulator.reference import NothingToWrite, Reference

ACCEPTANCE_FOLDER = "acceptance/"
_REVISABLE = frozenset({"ready", "blocked"})
_JSON_FENCE = re.compile(r"^```json\n(?P<data>.*?)^```", re.DOTALL | re.MULTILINE)

Answer = tuple[Mapping[str, object], Mapping[str, str]]


def acceptance(reference: Reference) -> Answer:
    """The behaviours of the plan, how its application is started, and the files that test it from outside."""
    plan = reference.plan
    data = {
        "behaviours": [one.model_dump(exclude_defaults=True) for one in plan.behaviours],
        "start": plan.start,
        "health": plan.health,
    }
    files = {f"{ACCEPTANCE_FOLDER}{path}": text for path, text in reference.acceptance.items()}
    return data, files


def ruling(question: Question, reference: Reference) -> Answer:
    """`code`, unless the contract that is shown is one that the folder calls wrong: then its right files."""
    task = _known_task(question, reference)
    shown = shown_files(question.text)
    near = [task, *(one for one in reference.plan.tasks if one.id in task.depends)]
    scope = {path for one in near for path in (*one.tests, *one.files)} | {*reference.plan.skeleton}
    for number, wrong in sorted(reference.wrong_contracts.items(), reverse=True):
        blamed = [path for path, text in wrong.items() if path in scope and _is_shown(path, text, shown)]
        if blamed:
            tests = {path for one in near for path in one.tests}
            kind = "test" if tests.intersection(blamed) else "spec"
            reason = f"the contract's answer {number} had {', '.join(blamed)} wrong"
            files = {path: reference.contract_file(path) for path in wrong if path in scope}
            return {"ruling": kind, "reason": reason}, files
    return {"ruling": "code", "reason": "the contract is what the finished project keeps"}, {}


def replan(question: Question, reference: Reference) -> Plan:
    """The right plan, with the tasks that somebody has begun or ended as the standing plan has them."""
    fixed = {task.id: task for task in _standing_tasks(question.text) if _is_fixed(task.id, question.text)}
    right = {task.id: task for task in reference.plan.tasks}
    tasks = [fixed.get(name, task) for name, task in right.items()]
    tasks += [task for name, task in fixed.items() if name not in right]
    return reference.plan.model_copy(update={"tasks": tuple(tasks)})


def _known_task(question: Question, reference: Reference) -> Task:
    task = reference.task(question.task)
    if task is None:
        names = ", ".join(task.id for task in reference.plan.tasks)
        raise NothingToWrite(reference.plan.name, question.step, f"no task {question.task!r} among {names}")
    return task


def _is_shown(path: str, text: str, shown: Mapping[str, str]) -> bool:
    return path in shown and shown[path].strip() == text.strip()


def _standing_tasks(text: str) -> tuple[Task, ...]:
    """The tasks of the first block of JSON that is a plan."""
    for block in _JSON_FENCE.finditer(text):
        try:
            return Plan.model_validate(json.loads(block["data"])).tasks
        except ValueError:
            continue
    return ()


def _is_fixed(task: str, text: str) -> bool:
    """Whether the prompt gives `task` a state in which it may not be revised: `- storage: accepted`."""
    state = re.search(rf"^- `?{re.escape(task)}`?: (\w+)", text, re.MULTILINE)
    return state is not None and state[1] not in _REVISABLE
