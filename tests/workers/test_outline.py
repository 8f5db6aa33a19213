"""What is left of a file that a worker only calls."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegod_workers.outline import outline

SOURCE = '''from __future__ import annotations

import json
from typing import Any, Mapping

LIMIT = 3
_HIDDEN = 4
_DEFAULT = 5

class Store:
    """Keeps things.

      - an indented line
    """

    size: int = 0

    def add(self, thing: str, *, at: int = _DEFAULT) -> Mapping[str, int]:
        """Add a thing.

        Raises ValueError when it is empty.
        """
        self.size += 1
        return json.loads(self.size)

    @property
    def _count(self) -> int:
        return self.size

    async def drop(self) -> None:
        self.size = _HIDDEN

def short(): return 1
'''

SHOWN = '''from typing import Mapping

LIMIT = 3
_DEFAULT = 5

class Store:
    """Keeps things.

      - an indented line
    """

    size: int = 0

    def add(self, thing: str, *, at: int = _DEFAULT) -> Mapping[str, int]:
        """Add a thing.

        Raises ValueError when it is empty.
        """
        ...

    async def drop(self) -> None:
        ...

def short(): ...
'''


def test_an_outline_is_the_authors_text_with_an_ellipsis_for_each_body() -> None:
    assert outline("a.py", SOURCE) == SHOWN


def test_a_packages_file_keeps_its_imports_which_are_what_it_offers() -> None:
    text = "from app.store import Store\n"
    assert outline("app/__init__.py", text) == text


def test_a_class_of_private_methods_keeps_a_body() -> None:
    assert (
        outline("a.py", "class _Part:\n    def _do(self) -> int:\n        return 1\n")
        == "class _Part:\n    ...\n"
    )


def test_braces_are_emptied_in_typescript_and_go() -> None:
    assert outline("a.ts", "export const f = async (a: string) => { await g(a); };\n") == (
        "export const f = async (a: string) => { ... };\n"
    )
    assert outline("a.go", "package a\n\nfunc Add(a int) int {\n\treturn a\n}\n") == (
        "package a\n\nfunc Add(a int) int { ... }\n"
    )


def test_what_is_not_code_or_does_not_parse_is_shown_whole() -> None:
    assert outline("a.sql", "select 1;") == "select 1;"
    assert outline("a.py", "def broken(:\n") == "def broken(:\n"
    assert outline("a.ts", "export function (") == "export function ("


_STATEMENTS = st.sampled_from(
    [
        "x = 1",
        "import os",
        "def f(a: int) -> int:\n    return a",
        'def g():\n    """Doc."""\n    return 1',
        "def h(): return 2",
        "class C:\n    def _a(self):\n        pass\n    b = 1",
        "@d\nclass D:\n    x: int = 1\n    def m(self) -> 'D':\n        return self",
        "def _p():\n    x = 1",
        "if 1:\n    import sys",
    ]
)


@given(st.lists(_STATEMENTS, max_size=6))
def test_an_outline_parses_and_names_what_is_public(statements: list[str]) -> None:
    text = "\n\n".join(statements) + "\n"
    tree = ast.parse(outline("a.py", text))
    public = {node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    left = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    assert left == public - {"_p"}


@pytest.mark.parametrize("path", ["a.py", "a.ts", "a.go"])
@given(text=st.text(max_size=80))
def test_no_text_breaks_an_outline(path: str, text: str) -> None:
    assert isinstance(outline(path, text), str)


@pytest.mark.parametrize("path", ["a.py", "a.ts"])
def test_what_nests_deeper_than_pythons_stack_breaks_no_outline(path: str) -> None:
    text = "x = " + "(" * 3_000 + "1" + ")" * 3_000 + "\n"
    assert outline(path, text).strip() == text.strip()
