"""What the simulator reads out of a prompt, and how it words its answers."""

import pytest

from codegod_simulator.answer import fenced
from codegod_simulator.question import NoQuestion, Question, read_question, shown_files

TASK = """Step: task
Project: todo-api
Task: storage
Attempt: 2

# Storage

Files to write:
- src/todo/storage.py
- migrations/0001.sql

# The tests

```tests/test_storage.py
Files to write:
- never.py
```
"""


def test_a_task_is_read() -> None:
    assert read_question([TASK]) == Question(
        "task",
        project="todo-api",
        task="storage",
        attempt=2,
        files=("src/todo/storage.py", "migrations/0001.sql"),
    )


def test_a_plan_is_asked_for_in_the_words_of_the_user() -> None:
    prompt = (
        "Step: plan\nAttempt: 1\n\n<request>\nBuild it.\n\nWith </request> in it\n</request>\n\n# Sheet\n"
    )
    assert read_question([prompt]) == Question("plan", words="Build it.\n\nWith </request> in it")


@pytest.mark.parametrize("fence", ["```", "````", "~~~"])
def test_a_list_inside_a_file_is_not_the_list(fence: str) -> None:
    prompt = (
        f"Step: contract\nProject: p\nAttempt: 1\n\n{fence}md README.md\nFiles to write:\n- no.py\n```python\n{fence}\n\n"
        "Files to write:\n- yes.py\n\n# What was wrong\n- no.py: missing\n"
    )
    if fence == "```":
        prompt = prompt.replace("```python\n", "")
    assert read_question([prompt]).files == ("yes.py",)


def test_the_last_question_of_a_conversation_counts() -> None:
    second = TASK.replace("Attempt: 2", "Attempt: 3")
    assert read_question([TASK, second, "These checks failed."]).attempt == 3


def test_the_acceptance_step_is_asked_for_in_the_words_of_the_user() -> None:
    prompt = "Step: acceptance\nAttempt: 2\n\n<request>\nBuild it.\n</request>\n"
    assert read_question([prompt]) == Question("acceptance", words="Build it.", attempt=2)


def test_files_that_a_prompt_shows_are_read() -> None:
    shown = shown_files("````markdown docs/a.md\n```\nx\n```\n````\ntext\n```python src/b.py\npass\n```\n")
    assert shown == {"docs/a.md": "```\nx\n```", "src/b.py": "pass"}


def test_windows_line_ends_do_not_matter() -> None:
    assert read_question([TASK.replace("\n", "\r\n")]) == read_question([TASK])


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        ([], "no message"),
        (["Hello, who are you?"], "no message"),
        (["Step: dance\n\n"], "'dance' is none of acceptance, plan, contract, task, ruling, replan"),
        (["Step: plan\n\nBuild it"], "no <request>"),
        (["Step: plan\n\n</request>\n<request>"], "no <request>"),
        (["Step: task\nAttempt: many\n"], "'many' is not a number"),
        (["Step: task\nAttempt: 0\n"], "'0' is not a number"),
    ],
)
def test_what_is_no_question_is_refused_with_the_way_to_a_model(texts: list[str], why: str) -> None:
    with pytest.raises(NoQuestion, match=why) as caught:
        read_question(texts)
    assert "ANTHROPIC_API_KEY" in str(caught.value)
    assert "OLLAMA_HOST" in str(caught.value)


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("src/a.py", "x = 1\n", "```python src/a.py\nx = 1\n```\n"),
        ("a.sql", "SELECT 1;", "```sql a.sql\nSELECT 1;\n```\n"),
        ("src/__init__.py", "", "```python src/__init__.py\n```\n"),
        ("README.md", "```\nrun\n```\n", "````markdown README.md\n```\nrun\n```\n````\n"),
        ("b.md", "`````\n", "``````markdown b.md\n`````\n``````\n"),
        ("Dockerfile", "FROM x\n", "```dockerfile Dockerfile\nFROM x\n```\n"),
        (".dockerignore", "*\n", "```text .dockerignore\n*\n```\n"),
    ],
)
def test_files_are_fenced_so_that_nothing_inside_ends_them(path: str, text: str, expected: str) -> None:
    assert fenced({path: text}) == expected


def test_workers_read_the_fences_back() -> None:
    from codegod_workers import parse_answer

    files = {"README.md": "# a\n\n```\nrun\n```\n", "src/a.py": 'X = """\n```\n"""\n', "src/__init__.py": ""}
    assert parse_answer(fenced(files), list(files)).files == files


CHANGE = """Step: contract
Change: of an existing repository
Project: todo-overdue
Attempt: 1

Files to write:
- tests/test_overdue.py

Existing files that you may write again, only to add declarations:
- src/todo/app.py
- src/todo/overdue.py

Asked for later, not now: tests/test_overdue_route.py.
"""


def test_a_question_about_a_change_says_which_files_are_there_already() -> None:
    question = read_question([CHANGE])
    assert question.change
    assert question.files == ("tests/test_overdue.py",)
    assert question.existing == ("src/todo/app.py", "src/todo/overdue.py")
