"""The bundled projects: good software, cut so that each task can be proved."""

import graphlib
import re
import sys
from pathlib import Path

import pytest

from codegod_kit.plan import Plan
from codegod_simulator.library import bundled_folders, open_library
from codegod_simulator.reference import Reference, load_reference

from .conftest import Run, findings, lay_out, run_tests

FOLDERS = bundled_folders()
# The project in TypeScript is tested by a whole build with Node's own tools: tests/builds/test_page_builds.py.
IN_PYTHON = [folder for folder in FOLDERS if (folder / "files/pyproject.toml").is_file()]
RUFF = ("ruff", "check", "--isolated", "--output-format=json", "--select=E9,F,B,S,ASYNC,PLE,PLW,RET503,PT")
TY = ("ty", "check", "--output-format=gitlab", "--python")
SECONDS_OF_A_SUITE = 3.0

pytestmark = [
    pytest.mark.long,
    pytest.mark.parametrize("folder", IN_PYTHON, ids=[folder.name for folder in IN_PYTHON]),
]


@pytest.fixture
def reference(folder: Path) -> Reference:
    return load_reference(folder)


def contract(reference: Reference) -> dict[str, str]:
    """The contract's tree: skeleton, tests, and stubs for what tasks own in Python and is no test."""
    plan = reference.plan
    owned = [path for task in plan.tasks for path in task.files if path.endswith(".py")]
    stubs = [path for path in owned if not Path(path).name.startswith("test_")]
    tests = [path for task in plan.tasks for path in task.tests]
    return {path: reference.contract_file(path) for path in (*plan.skeleton, *stubs, *tests)}


def closure(plan: Plan, task: str) -> set[str]:
    """`task` and all it depends on."""
    depends = {one.id: one.depends for one in plan.tasks}
    return {task}.union(*(closure(plan, other) for other in depends[task]))


def lint(folder: Path) -> list[str]:
    return [
        f"{found['filename']}: {found['code']}"
        for found in findings(folder, *RUFF, ".")
        if not (found["code"] == "S101" and "/tests/" in found["filename"])
    ]


def types(folder: Path) -> list[str]:
    (folder / "ty.toml").write_text('[environment]\nroot = ["./src", "./tests"]\n', encoding="utf-8")
    return [found["description"] for found in findings(folder, *TY, sys.executable, ".")]


def is_red(message: str) -> bool:
    return message.startswith(("NotImplementedError", "AssertionError", "assert "))


def test_each_test_is_red_on_the_stubs_and_the_smoke_test_is_green(
    reference: Reference, tmp_path: Path
) -> None:
    lay_out(tmp_path, contract(reference))
    assert types(tmp_path) == []
    run = run_tests(tmp_path)
    # A fixture may call a stub already: pytest then speaks of an error, and the stub's marker says the same.
    assert {test: why for test, why in run.broken.items() if "NotImplementedError" not in why} == {}
    assert {test: why for test, why in run.failed.items() if not is_red(why)} == {}
    assert run.passed == run.of("tests/test_smoke.py")
    for task in reference.plan.tasks:
        for path in task.tests:
            assert run.of(path), path


def test_the_finished_project_is_clean_and_green_and_proves_its_behaviours(
    reference: Reference, tmp_path: Path
) -> None:
    lay_out(tmp_path, reference.files)
    assert lint(tmp_path) == []
    assert types(tmp_path) == []
    lay_out(tmp_path / "acceptance", reference.acceptance)
    run = run_tests(tmp_path, ["tests", "acceptance"])
    assert (run.failed, run.broken) == ({}, {})
    proofs = {
        behaviour.test.replace("/", ".").replace(".py::", "::") for behaviour in reference.plan.behaviours
    }
    assert proofs <= run.passed


def test_every_wrong_try_is_wrong_in_a_way_that_the_checks_see(reference: Reference, tmp_path: Path) -> None:
    seen: set[str] = set()
    for (task, number), files in reference.wrong.items():
        folder = lay_out(tmp_path / f"{task}.{number}", {**reference.files, **files})
        owner = reference.task(task)
        assert owner is not None
        assert lint(folder) == []
        if types(folder):
            seen.add("types")
            continue
        run = run_tests(folder, owner.tests)
        assert run.failed and not run.broken
        seen.add("tests")
    assert "tests" in seen
    assert seen == {"types", "tests"} or len(reference.plan.tasks) < 8


def test_each_task_is_provable_with_its_dependencies_alone(reference: Reference, tmp_path: Path) -> None:
    order = graphlib.TopologicalSorter({task.id: task.depends for task in reference.plan.tasks})
    for name in order.static_order():
        tasks = [task for task in reference.plan.tasks if task.id in closure(reference.plan, name)]
        finished = {path: reference.files[path] for task in tasks for path in task.files}
        folder = lay_out(tmp_path / name, {**contract(reference), **finished})
        task = next(task for task in tasks if task.id == name)
        own_tests = [path for path in task.files if Path(path).name.startswith("test_")]
        run: Run = run_tests(folder, [*task.tests, *own_tests, "tests/test_smoke.py"])
        assert (run.failed, run.broken) == ({}, {}), name


def test_links_in_documents_lead_somewhere(reference: Reference) -> None:
    for path, text in reference.files.items():
        if path.endswith(".md"):
            targets = re.findall(r"\]\(([^):]+)\)", text)
            assert targets
            assert set(targets) <= set(reference.files)


def test_the_plan_is_what_it_says(reference: Reference) -> None:
    plan = reference.plan
    assert len(plan.prompts) >= 3
    assert plan.summary
    assert plan.reasoning
    assert all(task.description for task in plan.tasks)
    assert all(text.count("\n") <= 200 for text in reference.files.values())
    library = open_library([])
    for prompt in plan.prompts:
        assert library.for_prompt(f" {prompt.upper()}. ").plan == plan
