"""The pure parts of a change: bodies taken out, files that use each other, plans, and what a contract may not lose."""

from typing import Any

import pytest

from codegod_kit.plan import Plan, dump_plan, load_plan, parse_plan
from codegod_orchestrator.change_contract import failing_before, lost, with_raised
from codegod_orchestrator.change_plan import change_findings
from codegod_orchestrator.emptied import emptied
from codegod_orchestrator.evidence import TestSeen
from codegod_orchestrator.known import Known
from codegod_orchestrator.merged_plan import merged_plan
from codegod_orchestrator.neighbours import neighbours
from codegod_orchestrator.options import Origin
from codegod_orchestrator.survey_text import chosen_files, survey_text
from codegod_orchestrator.surveying import Ground, Survey
from codegod_simulator.library import bundled_changes, bundled_folders

SOURCE = '''\
"""Amounts."""

import functools

RATES = {}


def rate(name):
    def keep(function):
        RATES[name] = function
        return function
    return keep


@rate("half")
def half(amount: int) -> int:
    return amount // 2


class Purse:
    size = 3

    def __init__(self) -> None:
        self.coins = []

    def count(self) -> int:
        return len(self.coins)


def pairs(items):
    for one in items:
        yield one, one
'''


def task(name: str, **fields: Any) -> dict[str, Any]:
    return {"id": name, "type": "backend", "title": name, "files": [f"src/{name}.py"], **fields}


def plan(*tasks: dict[str, Any], **fields: Any) -> Plan:
    return Plan.model_validate({"name": "change", "skeleton": [], "tasks": list(tasks), **fields})


def ground(files: set[str], passed: int = 0) -> Ground:
    survey = Survey(commit="c", tree="t", passed=passed)
    return Ground(Origin(folder="/r", commit="c", branch="b"), survey, frozenset(files))


def test_bodies_are_taken_out_but_for_what_runs_at_import() -> None:
    space: dict[str, Any] = {}
    exec(emptied({"src/a.py": SOURCE})["src/a.py"], space)  # noqa: S102 - the text above
    assert space["RATES"] == {"half": space["half"]}
    for call in (lambda: space["half"](4), space["Purse"], lambda: next(space["pairs"]([1]))):
        with pytest.raises(NotImplementedError):
            call()


def test_an_object_that_is_made_at_import_can_be_made() -> None:
    space: dict[str, Any] = {}
    exec(emptied({"a.py": f"{SOURCE}\nPURSE = Purse()\n"})["a.py"], space)  # noqa: S102
    with pytest.raises(NotImplementedError):
        space["PURSE"].count()


def test_what_is_no_python_and_what_has_no_body_is_left_alone() -> None:
    assert emptied({"a.py": "def (", "b.py": "X = 1\n"}) == {}


def test_the_files_that_others_import_are_found() -> None:
    paths = [
        "src/spans/__init__.py", "src/spans/parse.py", "src/spans/units.py", "src/spans/show.py", "web/util.ts",
        "web/view/page.ts", "pkg/a.go", "pkg/b.go",
    ]  # fmt: skip
    texts = {"src/spans/parse.py": "from . import units\nfrom spans.show import show\nimport os\n"}
    assert neighbours(texts, paths) == ("src/spans/__init__.py", "src/spans/units.py", "src/spans/show.py")
    assert neighbours({"web/view/page.ts": 'import { x } from "../util.js";\n'}, paths) == ("web/util.ts",)
    assert neighbours({"pkg/a.go": "package pkg\n"}, paths) == ("pkg/b.go",)


def test_functions_that_a_contract_lost_or_emptied_are_named() -> None:
    before = "def one() -> int:\n    return 1\n\n\nclass A:\n    def two(self) -> int:\n        return 2\n"
    added = f"{before}\n\ndef three() -> int:\n    raise NotImplementedError\n"
    assert list(lost(before, added, "src/a.py")) == []
    emptied_two = before.replace("return 2", "raise NotImplementedError")
    assert ["A.two" in one.message for one in lost(before, emptied_two, "src/a.py")] == [True]
    assert ["one" in one.message for one in lost(before, before.replace("one", "uno"), "src/a.py")] == [True]
    assert list(lost("def (", "", "src/a.py")) == []


def test_a_test_that_failed_before_proves_a_task_that_nothing_else_proves() -> None:
    wanted = plan(task("a", tests=["tests/test_a.py"]), task("b", tests=["tests/test_b.py"]))
    names = ("tests/test_a.py::test_old", "tests/test_a.py::test_new", "tests/test_b.py::test_old")
    tests = [TestSeen(id=name, outcome="failed", reason="assertion") for name in names]
    assert failing_before(wanted, tests, {names[0], names[2]}) == {names[0]: ("before",)}


@pytest.mark.parametrize(
    ("place", "message", "reason"),
    [
        ("src/a.py", "ZeroDivisionError: division by zero", "raised"),
        ("tests/test_a.py", "KeyError: 'due'", "raised"),
        ("tests/test_a.py", "NameError: name 'due' is not defined", "error"),
        ("tests/test_a.py", "TypeError: parse() got an unexpected keyword argument", "error"),
    ],
)
def test_what_existing_code_raised_counts_and_an_undeclared_name_does_not(
    place: str, message: str, reason: str
) -> None:
    name = "tests/test_a.py::test_it"
    test = {"id": name, "outcome": "failed", "reason": "error", "message": message}
    found = {"stage": "tests", "path": place, "line": 3, "rule": "error", "message": f"{name}: {message}"}
    told = with_raised({"tests": [test], "findings": [found]})
    assert [one["reason"] for one in told["tests"]] == [reason]


