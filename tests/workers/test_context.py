"""What a worker is asked: every kind of task has its guides, and what does not fit shrinks in a fixed order."""

from typing import get_args

import pytest

from codegod_kit.plan import Task, TaskType
from codegod_models import estimate_tokens
from codegod_workers import Assignment, Finding
from codegod_workers.context import DoesNotFit, Material, build_request
from codegod_workers.guidance import system_prompt

TASK = Task(
    id="store",
    type="backend",
    title="Keep todos",
    description="Keep them in a list.",
    files=("src/app/store.py",),
    tests=("tests/test_store.py",),
)
STUB = "def add(title: str) -> int:\n    raise NotImplementedError\n"
TEST = "def test_add():\n    assert add('a') == 1\n"
OTHER = (
    'def other(a: int) -> int:\n    """Twice a. Raises ValueError."""\n'
    + "    a += 1\n" * 80
    + "    return a\n"
)
MATERIAL = Material(
    owned={"src/app/store.py": STUB},
    tests={"tests/test_store.py": TEST},
    reads={"src/app/other.py": OTHER},
    recalled="GET /todos lists them. " * 20,
)


def _assignment(context_tokens: int = 8_192, **more: object) -> Assignment:
    given = {
        "build": "b1",
        "project": "app",
        "summary": "",
        "stack": {},
        "task": TASK,
        "attempt": "store.2",
        "number": 2,
        "context_tokens": context_tokens,
        "answer_tokens": 1_024,
    }
    return Assignment.model_validate(given | more)


NOTHING = Material(owned={}, tests={}, reads={})


def _of_type(task_type: TaskType, *files: str, **more: object) -> Assignment:
    return _assignment(task=TASK.model_copy(update={"type": task_type, "files": files, **more}))


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
    text = system_prompt(_assignment(), MATERIAL)
    assert "You may add imports, and private functions" in text
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


PROJECT = {
    "pyproject.toml": '[project]\nname = "words"\n',
    "Dockerfile": "FROM python:3.12-slim\n",
    "src/words/__main__.py": "from words.counting import count\n\ncount('a')\n",
    "src/words/counting.py": "def count(text: str) -> int:\n    return len(text.split())\n",
    "tests/test_e2e.py": "def test_it_counts():\n    assert run('a b') == '2'\n",
}


def test_a_devops_task_sees_manifests_what_starts_it_and_names() -> None:
    text = _asked(_of_type("devops", "compose.yaml"), PROJECT)
    assert 'name = "words"' in text
    assert "count('a')" in text
    assert "# Other files of the project, names only\n\n- src/words/counting.py\n- tests/test_e2e.py" in text
    assert "text.split()" not in text


def test_a_documentation_task_sees_test_bodies_and_container_files_and_signatures_of_modules() -> None:
    text = _asked(_of_type("documentation", "README.md"), PROJECT)
    assert "assert run('a b') == '2'" in text
    assert "FROM python" in text
    assert "signatures only" in text
    assert "def count(text: str) -> int:\n    ..." in text


def test_signatures_say_that_they_are_no_whole_files() -> None:
    text = _asked(_assignment(), {**PROJECT, "src/app/other.py": OTHER})
    whole, _, cut = text.partition("signatures only, `...` stands for a body that is left out")
    assert "text.split()" in whole
    assert "Twice a." in cut
    assert "a += 1" not in text


def _asked(assignment: Assignment, reads: dict[str, str]) -> str:
    return build_request(assignment, Material(owned={}, tests={}, reads=reads)).messages[0].text


def test_single_definitions_may_be_written_of_a_long_file_alone() -> None:
    long = "".join(f"def f{number}() -> int:\n    return {number}\n\n\n" for number in range(60))
    material = Material(owned={"src/app/store.py": long, "src/app/model.py": STUB}, tests={}, reads={})
    system = build_request(_assignment(), material).system
    assert "These files are long: src/app/store.py." in system
    assert "::" not in build_request(_assignment(), MATERIAL).system


def test_a_prompt_begins_with_what_it_is_about_and_lists_the_files_to_write() -> None:
    (message,) = build_request(_assignment(), MATERIAL).messages
    assert message.text.startswith("Step: task\nProject: app\nTask: store\nAttempt: 2\n\n")
    assert "Files to write:\n- src/app/store.py\n" in message.text
    for part in (STUB.strip(), TEST.strip(), "GET /todos", "Raises ValueError"):
        assert part in message.text


def test_bodies_of_long_files_go_and_the_contract_stays_whatever_the_context() -> None:
    whole = build_request(_assignment(), MATERIAL).messages[0].text
    assert "a += 1" not in whole
    floor = estimate_tokens(system_prompt(_assignment(), MATERIAL)) + 1_024 + 200
    small = build_request(_assignment(floor + 260), MATERIAL).messages[0].text
    assert "GET /todos" not in small
    assert STUB.strip() in small
    assert TEST.strip() in small
    with pytest.raises(DoesNotFit):
        build_request(_assignment(floor + 20), MATERIAL)


def test_a_repair_is_told_what_was_wrong_and_that_its_answer_stands_there() -> None:
    finding = Finding(stage="types", path="src/app/store.py", line=2, rule="return", message="int expected")
    text = build_request(_assignment(kind="repair", findings=(finding,)), MATERIAL).messages[0].text
    assert "Your last answer stands above" in text
    assert "- src/app/store.py:2: [return] int expected" in text
