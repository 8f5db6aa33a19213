"""Single definitions of long files: each lands in its own place, and nothing else changes."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegod_workers.splice import (
    BrokenFile,
    NoSuchSymbol,
    NotThatSymbol,
    SeveralSymbols,
    SpliceFault,
    long_files,
    splice,
)
from codegod_workers.syntax import symbols

STORE = '''"""A store."""

import os


class Store:
    """Keeps."""

    def add(self, thing: str) -> int:
        return 1

    @property
    def size(self) -> int:
        return 2


def main() -> int:  # starts it
    return 3
'''


def test_a_method_is_replaced_at_its_own_indentation_however_it_was_written() -> None:
    flush = 'def add(self, thing: str) -> int:\n    """Doc.\n\n    More.\n    """\n    return len("""\nkept\n""")\n'
    spliced = splice("a.py", STORE, {"Store.add": flush})
    assert '    def add(self, thing: str) -> int:\n        """Doc.\n\n        More.\n        """\n' in spliced
    assert '        return len("""\nkept\n""")\n' in spliced
    indented = "".join(
        f"    {line}\n" if line else "\n" for line in flush.replace("\nkept\n", "").splitlines()
    )
    assert "    def add" in splice("a.py", STORE, {"Store.add": indented})


def test_several_parts_land_at_once_and_decorators_belong_to_their_function() -> None:
    spliced = splice(
        "a.py",
        STORE,
        {
            "main": "def main() -> int:\n    return 30\n",
            "Store.size": "@property\ndef size(self) -> int:\n    return 20\n",
        },
    )
    assert spliced == STORE.replace("return 2", "return 20").replace("  # starts it", "").replace(
        "return 3\n", "return 30\n"
    )


def test_typescript_and_go_have_their_own_forms() -> None:
    page = "export class Page {\n  show(n: number): string {\n    return '';\n  }\n}\nexport const f = () => 1;\n"
    spliced = splice(
        "a.ts",
        page,
        {
            "Page.show": "show(n: number): string {\n  return `a\nb`;\n}",
            "f": "export const f = () => 2;",
        },
    )
    assert spliced == page.replace("return '';", "return `a\nb`;").replace("=> 1", "=> 2")
    server = "package a\n\nfunc (s *Server) Add(n int) int { return n }\n\nfunc Add() {}\n"
    part = "func (s *Server) Add(n int) int {\n\treturn n + 1\n}"
    assert splice("a.go", server, {"Server.Add": part}) == server.replace(
        "func (s *Server) Add(n int) int { return n }", part
    )


@pytest.mark.parametrize(
    ("name", "part", "fault"),
    [
        ("missing", "def missing(): ...", NoSuchSymbol),
        ("main", "import sys\ndef main() -> int:\n    return 1", NotThatSymbol),
        ("main", "def other() -> int:\n    return 1", NotThatSymbol),
        ("main", "def main( -> int:\n    return 1", NotThatSymbol),
        ("main", "def main() -> int:\n    return 1\ndef more(): ...", NotThatSymbol),
        ("main", "", NotThatSymbol),
        ("Store.add", "class Store:\n    def add(self): ...", NotThatSymbol),
    ],
)
def test_what_is_not_exactly_the_one_definition_is_refused(
    name: str, part: str, fault: type[SpliceFault]
) -> None:
    with pytest.raises(fault):
        splice("a.py", STORE, {name: part})


def test_a_name_that_is_defined_twice_is_refused() -> None:
    with pytest.raises(SeveralSymbols):
        splice("a.py", "def f(): ...\ndef f(): ...\n", {"f": "def f(): ..."})


def test_a_file_that_parses_no_more_is_refused() -> None:
    with pytest.raises((BrokenFile, NoSuchSymbol)):
        splice("a.py", "def f(:\n", {"f": "def f(): ..."})


def test_only_long_files_that_parse_are_written_in_parts() -> None:
    long = "def f(): ...\n" + "# line\n" * 200
    texts = {
        "a.py": long,
        "b.py": "def f(): ...\n",
        "c.py": long + "def (\n",
        "d.md": long,
        "e.py": long + "\r\n",
    }
    assert long_files(texts) == ("a.py",)


_NAMES = st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=6, unique=True)
_BODIES = st.lists(
    st.sampled_from(["x = 1", 's = """\n q\n"""', "# note", "pass", "return 2"]), min_size=1, max_size=4
)


@given(names=_NAMES, in_class=st.booleans(), body=_BODIES)
def test_all_other_definitions_keep_every_byte(names: list[str], in_class: bool, body: list[str]) -> None:
    indent = "    " if in_class else ""
    text = ("class Box:\n" if in_class else "") + "\n".join(
        f"{indent}def {name}(self):\n{indent}    return {name!r}\n" for name in names
    )
    holder = "Box." if in_class else ""
    part = f"def {names[0]}(self):\n    pass\n" + "".join(f"    {line}\n" for line in body)
    spliced = splice("a.py", text, {f"{holder}{names[0]}": part})
    assert _texts(spliced, holder, names[1:]) == _texts(text, holder, names[1:])
    function = next(node for node in ast.walk(ast.parse(spliced)) if getattr(node, "name", "") == names[0])
    assert ast.dump(function) == ast.dump(ast.parse(part).body[0])


def _texts(text: str, holder: str, names: list[str]) -> list[str]:
    places = {symbol.name: text[symbol.start : symbol.end] for symbol in symbols("a.py", text) or ()}
    return [places[f"{holder}{name}"] for name in names]
