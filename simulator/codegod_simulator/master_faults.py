"""What masters do wrong, made from the right answer. A spoiler returns None where its fault has nothing to bite on."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from codegod_kit.plan import Task
from codegod_simulator.answer import fenced, json_block
from codegod_simulator.reference import Reference
from codegod_simulator.scene import Scene
from codegod_simulator.splice import lines_of, substituted
from codegod_simulator.stubs import FunctionNode, functions
from codegod_simulator.worker_faults import Spoiler

CUT = 0.6  # of a plan: enough to begin with the tasks

_Change = tuple[ast.expr | ast.stmt | ast.arg, str]


def wrong_test(scene: Scene) -> str | None:
    """One assertion of one contract test demands what the right code does not do."""
    return _test_file(scene, lambda text: _with_wrong_assertion(text, scene))


def vacuous_test(scene: Scene) -> str | None:
    """The tests of one task that pass, or end without a word, whatever was written."""
    form = scene.whim.choice((_asserting_nothing, _asserting_true))
    return _test_file(scene, form)


def stub_disagrees(scene: Scene) -> str | None:
    """One stub demands a parameter that the tests do not give."""
    target = _target(scene, _stubbed)
    if target is None:
        return None
    tests = "\n".join(scene.reference.files[path] for path in target.tests)
    for path in target.files:
        changed = _with_parameter(scene.files[path], tests) if path in scene.files else None
        if changed is not None:
            return fenced({**scene.files, path: changed})
    return None


def missing_package(scene: Scene) -> str | None:
    """The manifest lacks the project's first dependency."""
    manifest = scene.files.get("pyproject.toml", "")
    lines = manifest.split("\n")
    start = next((n for n, line in enumerate(lines) if line.startswith("dependencies = [")), None)
    if start is None:
        return None
    if lines[start].rstrip().endswith("["):
        del lines[start + 1]
    else:
        items = lines[start].partition("[")[2].rpartition("]")[0].split(", ")
        lines[start] = f"dependencies = [{', '.join(items[1:])}]"
    changed = "\n".join(lines)
    return fenced({**scene.files, "pyproject.toml": changed}) if changed != manifest else None


def missing_dependency(scene: Scene) -> str | None:
    """One task does not say what it needs."""

    def spoil(plan: dict[str, Any]) -> bool:
        needing = [task for task in plan["tasks"] if task.get("depends") and scene.target in {"", task["id"]}]
        if needing:
            task = scene.whim.choice(needing)
            task["depends"].remove(scene.whim.choice(task["depends"]))
        return bool(needing)

    return _plan(scene, spoil)


def two_owners(scene: Scene) -> str | None:
    """Two tasks own one file."""

    def spoil(plan: dict[str, Any]) -> bool:
        if len(plan["tasks"]) < 2:
            return False
        one, other = scene.whim.sample(plan["tasks"], 2)
        other["files"] = [*other["files"], one["files"][0]]
        return True

    return _plan(scene, spoil)


def cycle(scene: Scene) -> str | None:
    """Two tasks wait for each other."""

    def spoil(plan: dict[str, Any]) -> bool:
        tasks = {task["id"]: task for task in plan["tasks"]}
        waiting = [task for task in plan["tasks"] if task.get("depends")]
        if waiting:
            last = scene.whim.choice(waiting)
            first = tasks[scene.whim.choice(last["depends"])]
            first["depends"] = [*first.get("depends", ()), last["id"]]
        return bool(waiting)

    return _plan(scene, spoil)


def malformed_json(scene: Scene) -> str:
    """A JSON document whose last brace is a comma."""
    head, _, tail = scene.text.rpartition("}\n```")
    return f"{head},\n```{tail}"


SPOILERS: Mapping[str, tuple[str, Spoiler]] = {
    "wrong_test": ("contract", wrong_test),
    "vacuous_test": ("contract", vacuous_test),
    "stub_disagrees": ("contract", stub_disagrees),
    "missing_package": ("contract", missing_package),
    "missing_dependency": ("plan", missing_dependency),
    "two_owners": ("plan", two_owners),
    "cycle": ("plan", cycle),
    "malformed_json": ("plan", malformed_json),
}
"""By name: the step that the fault strikes, and the spoiler."""


def with_unneeded_task(reference: Reference) -> Reference:
    """The project with one more task that nobody asked for; unchanged when it has no Python."""
    owned = [path for task in reference.plan.tasks for path in task.files if path.endswith(".py")]
    folder = next((path.rpartition("/")[0] for path in owned if path.startswith("src/")), "")
    if not folder or reference.task("extras") is not None:
        return reference
    module = f"{folder.removeprefix('src/').replace('/', '.')}.extras"
    task = Task(
        id="extras",
        type="backend",
        title="Greetings for the user",
        files=(f"{folder}/extras.py",),
        tests=("tests/test_extras.py",),
    )
    files = {
        task.files[0]: (
            '"""Greetings."""\n\n\ndef greeting(name: str) -> str:\n    """A greeting for `name`."""\n'
            '    return f"Hello {name}"\n'
        ),
        task.tests[0]: (
            f"from {module} import greeting\n\n\ndef test_a_name_is_greeted() -> None:\n"
            '    assert greeting("Ann") == "Hello Ann"\n'
        ),
    }
    plan = reference.plan.model_copy(update={"tasks": (*reference.plan.tasks, task)})
    return replace(reference, plan=plan, files={**reference.files, **files})


