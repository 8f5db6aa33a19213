"""What a model's answer is read as: files where that is unambiguous, a reason to send it back where not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegod_workers import AnswerFault, parse_answer
from codegod_workers.answer import (
    AnswerCut,
    FilesInJson,
    ForeignFile,
    NoFiles,
    NotInParts,
    TwoVersions,
    UnnamedFile,
    json_block,
)

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


@pytest.mark.parametrize("tag", ["think", "thinking", "reasoning"])
def test_thoughts_between_files_go_and_such_words_in_a_file_stay(tag: str) -> None:
    code = f"def strip(text: str) -> str:\n    return text.split('</{tag}>')[1]\n<{tag}>\nx\n</{tag}>\n"
    text = f"<{tag}>maybe\n```python src/app/storage.py\n{CODE}```\n</{tag}>\n```python src/app/model.py\n{code}```\n"
    assert parse_answer(text, WANTED).files == {"src/app/model.py": code}


def test_thoughts_whose_opening_mark_the_template_has_swallowed_go_as_well() -> None:
    text = f"First I read the tests.\n```python\nx = 1\n</think>\n```python src/app/model.py\n{CODE}```\n"
    assert parse_answer(text, WANTED).files == {"src/app/model.py": CODE}


@pytest.mark.parametrize(
    "before",
    [
        "Here is the file src/app/storage.py:",
        '<file path="src/app/storage.py">',
        "2. `src/app/storage.py`",
        "filename: src/app/storage.py",
    ],
)
def test_a_line_that_ends_with_the_path_names_the_block_after_it(before: str) -> None:
    assert parse_answer(f"{before}\n```python\n{CODE}```\n", WANTED).files == {"src/app/storage.py": CODE}


def test_a_first_line_that_is_the_path_and_nothing_else_is_the_name_and_not_the_text() -> None:
    assert parse_answer(f"```python\nsrc/app/model.py\n{CODE}```", WANTED).files == {"src/app/model.py": CODE}


def test_a_fence_around_a_fence_is_one_file_and_a_documents_fences_stay() -> None:
    nested = f"````python src/app/model.py\n```python\n{CODE}```\n````\n"
    assert parse_answer(nested, WANTED).files == {"src/app/model.py": CODE}
    document = "````markdown README.md\n```bash\nls\n```\n````\n"
    assert parse_answer(document, ("README.md",)).files == {"README.md": "```bash\nls\n```\n"}


_JSON_FILES = [
    '{"name": "file_write", "arguments": {"path": "src/app/model.py", "content": "x = 1\\n"}}',
    '<tool_call>\n{"name": "file_write", "parameters": {"file_path": "src/app/model.py", "text": "x = 1\\n"}}\n</tool_call>',
    '```json\n{"files": [{"path": "src/app/model.py", "content": "x = 1\\n"}]}\n```',
    '{"src/app/model.py": "x = 1\\n"}',
    '[{"type": "function", "function": {"name": "write", "arguments": "{\\"filename\\": \\"src/app/model.py\\", '
    '\\"code\\": \\"x = 1\\\\n\\"}"}}]',
]


@pytest.mark.parametrize("text", _JSON_FILES)
def test_files_in_json_are_recognised_and_taken_only_from_a_model_that_loses_nothing_there(text: str) -> None:
    with pytest.raises(FilesInJson, match="call no tool"):
        parse_answer(text, WANTED)
    assert parse_answer(text, WANTED, in_json=True).files == {"src/app/model.py": "x = 1\n"}
    with pytest.raises(AnswerFault):
        parse_answer(text, WANTED[:1], in_json=True)


@pytest.mark.parametrize("text", _JSON_FILES)
def test_a_call_that_is_cut_is_no_call(text: str) -> None:
    for at in range(1, len(text) - 1):
        with pytest.raises(AnswerFault):
            parse_answer(text[:at], WANTED, in_json=True)


@pytest.mark.parametrize(
    "text",
    [
        '{"control": "BLOCKED", "reason": "Storage.add"}',
        '```json\n{"status": "blocked", "symbol": "Storage.add"}\n```',
        '{"blocked": "Storage.add"}',
        "```\nBLOCKED: Storage.add\n```",
        "- `BLOCKED: Storage.add`",
    ],
)
def test_a_control_word_is_read_under_other_keys_and_in_other_clothes(text: str) -> None:
    answer = parse_answer(text, WANTED)
    assert (answer.control, answer.reason) == ("BLOCKED", "Storage.add")


def test_definitions_of_a_long_file_are_parts_and_of_a_short_one_are_refused() -> None:
    text = f"```python src/app/model.py::add\n{CODE}```\n"
    assert parse_answer(text, WANTED, long=WANTED).parts == {"src/app/model.py": {"add": CODE}}
    with pytest.raises(NotInParts):
        parse_answer(text, WANTED)
    with pytest.raises(ForeignFile):
        parse_answer(text.replace("model", "other"), WANTED, long=WANTED)
    with pytest.raises(TwoVersions):
        parse_answer(text + text.replace("::add", ""), WANTED, long=WANTED)


@given(st.text(alphabet='`~<>/think{}[]":,\n aPy.=', max_size=120))
def test_whatever_a_model_says_is_an_answer_or_a_reason(text: str) -> None:
    try:
        answer = parse_answer(text, WANTED, long=WANTED, in_json=True)
    except AnswerFault as fault:
        assert str(fault)
    else:
        assert answer.files or answer.parts or answer.control


@given(_LINES, _LINES)
def test_the_text_of_a_file_is_in_the_answer_word_for_word(lines: list[str], prose: list[str]) -> None:
    text = "".join(f"{line}\n" for line in lines)
    said = "".join(f"{line}\n" for line in prose)
    whole = f"{said}\n```python src/app/storage.py\n{text}```\n{said}"
    try:
        answer = parse_answer(whole, WANTED)
    except AnswerFault:
        return  # prose that looks like unfinished thinking
    assert answer.files == {"src/app/storage.py": text}


@pytest.mark.parametrize(
    ("path", "tag"),
    [("src/a.py", "python"), ("src/a.ts", "typescript"), ("web/a.tsx", "tsx"), ("a/a.go", "go")],
)
def test_the_example_of_a_refusal_is_in_the_language_of_the_file(path: str, tag: str) -> None:
    with pytest.raises(NoFiles, match=f"```{tag} {path}"):
        parse_answer("Done.", (path,))
    with pytest.raises(FilesInJson, match=f"```{tag} {path}"):
        parse_answer(f'{{"path": "{path}", "content": "x"}}', (path,))


@pytest.mark.parametrize(
    ("path", "tag"), [("web/a.tsx", "tsx"), ("web/a.jsx", "javascript"), ("a.mts", "ts")]
)
def test_a_lone_block_in_the_language_of_the_file_is_that_file(path: str, tag: str) -> None:
    assert parse_answer(f"```{tag}\nexport {{}};\n```\n", (path,)).files == {path: "export {};\n"}