def test_a_change_needs_tests_where_it_changes_behaviour() -> None:
    files = {"src/a.py", "tests/test_a.py"}
    without = plan(task("a", type="bugfix"))
    assert ["tests" in one.message for one in change_findings(without, ground(files, 3))] == [True]
    assert change_findings(plan(task("a", type="refactor")), ground(files, 3)) == ()
    assert change_findings(plan(task("a", tests=["tests/test_b.py"])), ground(files, 3)) == ()
    assert [one.path for one in change_findings(plan(), ground(files, 3))] == ["tasks"]


def test_a_repository_without_tests_gets_some_first() -> None:
    wanted = plan(task("a", type="refactor"))
    assert [one.path for one in change_findings(wanted, ground({"src/a.py"}))] == ["skeleton"]
    pinned = wanted.model_copy(update={"skeleton": ("tests/test_characterisation.py",)})
    assert change_findings(pinned, ground({"src/a.py"})) == ()
    testing = plan(task("a", type="testing", files=["tests/test_a.py"]))
    assert change_findings(testing, ground({"src/a.py"})) == ()
    assert change_findings(wanted, ground({"README.md"})) == ()


OLD = plan(
    task("store", tests=["tests/test_store.py"]),
    task("api", depends=["store"]),
    name="todo",
    skeleton=["pyproject.toml", "src/app.py"],
    behaviours=[{"id": "B1", "text": "It lists"}, {"id": "B2", "text": "It adds"}],
    start="python -m todo --port {port}",
    health="/health",
)


def test_a_change_becomes_part_of_the_old_plan() -> None:
    change = plan(
        task("due", depends=["late"], files=["src/due.py", "src/app.py"], tests=["tests/test_due.py"]),
        task(
            "late", type="bugfix", description="More.", files=["src/store.py"], tests=["tests/test_late.py"]
        ),
        task("store", files=["src/more.py"], tests=["tests/test_store.py", "tests/test_more.py"]),
        behaviours=[
            {"id": "B1", "text": "It is due", "test": "acceptance/test_a.py::test_a"},
            {"id": "B2", "text": "It adds"},
        ],
        start="python -m other",
    )
    merged = parse_plan(dump_plan(merged_plan(OLD, change)))
    tasks = {one.id: one for one in merged.tasks}
    assert (merged.name, merged.start, merged.health) == ("todo", OLD.start, OLD.health)
    assert [(one.id, one.text, one.test) for one in merged.behaviours[2:]] == [("B3", "It is due", "")]
    assert merged.skeleton == OLD.skeleton
    assert tasks["store"].tests == ("tests/test_store.py", "tests/test_late.py")
    assert tasks["store"].description == "late. More."
    assert (tasks["due"].files, tasks["due"].depends) == (("src/due.py",), ("store",))
    assert (tasks["store-2"].files, tasks["store-2"].tests) == (("src/more.py",), ("tests/test_more.py",))


def test_a_change_of_the_skeleton_alone_takes_its_file_over() -> None:
    merged = merged_plan(OLD, plan(task("wire", files=["src/app.py"], tests=["tests/test_wire.py"])))
    assert merged.skeleton == ("pyproject.toml",)
    assert merged.tasks[-1].files == ("src/app.py",)


def test_the_bundled_change_belongs_to_its_project_and_comes_to_one_valid_plan() -> None:
    folders = {folder.name: folder for folder in bundled_folders()}
    for folder in bundled_changes():
        change = load_plan(folder / "plan.yaml")
        merged = merged_plan(load_plan(folders["todo-api"] / "plan.yaml"), change)
        assert {one.id for one in change.tasks} <= {one.id for one in merged.tasks}
        for path in (path for one in change.tasks for path in one.files):
            assert (folder / "files" / path).is_file()


def test_a_small_repository_is_shown_whole_and_a_large_one_by_what_is_asked() -> None:
    files = {
        "README.md": "# spans\n",
        "src/parse.py": 'def parse(text: str) -> int:\n    """Seconds."""\n    return 1 + len(text) * 60\n',
        "src/show.py": 'def show(seconds: int) -> str:\n    """Text."""\n    return f"{seconds // 60}m"\n',
        "data.bin": "x" * 5,
    }
    words = "parse drops a blank"
    chosen = chosen_files(list(files), words)
    assert chosen == ["README.md", "src/parse.py", "src/show.py"]
    known = Known(tests=("tests/test_old.py::test_days",))
    read = {path: files[path] for path in chosen}
    whole = survey_text(3, known, list(files), read, words, 4_000, OLD)
    assert "seconds // 60" in whole and "len(text) * 60" in whole
    assert "- data.bin" in whole and "xxxxx" not in whole
    assert "3 tests pass" in whole and "test_days" in whole and '"name": "todo"' in whole
    long = {**read, "src/show.py": read["src/show.py"] + "\n\n" + '# "pad"\n' * 2_000}
    cut = survey_text(3, known, list(files), long, words, 1_500, None)
    assert "len(text) * 60" in cut and "seconds // 60" not in cut