def _plan(scene: Scene, spoil: Callable[[dict[str, Any]], bool]) -> str | None:
    plan = json.loads(scene.text.removeprefix("```json\n").removesuffix("```\n"))
    return json_block(plan) if spoil(plan) else None


def _target(scene: Scene, fits: Callable[[Scene, Task], bool]) -> Task | None:
    """The one task of the plan that a fault of the contract strikes: the named one, or one drawn for the whole run."""
    tasks = [task for task in scene.reference.plan.tasks if fits(scene, task)]
    if scene.target:
        return next((task for task in tasks if task.id == scene.target), None)
    return scene.whim.choice(tasks) if tasks else None


def _tested(scene: Scene, task: Task) -> bool:
    return any(path.endswith(".py") for path in task.tests)


def _stubbed(scene: Scene, task: Task) -> bool:
    tests = "\n".join(scene.reference.files[path] for path in task.tests)
    return any(
        path.endswith(".py") and _with_parameter(scene.reference.contract_file(path), tests) is not None
        for path in task.files
    )


def _test_file(scene: Scene, spoil: Callable[[str], str | None]) -> str | None:
    """The contract with one test file spoilt: of one task, if the answer holds it."""
    target = _target(scene, _tested)
    for path in target.tests if target else ():
        spoilt = spoil(scene.files[path]) if path in scene.files and path.endswith(".py") else None
        if spoilt is not None:
            return fenced({**scene.files, path: spoilt})
    return None


def _tests(tree: ast.Module) -> list[FunctionNode]:
    return [one for one in tree.body if isinstance(one, FunctionNode) and one.name.startswith("test_")]


def _with_wrong_assertion(text: str, scene: Scene) -> str | None:
    """Preferred are expected constants: such a test looks as if it were meant."""
    asserts = [one for test in _tests(ast.parse(text)) for one in _asserts(test.body)]
    constants = [(one, other) for one in asserts if (other := _wrong_constant(one))]
    if constants:
        return substituted(text, [scene.whim.choice(constants)[1]])
    if not asserts:
        return None
    chosen = scene.whim.choice(asserts)
    return substituted(text, [(chosen.test, f"not ({ast.unparse(chosen.test)})")])


def _asserts(body: Sequence[ast.stmt]) -> Iterator[ast.Assert]:
    """The assertions that a run is sure to come to."""
    for statement in body:
        if isinstance(statement, ast.Assert):
            yield statement
        elif isinstance(statement, ast.With | ast.AsyncWith):
            yield from _asserts(statement.body)


def _wrong_constant(statement: ast.Assert) -> _Change | None:
    test = statement.test
    if not (isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq)):
        return None
    expected = test.comparators[0]
    if not isinstance(expected, ast.Constant):
        return None
    value = expected.value
    if isinstance(value, bool | None) or not isinstance(value, int | str):
        return None
    return expected, repr(f"{value}s" if isinstance(value, str) else value + 1)


def _asserting_true(text: str) -> str:
    """Every test says what is always true."""
    lines = lines_of(text)
    for test in reversed(_tests(ast.parse(text))):
        first, last = test.body[0], test.body[-1]
        lines[first.lineno - 1 : last.end_lineno] = [f"{' ' * first.col_offset}assert True\n"]
    return "".join(lines)


def _asserting_nothing(text: str) -> str:
    """Every test calls what it called, and looks at no result."""
    tree = ast.parse(text)
    changes: list[_Change] = []
    for test in _tests(tree):
        changes += [(one, ast.unparse(one.test)) for one in ast.walk(test) if isinstance(one, ast.Assert)]
        changes += [
            (item.context_expr, "contextlib.suppress(Exception)")
            for one in ast.walk(test)
            if isinstance(one, ast.With)
            for item in one.items
            if ast.unparse(item.context_expr).startswith("pytest.raises")
        ]
    if any(text == "contextlib.suppress(Exception)" for _, text in changes):
        return _with_import(substituted(text, changes), "contextlib")
    return substituted(text, changes)


def _with_import(text: str, module: str) -> str:
    first = next(
        (
            one
            for one in ast.parse(text).body
            if isinstance(one, ast.Import | ast.ImportFrom) and _module(one) != "__future__"
        ),
        None,
    )
    lines = lines_of(text)
    lines.insert(first.lineno - 1 if first else 0, f"import {module}\n")
    return "".join(lines)


def _module(statement: ast.Import | ast.ImportFrom) -> str:
    return (statement.module or "") if isinstance(statement, ast.ImportFrom) else statement.names[0].name


def _with_parameter(stub: str, tests: str) -> str | None:
    """The stub of a function that `tests` call, with one more parameter that has no default."""
    for name, function in functions(ast.parse(stub)):
        arguments = function.args
        if "." in name or f"{function.name}(" not in tests or not arguments.args or arguments.defaults:
            continue
        if arguments.vararg or arguments.kwonlyargs or arguments.kwarg:
            continue
        last = arguments.args[-1]
        announced = f"{last.arg}: {ast.unparse(last.annotation)}" if last.annotation else last.arg
        return substituted(stub, [(last, f"{announced}, *, mode: str")])
    return None
