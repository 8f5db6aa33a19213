from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegod_memory.chunks import CHUNK_CHARS, Chunk, cut, lines_of

SOURCES = [
    "a.py",
    "a.js",
    "a.ts",
    "a.tsx",
    "a.go",
    "README.md",
    "notes.txt",
    "Makefile",
    "https://example.org/api",
]
LINES = st.sampled_from(
    [
        "def f(a):", "    return a", "class A:", "    @property", "    async def m(self):", "        pass", "# note", "",
        "    ", "if x:", "    class B:", "}", "{", "func (s *S) M() {", "type T struct {", "export const g = () => {",
        "export default class K {", "  m() {", "# Title", "## Part", "```", "~~~", "text text text", '"""', "'''",
        "x = [" + "1, " * 2000 + "]", "\tfoo()", "interface I { a: string }", "/** doc */", "// c", "\f", "a\x0bb\x85c",
    ]
)  # fmt: skip
TEXTS = st.one_of(st.lists(LINES, max_size=60).map("\n".join), st.text(max_size=3 * CHUNK_CHARS))


def named(chunks: Sequence[Chunk]) -> dict[str, str]:
    return {chunk.name: chunk.text for chunk in chunks}


@given(st.sampled_from(SOURCES), TEXTS)
def test_no_text_is_lost_and_every_piece_is_bounded(source: str, text: str) -> None:
    chunks = cut(source, text)
    assert "".join(chunk.text for chunk in chunks) == text
    assert all(0 < len(chunk.text) <= CHUNK_CHARS for chunk in chunks)


@given(st.sampled_from(SOURCES), TEXTS)
def test_every_piece_knows_its_lines(source: str, text: str) -> None:
    lines = lines_of(text)
    chunks = cut(source, text)
    for chunk in chunks:
        assert chunk.text in "".join(lines[chunk.first_line - 1 : chunk.last_line])
    assert all(
        before.last_line <= after.first_line <= before.last_line + 1 for before, after in pairwise(chunks)
    )


def test_a_python_method_is_a_piece_with_its_decorator_and_comment() -> None:
    text = "import a\n\n\nclass Store:\n    rows = []\n\n    # Why.\n    @cached\n    def add(self):\n        def inner():\n            pass\n        return 1\n\n\nLIMIT = 3\n"
    assert [(chunk.name, chunk.first_line, chunk.last_line) for chunk in cut("s.py", text)] == [
        ("", 1, 3),
        ("Store", 4, 6),
        ("Store.add", 7, 12),
        ("", 13, 15),
    ]


def test_a_comment_at_the_end_of_a_line_stays_with_that_line() -> None:
    assert named(cut("s.py", "a = 1  # one\ndef f():\n    pass\n")) == {
        "": "a = 1  # one\n",
        "f": "def f():\n    pass\n",
    }


@pytest.mark.parametrize(
    ("source", "text", "names"),
    [
        ("a.py", "try:\n    import x\nexcept ImportError:\n    def x(): ...\n", {"", "x"}),
        ("a.js", "export default class A {\n  run() {\n  }\n}\nmodule.exports.b = function () {\n}\n", {"A", "A.run", "module.exports.b"}),
        ("a.jsx", "export const C = () => {\n  return <p/>\n}\n", {"C"}),
        ("a.ts", "/** Doc. */\nexport abstract class A {\n  run(): void {\n  }\n  f = () => {\n  }\n}\ninterface I {\n  a: string\n}\n", {"A", "A.run", "A.f", "I"}),
        ("a.tsx", "export function C() {\n  return <p/>\n}\ntype T = { a: 1 }\n", {"C", "T"}),
        ("a.go", "package a\n\n// T is.\ntype T struct{}\n\nfunc (t *T) Run() {\n}\n\nfunc Free[P any]() {\n}\n", {"", "T", "T.Run", "Free"}),
    ],
)  # fmt: skip
def test_functions_and_types_of_each_language_are_named(source: str, text: str, names: set[str]) -> None:
    assert set(named(cut(source, text))) == names


def test_markdown_is_cut_at_its_headings_and_not_inside_fences() -> None:
    text = "Intro\n\n# API\n\nAll.\n\n## Todos\n\n```sh\n# a comment\n```\n\n# Other\nEnd.\n"
    assert [(chunk.name, chunk.first_line) for chunk in cut("README.md", text)] == [
        ("", 1),
        ("API", 3),
        ("API > Todos", 7),
        ("Other", 13),
    ]


def test_a_long_text_is_parted_at_a_blank_line() -> None:
    paragraph = "word " * 300 + "\n\n"
    chunks = cut("notes.txt", paragraph * 4)
    assert {chunk.text for chunk in chunks} == {paragraph}


def test_broken_code_is_still_kept_whole() -> None:
    text = "def f(:\n  ][\nclass\n" * 5
    assert "".join(chunk.text for chunk in cut("a.py", text)) == text


@pytest.mark.parametrize("opening", ["(", "[", "{", "class A:\n ", "f(lambda:", "if x:\n "])
def test_deep_nesting_ends_in_pieces_not_in_a_crash(opening: str) -> None:
    text = "".join(opening.replace("\n ", "\n" + " " * depth) for depth in range(3_000))
    assert "".join(chunk.text for chunk in cut("a.py", text)) == text


@pytest.mark.parametrize(("source", "line"), [("a.py", "def f(): pass\n"), ("a.md", "# a\n")])
def test_data_that_looks_like_code_does_not_become_a_piece_a_line(source: str, line: str) -> None:
    text = line * 12_000
    assert len(cut(source, text)) <= len(text) // (CHUNK_CHARS // 2)
