"""Which of the project's given files a task is not shown: those that nothing of its own leads to.

Every prompt is paid for and every page distracts, but a file that is missing costs an attempt: what is imported, what a
shown signature refers to and what the task's words name stays. Where imports cannot be read, all of it does.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Final

from codegod_kit.plan import TaskType
from codegod_workers.imports import asked_fixtures, imported, offered
from codegod_workers.languages import SCRIPT_SUFFIXES, Language, is_code, language_of
from codegod_workers.manifests import manifest_language
from codegod_workers.material import Material, View
from codegod_workers.outline import outline
from codegod_workers.records import Assignment
from codegod_workers.trimming import LEFT_OUT_BODY, LEFT_OUT_PARAMETERS

# These look at the project as a whole, or write what nobody has declared.
_SEES_ALL: Final[frozenset[TaskType]] = frozenset({"testing", "devops", "documentation"})
_SETTINGS: Final = frozenset(
    {"", ".toml", ".json", ".cfg", ".ini", ".lock", ".sum", ".md", ".txt", ".yml", ".yaml"}
)
# No test imports it: pytest hands out what it defines by the names of parameters.
_FIXTURES: Final = "conftest.py"
_WORD: Final = re.compile(r"[^\W\d]\w*")


def less_shown(assignment: Assignment, material: Material) -> Mapping[str, View]:
    """How the given files are shown whose full text this task can do without; a fresh try is shown all of them."""
    task = assignment.task
    given = [path for path in assignment.skeleton if path in material.reads]
    sources = {path: text for path, text in _own(material).items() if is_code(path)}
    undeclared = [path for path in task.files if is_code(path) and path not in sources]
    if task.type in _SEES_ALL or assignment.kind == "resample" or undeclared or not sources:
        return {}
    needed = _reached(assignment, material, sources)
    if needed is None:
        return {}
    spoken = {language_of(path) for path in (*task.files, *sources)}
    return {path: _view(path, spoken) for path in given if path not in needed and _can_go(path)}


def _own(material: Material) -> dict[str, str]:
    return {**material.owned, **material.tests}


def _view(path: str, spoken: Collection[Language | None]) -> View:
    return "short" if manifest_language(path) in spoken else "name"


def _can_go(path: str) -> bool:
    """Data, markup and schemas are reached by no import, so only code and settings are left out."""
    if is_code(path):
        return language_of(path) != "other"
    place = PurePosixPath(path)
    beside = len(place.parts) == 1 or place.name.startswith(".")
    return manifest_language(path) is not None or (beside and place.suffix in _SETTINGS)


def _reached(assignment: Assignment, material: Material, sources: Mapping[str, str]) -> set[str] | None:
    """What the task's code imports or names, then what the signatures of that import; None when one cannot be read."""
    reads = material.reads
    given = {path: reads[path] for path in assignment.skeleton if path in reads}
    needed = set(_named(assignment, material, given))
    for path, text in sources.items():
        found = imported(path, text, given)
        if found is None:
            return None
        needed |= found
    waiting = [path for path in reads if is_code(path) and (path in needed or path not in given)]
    beside_tests = {PurePosixPath(path).parent for path in material.tests}
    while waiting:
        path = waiting.pop()
        # What tests share runs with them; of all else only the signatures are used.
        runs = PurePosixPath(path).parent in beside_tests and path not in assignment.task.files
        found = imported(path, reads[path] if runs else _signatures(path, reads[path]), given)
        if found is None:
            return None
        waiting += [other for other in found - needed if is_code(other)]
        needed |= found
    return needed


def _signatures(path: str, text: str) -> str:
    """The outline with what a parser takes for an empty body in place of the mark for one."""
    return outline(path, text).replace(LEFT_OUT_BODY, "{}").replace(LEFT_OUT_PARAMETERS, "()")


def _named(assignment: Assignment, material: Material, given: Mapping[str, str]) -> Iterator[str]:
    """The files that the task's files, tests, description or findings speak of, by path or by what they define."""
    task = assignment.task
    own = "\n".join(_own(material).values())
    said = "\n".join([task.title, task.description, *task.acceptance, *map(str, assignment.findings)])
    words = {*_WORD.findall(own), *_names(said)}
    fixtures = asked_fixtures(_own(material))
    for path, text in given.items():
        asked = fixtures if PurePosixPath(path).name == _FIXTURES else words
        if offered(path, text) & asked or _path_pattern(path).search(f"{own}\n{said}"):
            yield path


def _names(prose: str) -> Iterator[str]:
    """The words that are written as names are: `parse_item`, `BadInput`, `main(…)`, "`load`"."""
    for found in _WORD.finditer(prose):
        word = found.group()
        marked = prose[found.end() : found.end() + 1] == "(" or prose[max(found.start() - 1, 0)] == "`"
        if marked or not (word.isalpha() and word.islower()):
            yield word


def _path_pattern(path: str) -> re.Pattern[str]:
    """The file's name as people, imports at run time and commands write it."""
    return re.compile(rf"(?<![\w.-])(?:{'|'.join(_forms(PurePosixPath(path)))})(?![\w-])")


def _forms(place: PurePosixPath) -> Iterator[str]:
    yield re.escape(place.name)
    match language_of(str(place)):
        case "script":  # once compiled it has another ending
            yield re.escape(place.stem) + f"(?:{'|'.join(map(re.escape, SCRIPT_SUFFIXES))})"
        case "python" if place.stem == "__main__":
            yield rf"-m[\"',\s]+{re.escape(place.parent.name)}"
        case "python" if place.stem != "__init__" and place.parent.name:
            yield re.escape(f"{place.parent.name}.{place.stem}")
