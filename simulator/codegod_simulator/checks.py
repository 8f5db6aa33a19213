"""What a reference project has to fulfil beyond its plan's own rules, so that every question about it has an answer."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codegod_kit.plan import Plan

if TYPE_CHECKING:
    from codegod_simulator.reference import Reference

Place = tuple[str | int, ...]

_PATH_THAT_FENCES_TAKE = re.compile(r"[^\s`]+")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong at a `place` of the plan, or at a `line` of another file."""

    place: Place
    text: str
    file: str | None = None
    line: int = 1

    @property
    def field(self) -> str:
        """The place as people write it: `tasks[2].files[0]`."""
        parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.place)
        return "".join(parts).removeprefix(".")


def problems(reference: Reference) -> Iterator[Problem]:
    """All that is wrong with `reference`."""
    yield from _heading(reference.plan)
    yield from _missing_files(reference)
    yield from _files_without_owner(reference)
    yield from _behaviours(reference)
    yield from _wrong_tries(reference)
    yield from _unreadable_python(reference)


def _heading(plan: Plan) -> Iterator[Problem]:
    if not any(prompt.strip() for prompt in plan.prompts):
        yield Problem(("prompts",), "at least one request that this project answers is needed")
    if plan.name != plan.name.strip() or not plan.name.isprintable() or "/" in plan.name:
        yield Problem(("name",), f"{plan.name!r} cannot be a project's name: one line, without slashes")
    if not plan.tasks:
        yield Problem(("tasks",), "at least one task is needed")


def _claims(plan: Plan) -> Iterator[tuple[Place, str]]:
    for index, path in enumerate(plan.skeleton):
        yield ("skeleton", index), path
    for number, task in enumerate(plan.tasks):
        for field, paths in (("files", task.files), ("tests", task.tests)):
            for index, path in enumerate(paths):
                yield ("tasks", number, field, index), path


def _missing_files(reference: Reference) -> Iterator[Problem]:
    for place, path in _claims(reference.plan):
        shared = path in reference.shared
        if path not in reference.files and not (shared and path in reference.contract):
            yield Problem(place, f"{path!r} is missing in files/")
        if not _PATH_THAT_FENCES_TAKE.fullmatch(path):
            yield Problem(place, f"{path!r} cannot stand at the end of a fence line: no spaces, no backticks")


def _files_without_owner(reference: Reference) -> Iterator[Problem]:
    owned = {path for _, path in _claims(reference.plan)}
    for folder, paths in (("files", reference.files), ("contract", reference.contract)):
        for path in paths:
            if path not in owned:
                yield Problem(
                    ("tasks",), f"{folder}/{path} has no owner: name it in skeleton, files or tests"
                )


def _behaviours(reference: Reference) -> Iterator[Problem]:
    for index, behaviour in enumerate(reference.plan.behaviours):
        if behaviour.test and (why := _why_no_test(reference, behaviour.test)):
            yield Problem(("behaviours", index, "test"), f"{behaviour.test!r}: {why}")


def _why_no_test(reference: Reference, test: str) -> str:
    path, _, name = test.partition("::")
    where = "acceptance/" if path.startswith("acceptance/") else "files/"
    texts = reference.acceptance if where == "acceptance/" else reference.files
    text = texts.get(path.removeprefix("acceptance/") if where == "acceptance/" else path)
    if text is None:
        return f"there is no such file in {where}"
    if not name:
        return "" if test == path else "the test's name is missing after '::'"
    try:
        body: list[ast.stmt] = ast.parse(text).body
    except SyntaxError:
        return ""  # the file itself is reported
    for part in name.partition("[")[0].split("::"):
        found = next((node for node in body if getattr(node, "name", None) == part), None)
        if found is None:
            return f"{path} has no test of that name"
        body = getattr(found, "body", [])
    return ""


def _wrong_tries(reference: Reference) -> Iterator[Problem]:
    known = {path for _, path in _claims(reference.plan)}
    for (task, number), files in reference.wrong.items():
        if reference.task(task) is None:
            names = ", ".join(task.id for task in reference.plan.tasks)
            yield Problem(("tasks",), f"wrong/{task}/ is for a task that does not exist; there are {names}")
            continue
        for path in files:
            if path not in known:
                yield Problem(("tasks",), f"wrong/{task}/{number}/{path}: the plan names no such file")


def _unreadable_python(reference: Reference) -> Iterator[Problem]:
    """A wrong try may be unreadable; what has to run, and what stubs are made of, may not."""
    trees = {"files": reference.files, "contract": reference.contract, "acceptance": reference.acceptance}
    for folder, texts in trees.items():
        for path, text in texts.items():
            if path.endswith(".py"):
                try:
                    ast.parse(text)
                except (SyntaxError, ValueError) as error:
                    line = getattr(error, "lineno", None) or 1
                    yield Problem(("syntax",), str(error), file=f"{folder}/{path}", line=line)
