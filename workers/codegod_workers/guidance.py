"""The system prompt of a worker turn: the guides that fit the task and its languages, and none that would distract."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from importlib import resources
from typing import Final

from codegod_kit.plan import TaskType
from codegod_workers.fences import shown_as
from codegod_workers.languages import Language, is_code, language_of
from codegod_workers.material import Material
from codegod_workers.records import Assignment
from codegod_workers.specialties import SPECIALTIES

# Tasks that fill stubs in. The others write files that nobody has declared before.
_FILLS_STUBS: Final[frozenset[TaskType]] = frozenset(
    {
        "backend",
        "api",
        "database",
        "frontend",
        "integration",
        "bugfix",
        "refactor",
    }
)
# Each has a guide `language-NAME`; what a task may build on differs as well: `needs-NAME`.
_TOLD: Final[tuple[Language, ...]] = ("python", "script", "go")
_NEEDS: Final[tuple[Language, ...]] = (*_TOLD, "other")
_SQL: Final = re.compile(r"\b(?:sql\w*|postgres\w*|psycopg\d?|mysql\w*|mariadb)\b", re.IGNORECASE)
_SQLITE: Final = re.compile(r"sqlite", re.IGNORECASE)


def system_prompt(assignment: Assignment, material: Material, long_files: Iterable[str] = ()) -> str:
    """The guides for this task; the same words for every attempt at it that sees the same files."""
    task = assignment.task
    intro = "\n\n".join([_guide("worker"), _guide(f"example-{_example(task.files)}")])
    rules = "\n".join(_rules(assignment, material, tuple(long_files)))
    role, kind = _guide(f"role-{SPECIALTIES[task.type]}"), " ".join(_kind(assignment, material))
    return f"{intro}\n\n{rules}\n\n{role}\n\n{kind}"


def _rules(assignment: Assignment, material: Material, long_files: tuple[str, ...]) -> Iterator[str]:
    spoken = {language_of(path) for path in assignment.task.files}
    yield _guide("rules")
    if assignment.task.type in _FILLS_STUBS and material.owned:
        yield _guide("rules-stub")
    if material.tests:
        yield _guide("rules-tests")
    yield from (_guide(f"language-{one}") for one in _TOLD if one in spoken)
    if any(map(is_code, assignment.task.files)) and _says(_SQL, assignment, material):
        yield _guide("rules-sql")
        if "python" in spoken and _says(_SQLITE, assignment, material):
            yield _guide("rules-sqlite")
    if long_files:
        yield _symbol_rule(long_files)
    yield from (_guide(f"needs-{one}") for one in _NEEDS if one in spoken)


def _symbol_rule(long_files: tuple[str, ...]) -> str:
    rule = _guide("rules-symbol").replace("LONG_FILES", ", ".join(long_files))
    return rule.replace("LANGUAGE", shown_as(long_files[0])).replace("LONG_FILE", long_files[0])


def _kind(assignment: Assignment, material: Material) -> Iterator[str]:
    """What holds for tasks of this type, and for this one."""
    task = assignment.task
    migrates = any(path.endswith(".sql") for path in task.files)
    yield _guide(f"task-{task.type}")
    if migrates or (task.type == "database" and _says(_SQL, assignment, material)):
        yield _guide("task-schema")
    if migrates:
        yield _guide("task-migration")


def _example(paths: Iterable[str]) -> str:
    """The example in the language of the first file that is code, else of the first file."""
    languages = [language_of(path) for path in sorted(paths, key=lambda path: not is_code(path))]
    return "text" if languages[0] == "other" else languages[0]


def _says(word: re.Pattern[str], assignment: Assignment, material: Material) -> bool:
    """Whether the task itself has to do with it: a word about SQL where there is none misleads a small model."""
    task = assignment.task
    said = [*assignment.stack.values(), task.title, task.description, *task.acceptance, *task.files]
    return any(word.search(text) for text in (*said, *material.owned.values(), *material.tests.values()))


def _guide(name: str) -> str:
    return resources.files("codegod_workers").joinpath("guides", f"{name}.md").read_text("utf-8").strip()
