"""Plans: what hangs together, and errors that name file, line and field."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from codegod_kit import Plan, PlanFault, ToolFault, dump_plan, load_plan, parse_plan

PLAN = """\
name: notes
summary: |
  Keeps notes.
  Finds them again.
stack: {language: python}
behaviours:
  - {id: B1, text: A note that was put can be read}
skeleton: [pyproject.toml, src/notes/__init__.py]
tasks:
  - id: storage
    type: database
    title: Storage
    files: [src/notes/storage.py]
    tests: [tests/test_storage.py]
  - id: api
    type: api
    title: API
    files:
      - src/notes/api.py
    depends: [storage]
"""


def test_a_plan_is_read_with_its_defaults(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(PLAN, encoding="utf-8")
    plan = load_plan(tmp_path / "plan.yaml")
    assert plan.tasks[1].depends == ("storage",)
    assert plan.platforms == ("backend",)
    assert plan.tasks[0].acceptance == ()


def test_a_plan_that_is_written_reads_back_the_same() -> None:
    plan = parse_plan(PLAN)
    text = dump_plan(plan)
    assert parse_plan(text) == plan
    assert "summary: |" in text
    assert "priority" not in text


def test_a_plan_as_json_is_the_same_plan() -> None:
    plan = parse_plan(PLAN)
    assert parse_plan(plan.model_dump_json(indent=2)) == plan


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("type: database", "type: storage", "11: tasks[0].type: Input should be 'backend'"),
        ("id: storage", "id: Storage", "10: tasks[0].id: "),
        ("title: API", "title: ''", "17: tasks[1].title: "),
        ("title: API", "titel: API", "15: tasks[1].title: Field required"),
        ("title: API", "titel: API", "17: tasks[1].titel: Extra inputs"),
        (
            "- src/notes/api.py",
            "- /etc/passwd",
            "19: tasks[1].files[0]: '/etc/passwd' is not a relative path",
        ),
        (
            "- src/notes/api.py",
            "- src/../../x",
            "19: tasks[1].files[0]: 'src/../../x' is not a relative path",
        ),
        ("- src/notes/api.py", "- ./src//api.py", "19: tasks[1].files[0]: write 'src/api.py'"),
        ("- src/notes/api.py", "- ''", "19: tasks[1].files[0]: "),
        (
            "depends: [storage]",
            "depends: [database]",
            "20: tasks[1].depends[0]: no task is called 'database'",
        ),
        (
            "depends: [storage]",
            "depends: [api]",
            "20: tasks[1].depends: tasks wait for each other: api -> api",
        ),
        ("id: api", "id: storage", "15: tasks[1].id: the id 'storage' is taken"),
        (
            "- src/notes/api.py",
            "- src/notes/storage.py",
            "19: tasks[1].files[0]: the file 'src/notes/storage.py' belongs to task 'storage' already",
        ),
        (
            "tests: [tests/test_storage.py]",
            "tests: [pyproject.toml]",
            "14: tasks[0].tests[0]: the file 'pyproject.toml'",
        ),
        ("name: notes", "name: [", "2: "),
        ("name: notes", "name: notes\nname: again", "2: the key 'name' stands here twice"),
        ("name: notes", "name: &x notes\nother: *x", "2: aliases are not taken here"),
        ("name: notes", "name: 2020-99-99", "1: "),
        ("name: notes", "name: notes\n<<: {summary: x}", "2: "),
        ("name: notes", "1: notes", "1: the key 1 is not text"),
        ("name: notes", "name: !!python/object/apply:os.system [ls]", "1: "),
    ],
)
def test_an_error_names_the_line_and_the_field(old: str, new: str, error: str) -> None:
    assert old in PLAN
    with pytest.raises(PlanFault) as caught:
        parse_plan(PLAN.replace(old, new, 1), "plan.yaml")
    assert any(line.startswith(f"plan.yaml:{error}") for line in caught.value.errors), str(caught.value)


def test_a_cycle_is_told_in_the_order_of_waiting() -> None:
    tasks = [
        {"id": name, "type": "backend", "title": name, "files": [f"{name}.py"], "depends": [wanted]}
        for name, wanted in (("a", "b"), ("b", "c"), ("c", "a"))
    ]
    with pytest.raises(PlanFault, match=r"(a -> b -> c -> a|b -> c -> a -> b|c -> a -> b -> c)$"):
        parse_plan(json.dumps({"name": "x", "skeleton": [], "tasks": tasks}))


def test_all_errors_are_told_at_once_and_not_without_end() -> None:
    files = [f"../{number}" for number in range(30)]
    with pytest.raises(PlanFault) as caught:
        parse_plan(json.dumps({"name": "x", "skeleton": files, "tasks": []}))
    assert len(caught.value.errors) == 30
    assert str(caught.value).endswith("and 10 more")


@pytest.mark.parametrize("text", ["", "3", "- a", "[" * 5000, "\x00", "{" * 100 + "}" * 100, "? [a]\n: b"])
def test_what_is_no_plan_is_a_fault(text: str) -> None:
    with pytest.raises(PlanFault):
        parse_plan(text)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff", "is not UTF-8"),
        (b"#" * (1024 * 1024 + 1), "more than 1048576 bytes"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "plan.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PlanFault, match=words) as caught:
        load_plan(path)
    assert str(path) in str(caught.value)


def test_a_plan_fault_may_be_read_by_a_model() -> None:
    assert issubclass(PlanFault, ToolFault)


def test_a_plan_cannot_be_changed() -> None:
    plan: Any = parse_plan(PLAN)
    with pytest.raises(ValueError, match="frozen"):
        plan.name = "other"
    assert Plan.model_validate(plan.model_dump()) == plan


@pytest.mark.parametrize(
    ("start", "health", "why"),
    [
        ("python -m todo && true", "", "no shell runs this"),
        ("python 'todo", "", "is no command line"),
        ("python -m todo", "/health", "needs a start command with {port}"),
        ("python -m todo {port}", "health", "write '/health'"),
    ],
)
def test_how_an_application_cannot_be_started_is_said(start: str, health: str, why: str) -> None:
    text = (
        f"name: todo\nskeleton: [a.py]\ntasks: []\nstart: {json.dumps(start)}\nhealth: {json.dumps(health)}\n"
    )
    with pytest.raises(PlanFault, match=re.escape(why)):
        parse_plan(text)


def test_how_an_application_is_started_is_kept() -> None:
    plan = parse_plan("name: todo\nskeleton: [a.py]\ntasks: []\nstart: A=1 todo {port}\nhealth: /up\n")
    assert parse_plan(dump_plan(plan)) == plan
