"""What a worker is asked: every kind of task has its guides, and what does not fit shrinks in a fixed order."""

from typing import Any

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


def test_documents_of_an_application_are_written_from_what_its_users_meet() -> None:
    rest = {
        "src/words/settings.py": "PORT = 8000\n",
        "src/words/routes.py": 'def read(request):\n    """GET /words."""\n    return request.x\n',
        "tests/test_counting.py": "def test_two():\n    assert count('a b') == 2\n",
        "tsconfig.json": '{"compilerOptions": {}}',
    }
    text = _asked(_of_type("documentation", "README.md"), {**PROJECT, **rest})
    whole, _, named = text.partition("names only\n\n")
    for part in (
        "assert run('a b') == '2'",
        "FROM python",
        "count('a')",
        "PORT = 8000",
        '"""GET /words."""\n    ...',
    ):
        assert part in whole
    assert named.split("\n\n")[0] == "- src/words/counting.py\n- tests/test_counting.py\n- tsconfig.json"


def test_documents_of_a_library_are_written_from_its_signatures_and_tests() -> None:
    library = {
        "src/words/counting.py": PROJECT["src/words/counting.py"],
        "tests/test_counting.py": "def test_two():\n    assert count('a b') == 2\n",
    }
    text = _asked(_of_type("documentation", "README.md"), library)
    assert "assert count('a b') == 2" in text
    assert "def count(text: str) -> int:\n    ..." in text


def test_where_little_fits_documents_keep_what_starts_the_application() -> None:
    reads = {**PROJECT, "tests/test_e2e.py": "def test_it():\n" + "    assert run('a b') == '2'\n" * 200}
    floor = estimate_tokens(system_prompt(_of_type("documentation", "README.md"), NOTHING)) + 1_024 + 200
    text = _asked(
        _of_type("documentation", "README.md").model_copy(update={"context_tokens": floor + 400}), reads
    )
    assert "count('a')" in text
    assert "FROM python" in text
    assert "- tests/test_e2e.py" in text


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


@pytest.mark.parametrize(("stage", "reminded"), [("tests", True), ("types", False)])
def test_who_fails_a_test_is_reminded_that_the_test_may_be_wrong(stage: str, reminded: bool) -> None:
    finding = Finding(stage=stage, path="tests/test_store.py::test_add", message="assert 3 == 4")
    text = build_request(_assignment(kind="repair", findings=(finding,)), MATERIAL).messages[0].text
    assert ("`CONTRACT: REASON`" in text) is reminded


def test_a_devops_task_sees_settings_and_no_pages_or_schemas() -> None:
    reads = {
        **PROJECT,
        "src/words/settings.py": "PORT = 8000\n",
        "public/index.html": "<h1>Words</h1>\n",
        "migrations/0001.sql": "CREATE TABLE words (word TEXT);\n",
    }
    text = _asked(_of_type("devops", "compose.yaml"), reads)
    assert "PORT = 8000" in text
    assert "FROM python" in text
    assert "- public/index.html\n- migrations/0001.sql" in text
    assert "CREATE TABLE" not in text


def test_the_skeleton_is_shown_where_the_task_leads_to_it_and_by_name_elsewhere() -> None:
    errors = "class TooLong(Exception):\n    pass\n"
    reads = {
        "pyproject.toml": PROJECT["pyproject.toml"] + "\n[tool.ruff]\nline-length = 9\n",
        "src/app/errors.py": errors,
    }
    skeleton: dict[str, Any] = {"reads": tuple(reads), "skeleton": tuple(reads)}
    told = TASK.model_copy(update={"description": "Long titles raise TooLong."})
    for task, known in ((TASK, False), (told, True)):
        material = Material(MATERIAL.owned, MATERIAL.tests, reads)
        text = build_request(_assignment(task=task, **skeleton), material).messages[0].text
        assert (errors.strip() in text) == known
        assert ("names only\n\n- src/app/errors.py" in text) == (not known)
        assert 'name = "words"' in text
        assert "line-length" not in text
