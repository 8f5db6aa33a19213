"""What a played master answers beside plans and contracts: behaviours with tests, rulings, and revised plans."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from codegod_kit.plan import Plan
from codegod_simulator.answer import answer
from codegod_simulator.library import Library, UnknownPrompt
from codegod_simulator.question import read_question
from codegod_simulator.reference import ReferenceFault, load_reference
from codegod_workers import parse_answer
from codegod_workers.answer import fenced, json_block

WRONG_TEST = (
    "from hello.words import hello\n\n\ndef test_hello() -> None:\n    assert hello('Ann') == 'Bye Ann'\n"
)
RULING = "Step: ruling\nProject: hello\nTask: words\nAttempt: 1\n\n# The contract\n\n{files}\n"


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    return folder


def ask(folder: Path, prompt: str) -> str:
    return answer(read_question([prompt]), Library([load_reference(folder)]), "http://127.0.0.1:1")


def data(text: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(json_block(text))
    return found


def test_behaviours_come_with_their_tests_and_no_plan(small_reference: Path) -> None:
    said = ask(small_reference, "Step: acceptance\nAttempt: 1\n\n<request>\nSay hello\n</request>\n")
    assert data(said) == {
        "behaviours": [{"id": "B1", "text": "It says hello", "test": "acceptance/test_hello.py::test_hello"}],
        "start": "",
        "health": "",
    }
    assert set(parse_answer(said, ()).files) == {"acceptance/test_hello.py"}


def test_a_plan_that_the_user_wrote_is_known_by_its_name(small_reference: Path) -> None:
    words = "<request>\nBuild it anyway\n</request>\n"
    said = ask(small_reference, f"Step: acceptance\nProject: hello\nAttempt: 1\n\n{words}")
    assert data(said)["behaviours"]
    with pytest.raises(UnknownPrompt):
        ask(small_reference, f"Step: acceptance\nAttempt: 1\n\n{words}")


def test_a_contract_that_the_folder_calls_wrong_is_written_blamed_and_mended(small_reference: Path) -> None:
    write(small_reference, {"wrong/contract/1/tests/test_words.py": WRONG_TEST})
    question = "Step: contract\nProject: hello\nAttempt: {}\n\nFiles to write:\n- tests/test_words.py\n"
    wrong = parse_answer(ask(small_reference, question.format(1)), ()).files["tests/test_words.py"]
    right = parse_answer(ask(small_reference, question.format(2)), ()).files["tests/test_words.py"]
    assert (wrong, "Hello Ann" in right) == (WRONG_TEST, True)

    blamed = ask(small_reference, RULING.format(files=fenced("tests/test_words.py", wrong)))
    assert data(blamed)["ruling"] == "test"
    assert parse_answer(blamed, ()).files == {"tests/test_words.py": right}
    fine = ask(small_reference, RULING.format(files=fenced("tests/test_words.py", right)))
    assert data(fine)["ruling"] == "code"


def test_a_wrong_stub_is_a_wrong_specification(small_reference: Path) -> None:
    stub = "def hello(who: int) -> str:\n    raise NotImplementedError\n"
    write(small_reference, {"wrong/contract/1/src/hello/words.py": stub})
    said = ask(small_reference, RULING.format(files=fenced("src/hello/words.py", stub)))
    assert data(said)["ruling"] == "spec"
    assert "name: str" in parse_answer(said, ()).files["src/hello/words.py"]


def test_a_wrong_try_may_be_words(small_reference: Path) -> None:
    write(small_reference, {"wrong/words/2/answer.txt": "TOO_BIG: three things at once\n"})
    question = (
        "Step: task\nProject: hello\nTask: words\nAttempt: 2\n\nFiles to write:\n- src/hello/words.py\n"
    )
    assert ask(small_reference, question) == "TOO_BIG: three things at once\n"


def test_a_wrong_plan_is_told_first_and_revised_without_touching_what_is_done(small_reference: Path) -> None:
    plan = (small_reference / "plan.yaml").read_text("utf-8")
    wrong = plan.replace("title: README", "title: All of it").replace("title: The words", "title: Some words")
    write(small_reference, {"wrong/plan/1/plan.yaml": wrong})
    words = "\n\n<request>\nSay hello\n</request>\n"
    first = ask(small_reference, f"Step: plan\nAttempt: 1{words}")
    assert [task.title for task in Plan.model_validate(data(first)).tasks] == ["Some words", "All of it"]
    second = ask(small_reference, f"Step: plan\nAttempt: 2{words}")
    assert [task.title for task in Plan.model_validate(data(second)).tasks] == ["The words", "README"]

    shown = f"# The plan\n\n{first}\n# The state of its tasks\n\n- words: accepted\n- readme: ready\n"
    revised = ask(small_reference, f"Step: replan\nProject: hello\nTask: readme\nAttempt: 1\n\n{shown}")
    assert [task.title for task in Plan.model_validate(data(revised)).tasks] == ["Some words", "README"]


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("wrong/contract/1/src/hello/nobody.py", "names no such file"),
        ("wrong/plan/1/plan.yml", "a wrong plan is this one file"),
        ("wrong/plan/1/plan.yaml", "skeleton"),
    ],
)
def test_a_wrong_contract_or_plan_that_cannot_be_played_is_refused(
    small_reference: Path, path: str, why: str
) -> None:
    write(small_reference, {path: "name: hello\n"})
    with pytest.raises(ReferenceFault, match=why):
        load_reference(small_reference)
