"""What a start command runs, and whether the plan has it."""

import pytest

from codegod_orchestrator.entry import Entry, entry_files, entry_of, missing_entry


@pytest.mark.parametrize(
    ("start", "entry"),
    [
        ("python -m todo --port {port}", Entry("todo", ("--port", "8000"))),
        (
            "TODO_PORT={port} A=b python3 -m todo.server x=1",
            Entry("todo.server", ("x=1",), ("TODO_PORT=8000", "A=b")),
        ),
        ("uvicorn todo.app:app --port {port}", None),
        ("python", None),
        ("", None),
    ],
)
def test_the_module_of_a_start_command(start: str, entry: Entry | None) -> None:
    assert entry_of(start) == entry


def test_an_entry_is_a_package_with_a_main_or_a_module_below_src_or_not() -> None:
    files = ["src/todo/__main__.py", "src/todo/server.py", "tool.py"]
    assert entry_files("todo", files) == ("src/todo/__main__.py", "todo.__main__")
    assert entry_files("todo.server", files) == ("src/todo/server.py", "todo.server")
    assert entry_files("tool", files) == ("tool.py", "tool")
    assert entry_files("uvicorn", files) == entry_files("", files) == ("", "")


def test_a_plan_without_the_module_that_starts_it_is_told_which_file_to_add() -> None:
    (finding,) = missing_entry("python -m todo --port {port}", ["src/todo/__init__.py", "src/todo/app.py"])
    assert "'src/todo/__main__.py'" in finding.message
    assert missing_entry("python -m todo", ["src/todo/__main__.py"]) == ()
    assert missing_entry("python -m http.server {port}", ["src/todo/app.py"]) == ()
