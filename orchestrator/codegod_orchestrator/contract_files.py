"""Which files a contract has, in which order the master is asked for them, and which it has to write again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from codegod_kit.plan import Plan, Task
from codegod_workers import Finding
from codegod_workers.manifests import manifest_language

PLAN_FILE = "plan.yaml"
MANIFEST = "pyproject.toml"

_LANGUAGES = {".py": "python"} | dict.fromkeys(
    (".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx"), "script"
)
_SCRIPT_TEST = re.compile(r"\.(test|spec)\.\w+$")

# Rules of the checks, and the reason of a test, for something that is imported and is not there.
_NOT_IMPORTED = frozenset({"import-not-found", "unknown-package", "import", "TS2307"})

FILES_PER_BATCH = 10  # ten files of 200 lines come near the answer limit of current frontier models


def contract_files(plan: Plan) -> tuple[str, ...]:
    """What the master writes: the skeleton, a stub for every code file, then the tests."""
    tests = tuple(path for task in plan.tasks for path in task.tests)
    return (*plan.skeleton, *stub_files(plan), *tests)


def stub_files(plan: Plan) -> tuple[str, ...]:
    """The task-owned files that start as stubs: code that tests can call, and not tests."""
    return tuple(path for task in plan.tasks for path in stubs_of(task))


def stubs_of(task: Task) -> tuple[str, ...]:
    """The files of one task that start as stubs: its Python code, and code in the other languages of its tests."""
    languages = {"python", *(_language(path) for path in task.tests)}
    return tuple(path for path in task.files if _language(path) in languages and not is_test_file(path))


def is_test_file(path: str) -> bool:
    """Whether a test runner would look into `path` for tests or fixtures."""
    name = PurePosixPath(path).name
    if _language(path) == "script":
        return _SCRIPT_TEST.search(name) is not None
    return name.startswith("test_") or name.endswith(("_test.py", "_test.go")) or name == "conftest.py"


def _language(path: str) -> str:
    """The language whose tests can call what stands in `path`; each other file is named by its ending."""
    ending = PurePosixPath(path).suffix
    return _LANGUAGES.get(ending, ending or "none")


def batches(plan: Plan, files: Sequence[str]) -> Iterator[Sequence[str]]:
    """`files` as they are asked for: all declarations first, ten files at most at a time, then tests by component.

    Tests come after all that they may call stands, and what one component promises is thought through in one answer.
    """
    yield from _runs([path for path in files if not is_test_file(path)])
    components = [[*plan.skeleton], *([*task.tests] for task in plan.tasks)]
    for component in components:
        yield from _runs([path for path in files if is_test_file(path) and path in component])


def _runs(paths: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(paths), FILES_PER_BATCH):
        yield paths[start : start + FILES_PER_BATCH]


def to_rewrite(plan: Plan, findings: Sequence[Finding]) -> tuple[str, ...]:
    """The contract's files that findings name, with the stub behind a wrong test; all when they name none.

    What cannot be imported may be right, and a package missing in the manifest: then that is written again too.
    """
    files = contract_files(plan)
    named = {finding.path.partition("::")[0] for finding in findings}
    if any(finding.rule in _NOT_IMPORTED for finding in findings):
        named.update(path for path in files if manifest_language(path) is not None)
    for task in plan.tasks:
        if named.intersection(task.tests):
            named.update(stubs_of(task))
    return tuple(path for path in files if path in named) or files
