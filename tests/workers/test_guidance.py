"""What a worker is told beside its task: rules of its own language and kind of work, and no others."""

from typing import get_args

import pytest

from codegod_kit.plan import Task, TaskType
from codegod_workers import Assignment
from codegod_workers.guidance import system_prompt
from codegod_workers.material import Material

STUB = "def add(title: str) -> int:\n    raise NotImplementedError\n"
TEST = "def test_add():\n    assert add('a') == 1\n"
MATERIAL = Material(owned={"src/app/store.py": STUB}, tests={"tests/test_store.py": TEST}, reads={})
NOTHING = Material(owned={}, tests={}, reads={})


def _of_type(task_type: TaskType, *files: str, **stack: str) -> Assignment:
    return Assignment(
        build="b1",
        project="app",
        summary="",
        stack=stack,
        task=Task(id="store", type=task_type, title="Keep todos", files=files),
        attempt="store.1",
        number=1,
        context_tokens=8_192,
        answer_tokens=1_024,
    )


@pytest.mark.parametrize("task_type", get_args(TaskType))
def test_every_type_of_task_has_its_guides(task_type: TaskType) -> None:
    text = system_prompt(_of_type(task_type, "src/app/store.py"), MATERIAL)
    assert "specialist" in text
    assert "This task" in text
    assert "LONG_FILE" not in text


@pytest.mark.parametrize(
    ("task_type", "file"),
    [("testing", "tests/test_app.py"), ("devops", "Dockerfile"), ("documentation", "README.md")],
)
def test_tasks_without_a_stub_hear_nothing_of_stubs_and_shown_tests(task_type: TaskType, file: str) -> None:
    text = system_prompt(_of_type(task_type, file), NOTHING)
    assert "public name" not in text.replace("public names only", "")
    assert "shown tests must pass" not in text
    assert "stub" not in text


def test_a_task_with_a_stub_hears_what_may_be_added() -> None:
    text = system_prompt(_of_type("backend", "src/app/store.py"), MATERIAL)
    assert "You may add imports and private definitions" in text
    assert "The shown tests must pass" in text


@pytest.mark.parametrize("task_type", get_args(TaskType))
def test_sql_is_spoken_of_only_where_the_task_has_to_do_with_it(task_type: TaskType) -> None:
    assignment = _of_type(task_type, "src/app/store.py")
    without, within = (
        system_prompt(assignment, Material(owned={"src/app/store.py": text}, tests={}, reads={}))
        for text in (STUB, f"import sqlite3\n{STUB}")
    )
    assert "sqlite3" in within
    if task_type != "database":
        assert "SQL" not in without


def test_an_example_is_in_the_language_of_the_first_file() -> None:
    assert "````markdown README.md\n# " in system_prompt(_of_type("documentation", "README.md"), NOTHING)
    assert "```typescript src/" in system_prompt(_of_type("frontend", "web/page.ts"), NOTHING)
    assert "```go " in system_prompt(_of_type("backend", "main.go"), NOTHING)
    assert "```yaml " in system_prompt(_of_type("devops", "compose.yaml"), NOTHING)
    assert "linter" not in system_prompt(_of_type("devops", "compose.yaml"), NOTHING)


def test_a_tool_that_runs_once_needs_neither_port_nor_health_check() -> None:
    assert "gets neither" in system_prompt(_of_type("devops", "Dockerfile"), NOTHING)


@pytest.mark.parametrize(
    ("file", "private", "others"),
    [
        ("src/store.py", "private is what begins with `_`", ("not exported", "lower-case", "go.mod")),
        (
            "src/store.ts",
            "private is what is not exported",
            ("begins with `_`", "lower-case", "httpx", "Raise"),
        ),
        (
            "web/store.jsx",
            "private is what is not exported",
            ("begins with `_`", "lower-case", "httpx", "Raise"),
        ),
        (
            "store/store.go",
            "private is what begins with a lower-case letter",
            ("`_`", "not exported", "httpx", "Raise"),
        ),
    ],
)
def test_each_language_has_words_of_its_own(file: str, private: str, others: tuple[str, ...]) -> None:
    text = system_prompt(_of_type("backend", file), Material(owned={file: "x"}, tests={}, reads={}))
    assert private in text
    assert not [word for word in others if word in text]


def test_a_task_in_two_languages_hears_of_both() -> None:
    text = system_prompt(_of_type("frontend", "web/index.html", "web/page.ts", "web/serve.py"), NOTHING)
    assert "not exported" in text
    assert "begins with `_`" in text
    assert "```typescript src/" in text


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("a.py", "```needs\ndependency: httpx>=0.28\n```"),
        ("a.ts", "packages that package.json declares. You cannot add one."),
        ("a.go", "modules that go.mod requires. You cannot add one."),
        ("src/main.rs", "packages that the project declares. You cannot add one."),
    ],
)
def test_packages_are_offered_only_where_they_can_be_added(file: str, said: str) -> None:
    text = system_prompt(_of_type("backend", file), NOTHING)
    assert said in text
    assert ("```needs" in text) == file.endswith(".py")


def test_storage_without_sql_hears_nothing_of_keys_and_migrations() -> None:
    text = system_prompt(_of_type("database", "src/store.ts", database="JSON file"), NOTHING)
    assert not [word for word in ("SQL", "NOT NULL", "migrat", "Commit") if word in text]


def test_keys_belong_to_sql_migrations_to_who_writes_one_and_connections_to_sqlite_in_python() -> None:
    ledger = system_prompt(_of_type("database", "src/ledger.py", database="SQLite"), NOTHING)
    assert "NOT NULL" in ledger
    assert "sqlite3 connection" in ledger
    assert "migrate:up" not in ledger
    schema = system_prompt(_of_type("database", "migrations/0001.sql", database="Postgres"), NOTHING)
    assert "migrate:up" in schema
    assert "sqlite3" not in schema
    assert "sqlite3" not in system_prompt(_of_type("backend", "db.ts", database="SQLite"), NOTHING)


def test_pages_keep_the_markup_that_is_fixed() -> None:
    text = system_prompt(_of_type("frontend", "web/page.ts"), NOTHING)
    assert "Where the description leaves it open: semantic HTML" in text
    assert "nothing is added to it" in text


def test_documents_may_name_what_the_description_names() -> None:
    assert "in the shown files or in the description" in system_prompt(
        _of_type("documentation", "README.md"), NOTHING
    )


def test_a_part_of_a_long_file_is_asked_for_in_its_own_language() -> None:
    text = system_prompt(_of_type("backend", "src/store.tsx"), NOTHING, ["src/store.tsx"])
    assert "```tsx src/store.tsx::Store.add" in text
