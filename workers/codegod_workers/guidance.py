"""The system prompt of a worker turn: the guides that fit the task, and none that would distract from it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import PurePosixPath

from codegod_kit.plan import TaskType
from codegod_workers.material import Material
from codegod_workers.records import Assignment
from codegod_workers.specialties import SPECIALTIES

# Tasks that fill stubs in. The others write files that nobody has declared before.
_FILLS_STUBS: frozenset[TaskType] = frozenset(
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
_EXAMPLES = {
    ".py": "python",
    ".js": "script",
    ".jsx": "script",
    ".mjs": "script",
    ".ts": "script",
    ".tsx": "script",
    ".go": "go",
    ".md": "document",
}
_CODE = frozenset({"python", "script", "go"})
_SQL = re.compile(r"\b(?:sql\w*|postgres\w*|psycopg\d?|mysql\w*|mariadb)\b", re.IGNORECASE)


def system_prompt(assignment: Assignment, material: Material, long_files: Iterable[str] = ()) -> str:
    """The guides for this task; the same words for every attempt at it that sees the same files."""
    spoken = [_language(path) for path in assignment.task.files]
    intro = "\n\n".join([_guide("worker"), _guide(f"example-{spoken[0]}")])
    rules = "\n".join(_rules(assignment, material, spoken, tuple(long_files)))
    task_type = assignment.task.type
    return "\n\n".join(
        [
            intro,
            rules,
            _guide(f"role-{SPECIALTIES[task_type]}"),
            _guide(f"task-{task_type}"),
        ]
    )


def _rules(
    assignment: Assignment, material: Material, spoken: list[str], long_files: tuple[str, ...]
) -> Iterator[str]:
    yield _guide("rules")
    if assignment.task.type in _FILLS_STUBS and material.owned:
        yield _guide("rules-stub")
    if material.tests:
        yield _guide("rules-tests")
    if "python" in spoken:
        yield _guide("rules-python")
    if _speaks_sql(assignment, material):
        yield _guide("rules-sql")
    if long_files:
        rule = _guide("rules-symbol").replace("LONG_FILES", ", ".join(long_files))
        yield rule.replace("LONG_FILE", long_files[0])
    if _CODE.intersection(spoken):
        yield _guide("rules-code")


def _language(path: str) -> str:
    return _EXAMPLES.get(PurePosixPath(path).suffix, "text")


def _speaks_sql(assignment: Assignment, material: Material) -> bool:
    """Whether the task itself has to do with SQL: a word about it in a project without any misleads a small model."""
    task = assignment.task
    if not _CODE.intersection(map(_language, task.files)):
        return False
    said = [*assignment.stack.values(), task.title, task.description, *task.acceptance, *task.files]
    shown = [*material.owned.values(), *material.tests.values()]
    return any(_SQL.search(text) for text in (*said, *shown))


def _guide(name: str) -> str:
    return resources.files("codegod_workers").joinpath("guides", f"{name}.md").read_text("utf-8").strip()
