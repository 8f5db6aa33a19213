"""What a worker is asked: every kind of task has its guides, and what does not fit shrinks in a fixed order."""

from typing import get_args

import pytest

from codegod_kit.plan import Task, TaskType
from codegod_models import estimate_tokens
from codegod_workers import Assignment, Finding
from codegod_workers.context import DoesNotFit, Material, build_request, system_prompt

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


@pytest.mark.parametrize("task_type", get_args(TaskType))
def test_every_type_of_task_has_its_guides(task_type: TaskType) -> None:
    text = system_prompt(task_type)
    assert "specialist" in text
    assert "This task" in text


def test_a_prompt_begins_with_what_it_is_about_and_lists_the_files_to_write() -> None:
    (message,) = build_request(_assignment(), MATERIAL).messages
    assert message.text.startswith("Step: task\nProject: app\nTask: store\nAttempt: 2\n\n")
    assert "Files to write:\n- src/app/store.py\n" in message.text
    for part in (STUB.strip(), TEST.strip(), "GET /todos", "Raises ValueError"):
        assert part in message.text


def test_bodies_of_long_files_go_and_the_contract_stays_whatever_the_context() -> None:
    whole = build_request(_assignment(), MATERIAL).messages[0].text
    assert "a += 1" not in whole
    floor = estimate_tokens(system_prompt("backend")) + 1_024 + 200
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
