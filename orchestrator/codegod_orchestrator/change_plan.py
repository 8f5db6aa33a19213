"""What a plan for a change has to keep to beside the form of every plan. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from codegod_kit.plan import Plan, Task
from codegod_orchestrator.contract_files import is_test_file
from codegod_workers import Finding

if TYPE_CHECKING:
    from codegod_orchestrator.surveying import Ground

# For these the old suite, the checks or their own tests stand.
_WITHOUT_TESTS: Final = frozenset({"refactor", "testing", "integration", "devops", "documentation"})
_CODE: Final = (".py", ".js", ".jsx", ".mjs", ".cjs", ".ts", ".mts", ".tsx", ".go")
CHARACTERISATION: Final = "tests/test_characterisation.py"


def change_findings(plan: Plan, ground: Ground) -> tuple[Finding, ...]:
    """What the master has to mend in a plan that changes the repository of `ground`."""
    if not plan.tasks:
        return (_finding("tasks", "there is no task: plan at least one"),)
    found = [finding for task in plan.tasks for finding in _of_task(task)]
    if _wants_characterisation(plan, ground):
        message = (
            "no test of the repository passes, so nothing would show what a change breaks: add a test file such as "
            f"{CHARACTERISATION!r} to the skeleton that pins down what the code does today"
        )
        found.append(_finding("skeleton", message))
    return tuple(found)


def _of_task(task: Task) -> Iterator[Finding]:
    if not task.files:
        yield _finding(f"tasks.{task.id}", "it owns no file: name those that it changes in `files`")
    elif task.type not in _WITHOUT_TESTS and any(map(_is_code, task.files)) and not task.tests:
        yield _finding(
            f"tasks.{task.id}",
            f"a task of type {task.type!r} needs a test file in `tests` that fails before it is done",
        )


def _wants_characterisation(plan: Plan, ground: Ground) -> bool:
    """Whether there is code, none of its tests passes, and the plan does not bring some first."""
    code = any(map(_is_code, ground.files))
    written = [
        *plan.skeleton,
        *(path for task in plan.tasks if task.type == "testing" for path in task.files),
    ]
    brought = any(is_test_file(path) and not path.endswith("conftest.py") for path in written)
    return code and not ground.survey.passed and not brought


def _is_code(path: str) -> bool:
    return path.endswith(_CODE) and not is_test_file(path)


def _finding(path: str, message: str) -> Finding:
    return Finding(stage="plan", path=path, message=message)
