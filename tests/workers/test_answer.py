"""What a model's answer is read as: files where that is unambiguous, a reason to send it back where not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegod_workers import AnswerFault, parse_answer
from codegod_workers.answer import AnswerCut, ForeignFile, NoFiles, TwoVersions, UnnamedFile, json_block

WANTED = ("src/app/storage.py", "src/app/model.py")
CODE = "def add(a: int, b: int) -> int:\n    return a + b\n"


@pytest.mark.parametrize(
    "opening",
    [
        "```python src/app/storage.py",
        "```src/app/storage.py",
        "```python path=src/app/storage.py",
        '```python title="src/app/storage.py"',
        "```python:src/app/storage.py",
        "``` python `src/app/storage.py`",
        "~~~python src/app/storage.py",
        "```python ./src/app/storage.py",
        "```python /workspace/src/app/storage.py",
    ],
)
def test_a_fence_that_names_its_file_is_that_file(opening: str) -> None:
    answer = parse_answer(f"Here you are.\n\n{opening}\n{CODE}{opening[:3]}\n", WANTED)
    assert answer.files == {"src/app/storage.py": CODE}


@pytest.mark.parametrize(
    "before",
    ["**src/app/storage.py**", "### `src/app/storage.py`", "File: src/app/storage.py", "src/app/storage.py:"],
)
def test_a_path_on_the_line_before_names_the_block(before: str) -> None:
    assert parse_answer(f"{before}\n\n```python\n{CODE}```\n", WANTED).files == {"src/app/storage.py": CODE}


def test_a_path_in_a_first_comment_names_the_block_and_stays_in_it() -> None:
    text = f"# src/app/model.py\n{CODE}"
    assert parse_answer(f"```python\n{text}```", WANTED).files == {"src/app/model.py": text}


def test_a_lone_block_is_the_one_file_that_was_wanted() -> None:
    assert parse_answer(f"```python\n{CODE}```", WANTED[:1]).files == {WANTED[0]: CODE}


def test_a_lone_block_in_another_language_is_not_taken_for_the_file() -> None:
    with pytest.raises(UnnamedFile):
        parse_answer("```bash\npip install httpx\n```", WANTED[:1])


def test_a_lone_block_is_nobodys_when_two_files_were_wanted() -> None:
    with pytest.raises(UnnamedFile, match="names no file"):
        parse_answer(f"```python\n{CODE}```", WANTED)


def test_an_open_fence_is_a_cut_answer() -> None:
    with pytest.raises(AnswerCut, match=r"src/app/storage\.py"):
        parse_answer(f"```python src/app/storage.py\n{CODE}", WANTED)


def test_a_missing_closing_fence_does_not_swallow_the_next_file() -> None:
    with pytest.raises(AnswerCut, match=r"src/app/storage\.py"):
        parse_answer(f"```python src/app/storage.py\n{CODE}\n```python src/app/model.py\n{CODE}```\n", WANTED)


def test_fences_inside_a_document_belong_to_it() -> None:
    readme = "# App\n\n```bash\nuv run app\n```\n\nEnd.\n"
    for ticks in ("```", "````"):
        answer = parse_answer(f"{ticks}markdown README.md\n{readme}{ticks}\n", ("README.md",))
        assert answer.files == {"README.md": readme}


def test_a_file_of_somebody_else_is_refused_by_name() -> None:
    with pytest.raises(ForeignFile, match=r"src/app/other\.py"):
        parse_answer(f"```python src/app/other.py\n{CODE}```", WANTED)


def test_two_different_versions_of_a_file_are_refused_and_equal_ones_are_one() -> None:
    block = f"```python src/app/storage.py\n{CODE}```\n"
    assert parse_answer(block + block, WANTED).files == {"src/app/storage.py": CODE}
    with pytest.raises(TwoVersions):
        parse_answer(block + block.replace("a + b", "a - b"), WANTED)


def test_thinking_is_left_out_and_unfinished_thinking_is_a_cut() -> None:
    block = f"```python src/app/storage.py\n{CODE}```"
    draft = block.replace("a + b", "0")
    assert parse_answer(f"<think>first {draft}</think>\n{block}", WANTED).files == {
        "src/app/storage.py": CODE
    }
    with pytest.raises(AnswerCut):
        parse_answer(f"<think>I should {block}", WANTED)


@pytest.mark.parametrize("word", ["BLOCKED", "TOO_BIG", "CONTRACT"])
def test_a_control_line_is_read_when_there_are_no_files(word: str) -> None:
    answer = parse_answer(f"I am sorry.\n**{word}:** Storage.add does not exist\n", WANTED)
    assert (answer.control, answer.reason, answer.files) == (word, "Storage.add does not exist", {})


def test_files_win_over_a_control_line_in_the_prose() -> None:
    answer = parse_answer(f"BLOCKED: nothing\n```python src/app/storage.py\n{CODE}```", WANTED)
    assert answer.control is None
    assert answer.files


def test_needs_are_read_and_anything_else_in_them_is_refused() -> None:
    block = f"```python src/app/storage.py\n{CODE}```\n"
    assert parse_answer(f"{block}```needs\ndependency: httpx>=0.28\n```", WANTED).needs.dependencies == (
        "httpx>=0.28",
    )
    with pytest.raises(AnswerFault, match="is no need"):
        parse_answer(f"{block}```needs\nsudo apt install x\n```", WANTED)


def test_prose_alone_says_how_to_write_a_file() -> None:
    with pytest.raises(NoFiles, match=r"src/app/storage\.py"):
        parse_answer("I would store the todos in a list.", WANTED)


def test_windows_line_ends_are_read_as_line_ends() -> None:
    crlf = f"```python src/app/storage.py\n{CODE}```".replace("\n", "\r\n")
    assert parse_answer(crlf, WANTED).files == {"src/app/storage.py": CODE}


_LINES = st.lists(
    st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=30).filter(
        lambda line: not line.lstrip().startswith(("```", "~~~"))
    ),
    min_size=1,
    max_size=20,
)


@given(_LINES)
def test_whatever_stands_in_a_block_comes_out_unchanged(lines: list[str]) -> None:
    text = "".join(f"{line}\n" for line in lines)
    answer = parse_answer(f"```python src/app/storage.py\n{text}```\n", WANTED)
    assert answer.files == {"src/app/storage.py": text}


@given(_LINES, st.integers(min_value=0))
def test_a_cut_answer_is_never_taken_for_a_whole_one(lines: list[str], at: int) -> None:
    whole = f"```python src/app/storage.py\n{''.join(f'{line}' + chr(10) for line in lines)}```"
    cut = whole[: at % (len(whole) - 2)]
    with pytest.raises(AnswerFault):
        parse_answer(cut, WANTED)


@pytest.mark.parametrize(
    "text", ['```json\n{"a": 1}\n```', 'Sure:\n```json\n{"a": 1}\n```\nDone.', '{"a": 1}']
)
def test_one_json_document_is_found(text: str) -> None:
    assert json_block(text).strip() == '{"a": 1}'


@pytest.mark.parametrize("text", ["no json", "```json\n{}\n```\n```json\n{}\n```"])
def test_no_or_two_json_documents_are_refused(text: str) -> None:
    with pytest.raises(AnswerFault, match="exactly one"):
        json_block(text)
