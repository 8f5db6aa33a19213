"""Reference projects: what they answer, and how a broken one is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest

from codegod_simulator.answer import answer
from codegod_simulator.library import UnknownPrompt, open_library
from codegod_simulator.question import read_question
from codegod_simulator.reference import NothingToWrite, ReferenceFault, load_reference

from .conftest import lay_out


def replaced(path: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        text = (folder / path).read_text(encoding="utf-8")
        assert old in text
        (folder / path).write_text(text.replace(old, new), encoding="utf-8")

    return change


def added(path: str, text: str = "x = 1\n") -> Callable[[Path], None]:
    return lambda folder: void(lay_out(folder, {path: text}))


def removed(path: str) -> Callable[[Path], None]:
    return lambda folder: (folder / path).unlink()


def linked(folder: Path) -> None:
    (folder / "files/README.md").unlink()
    (folder / "files/README.md").symlink_to("/etc/hostname")


def binary(folder: Path) -> None:
    (folder / "files/README.md").write_bytes(b"\xff\xfe")


def void(_: object) -> None: ...


def test_a_task_answers_wrong_first_and_right_then(small_reference: Path) -> None:
    reference = load_reference(small_reference)
    words = reference.task("words")
    assert words is not None
    wanted = ("src/hello/words.py",)
    assert "Hello name" in reference.task_files(words, 1, wanted)["src/hello/words.py"]
    assert 'f"Hello {name}"' in reference.task_files(words, 2, wanted)["src/hello/words.py"]


def test_a_wrong_try_may_touch_what_is_not_its_own(small_reference: Path) -> None:
    lay_out(small_reference, {"wrong/words/1/tests/test_words.py": "def test_hello() -> None: ...\n"})
    reference = load_reference(small_reference)
    words = reference.task("words")
    assert words is not None
    assert set(reference.task_files(words, 1, ("src/hello/words.py",))) == {
        "src/hello/words.py",
        "tests/test_words.py",
    }


def test_a_contract_is_derived(small_reference: Path) -> None:
    reference = load_reference(small_reference)
    assert reference.contract_file("src/hello/words.py") == (
        'def hello(name: str) -> str:\n    """A greeting."""\n    raise NotImplementedError\n'
    )
    assert reference.contract_file("tests/test_words.py") == reference.files["tests/test_words.py"]
    assert reference.contract_file("pyproject.toml") == reference.files["pyproject.toml"]


def test_a_contract_that_is_given_goes_first(small_reference: Path) -> None:
    given = "def hello(name: str) -> str: ...\n"
    lay_out(small_reference, {"contract/src/hello/words.py": given})
    assert load_reference(small_reference).contract_file("src/hello/words.py") == given


def test_a_test_may_stand_in_the_contract_alone(small_reference: Path) -> None:
    test = small_reference / "files/tests/test_words.py"
    lay_out(small_reference, {"contract/tests/test_words.py": test.read_text(encoding="utf-8")})
    test.unlink()
    assert "test_hello" in load_reference(small_reference).contract_file("tests/test_words.py")


@pytest.mark.parametrize(("path", "why"), [("README.md", "only Python"), ("nowhere.py", "does not name it")])
def test_what_no_contract_holds_is_refused_by_name(small_reference: Path, path: str, why: str) -> None:
    with pytest.raises(NothingToWrite, match=f"'{path}'.*{why}"):
        load_reference(small_reference).contract_file(path)


def test_windows_line_ends_are_none_here(small_reference: Path) -> None:
    (small_reference / "files/README.md").write_bytes(b"# hello\r\nthere\r\n")
    assert load_reference(small_reference).files["README.md"] == "# hello\nthere\n"


def test_what_tools_leave_behind_is_no_file(small_reference: Path) -> None:
    (small_reference / "files/src/hello/__pycache__").mkdir()
    (small_reference / "files/src/hello/__pycache__/words.cpython-311.pyc").write_bytes(b"\xff")
    (small_reference / "files/.DS_Store").write_bytes(b"\xff")
    load_reference(small_reference)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (removed("plan.yaml"), "plan.yaml"),
        (replaced("plan.yaml", "skeleton:", "skelleton:"), r"plan.yaml:5: skelleton"),
        (replaced("plan.yaml", "type: backend", "type: bakend"), r"plan.yaml:8: tasks\[0\].type"),
        (
            replaced("plan.yaml", "depends: [words]", "depends: [word]"),
            r"plan.yaml:16: tasks\[1\].depends\[0\].*'word'",
        ),
        (
            replaced("plan.yaml", "files: [README.md]", "files: [pyproject.toml]"),
            r"plan.yaml:15: tasks\[1\].files\[0\].*one owner",
        ),
        (replaced("plan.yaml", "prompts: [Say hello]\n", ""), "plan.yaml:1: prompts: at least one"),
        (replaced("plan.yaml", "[Say hello]", "['  ']"), "plan.yaml:1: prompts: at least one request"),
        (replaced("plan.yaml", "name: hello", "name: a/b"), "plan.yaml:2: name: 'a/b'"),
        (
            replaced("plan.yaml", "README.md]", "READ ME.md]"),
            r"plan.yaml:15: tasks\[1\].files\[0\].*no spaces",
        ),
        (removed("files/README.md"), r"plan.yaml:15: tasks\[1\].files\[0\]: 'README.md' is missing"),
        (
            removed("files/tests/test_words.py"),
            r"plan.yaml:11: tasks\[0\].tests\[0\]: 'tests/test_words.py' is missing",
        ),
        (removed("files/pyproject.toml"), r"plan.yaml:5: skeleton\[0\]: 'pyproject.toml' is missing"),
        (added("files/src/hello/more.py"), "plan.yaml:7: tasks: files/src/hello/more.py has no owner"),
        (added("contract/src/hello/more.py"), "plan.yaml:7: tasks: contract/src/hello/more.py has no owner"),
        (
            added("wrong/wrods/1/src/hello/words.py"),
            "plan.yaml:7: tasks: wrong/wrods/ is for a task.*words, readme",
        ),
        (added("wrong/words/2/src/hello/wrods.py"), "plan.yaml:7: tasks: wrong/words/2/src/hello/wrods.py"),
        (
            added("wrong/words/first/src/hello/words.py"),
            "wrong/words/first/src/hello/words.py:1: wrong: put it under",
        ),
        (
            added("wrong/words/0/src/hello/words.py"),
            "wrong/words/0/src/hello/words.py:1: wrong: put it under",
        ),
        (
            added("wrong/words/01/src/hello/words.py"),
            "wrong/words/01/src/hello/words.py:1: wrong: put it under",
        ),
        (added("wrong/words.py"), "wrong/words.py:1: wrong: put it under"),
        (
            removed("acceptance/test_hello.py"),
            r"plan.yaml:4: behaviours\[0\].test: .*no such file in acceptance/",
        ),
        (
            replaced("acceptance/test_hello.py", "test_hello", "test_bye"),
            r"plan.yaml:4: behaviours\[0\].test: .*no test of that name",
        ),
        (
            replaced("plan.yaml", "acceptance/test_hello.py::", "tests/test_wrods.py::"),
            r"plan.yaml:4: behaviours\[0\].test: .*no such file in files/",
        ),
        (
            replaced("plan.yaml", "::test_hello", "::"),
            r"plan.yaml:4: behaviours\[0\].test: .*name is missing",
        ),
        (
            replaced("files/src/hello/words.py", "return f", "return f f"),
            "files/src/hello/words.py:3: syntax: ",
        ),
        (
            replaced("acceptance/test_hello.py", "assert", "assert assert"),
            "acceptance/test_hello.py:2: syntax: ",
        ),
        (linked, "files/README.md:1: text: is not a plain file"),
        (binary, "files/README.md:1: text: is not UTF-8"),
        (added("files/README.md", "x" * 1_100_000), "files/README.md:1: text: has more than"),
    ],
)
def test_a_broken_reference_is_refused_with_file_line_and_field(
    small_reference: Path, change: Callable[[Path], None], error: str
) -> None:
    load_reference(small_reference)
    change(small_reference)
    with pytest.raises(ReferenceFault, match=error) as caught:
        load_reference(small_reference)
    assert "\n" not in str(caught.value)
    assert all(str(small_reference) in one for one in caught.value.errors)


def test_everything_wrong_is_told_at_once(small_reference: Path) -> None:
    for path in ("README.md", "pyproject.toml"):
        removed(f"files/{path}")(small_reference)
    with pytest.raises(ReferenceFault, match=r"pyproject\.toml.*README\.md") as caught:
        load_reference(small_reference)
    assert len(caught.value.errors) == 2


def test_a_file_in_place_of_a_folder_is_named(small_reference: Path) -> None:
    for path in (small_reference / "plan.yaml", small_reference / "nowhere"):
        with pytest.raises(ReferenceFault, match="not a folder"):
            load_reference(path)


def test_a_wrong_try_may_be_no_python_at_all(small_reference: Path) -> None:
    replaced("wrong/words/1/src/hello/words.py", "return", "return return")(small_reference)
    load_reference(small_reference)


@pytest.mark.parametrize("words", ["Say hello", "  say   HELLO. ", '"Say hello!"', "say\nhello"])
def test_a_prompt_is_known_whatever_its_case_and_spacing(small_reference: Path, words: str) -> None:
    assert open_library([small_reference]).for_prompt(words).plan.name == "hello"


@pytest.mark.parametrize("words", ["Say goodbye", "", "Say", "Say hello twice"])
def test_an_unknown_prompt_is_refused_with_the_known_ones_and_the_way_to_a_model(
    small_reference: Path, words: str
) -> None:
    with pytest.raises(UnknownPrompt) as caught:
        open_library([small_reference]).for_prompt(words)
    for part in (
        "Say hello",
        "Create a REST API for todo management",
        "ANTHROPIC_API_KEY",
        "OLLAMA_HOST",
        "--master",
        "--worker",
    ):
        assert part in str(caught.value)


def test_a_given_project_goes_before_a_bundled_one_of_that_name(small_reference: Path) -> None:
    replaced("plan.yaml", "name: hello", "name: todo-api")(small_reference)
    library = open_library([small_reference])
    assert library.named("todo-api").plan.prompts == ("Say hello",)
    with pytest.raises(UnknownPrompt):
        library.for_prompt("Create a REST API for todo management")


@pytest.mark.parametrize(("old", "new"), [("[Say hello]", "[Say bye]"), ("name: hello", "name: bye")])
def test_two_given_projects_may_not_be_mistaken_for_each_other(
    small_reference: Path, tmp_path: Path, old: str, new: str
) -> None:
    files = {
        p.relative_to(small_reference).as_posix(): p.read_text(encoding="utf-8")
        for p in small_reference.rglob("*")
        if p.is_file()
    }
    twin = lay_out(tmp_path / "twin", files)
    replaced("plan.yaml", old, new)(twin)
    with pytest.raises(ReferenceFault, match=r"plan\.yaml:1: (name|prompts)"):
        open_library([small_reference, twin])


def test_a_bundled_change_is_played_to_who_changes_something_alone() -> None:
    library = open_library([])
    assert library.for_prompt("list overdue todos", change=True).plan.name == "todo-overdue"
    assert library.named("todo-overdue").plan.name == "todo-overdue"
    with pytest.raises(UnknownPrompt) as refused:
        library.for_prompt("List overdue todos")
    assert "overdue" not in str(refused.value).partition("It plays these requests:")[2]
    with pytest.raises(UnknownPrompt, match="List overdue todos"):
        library.for_prompt("Paint it blue", change=True)


def test_existing_files_are_declared_anew_where_the_folder_has_them_so(small_reference: Path) -> None:
    declared = "def hello() -> str:\n    raise NotImplementedError\n"
    owned = next(path for task in load_reference(small_reference).plan.tasks for path in task.files)
    lay_out(small_reference, {f"contract/{owned}": declared})
    text = (
        "Step: contract\nChange: of an existing repository\nProject: hello\nAttempt: 1\n\nFiles to write:\n- pyproject.toml\n\n"
        f"Existing files that you may write again, only to add declarations:\n- {owned}\n- src/other.py\n"
    )
    said = answer(read_question([text]), open_library([small_reference]), "http://127.0.0.1:1")
    assert f"```python {owned}\n{declared}```" in said and "other.py" not in said
