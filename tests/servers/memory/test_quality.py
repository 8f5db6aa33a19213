"""Whether the right function is found: its docstring, taken out of the code, asks for it."""

import ast
import importlib.util
import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from codegod_memory.documents import Labelled, document
from codegod_memory.filters import Filter
from codegod_memory.packing import pack
from codegod_memory.search import find
from codegod_memory.store import Store
from codegod_memory.writing import put_file

PACKAGES = ("anyio", "starlette", "httpx", "rich")
QUESTIONS_A_PACKAGE = 60
# Fewer words could ask for almost anything.
QUESTION_WORDS = 4


class Question(NamedTuple):
    text: str
    source: str
    name: str


def sources_of(package: str) -> Iterator[tuple[str, str]]:
    found = importlib.util.find_spec(package)
    assert found is not None
    assert found.origin is not None
    folder = Path(found.origin).parent
    for path in sorted(folder.rglob("*.py")):
        yield path.relative_to(folder.parent).as_posix(), path.read_text(encoding="utf-8")


def without_docstrings(source: str, text: str) -> tuple[str, list[Question]]:
    """`text` with every docstring blanked, line for line, and what the functions' ones ask."""
    lines = text.split("\n")
    questions: list[Question] = []

    def visit(node: ast.AST, name: str) -> None:
        for child in ast.iter_child_nodes(node):
            inside = name
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                inside = f"{name}.{child.name}".lstrip(".")
                docstring = ast.get_docstring(child)
                if docstring:
                    blank(child.body[0])
                    if len(docstring.split()) >= QUESTION_WORDS and not isinstance(child, ast.ClassDef):
                        questions.append(Question(docstring.split("\n\n")[0], source, inside))
            visit(child, inside)

    def blank(statement: ast.stmt) -> None:
        assert statement.end_lineno is not None
        lines[statement.lineno - 1] = " " * statement.col_offset + "..."
        lines[statement.lineno : statement.end_lineno] = [""] * (statement.end_lineno - statement.lineno)

    visit(ast.parse(text), "")
    return "\n".join(lines), questions


@pytest.mark.long
def test_most_docstrings_find_their_function_and_nearly_all_their_file(tmp_path: Path) -> None:
    asked = in_pack = in_five_files = 0
    for package in PACKAGES:
        store = Store(package, tmp_path / f"{package}.db")
        questions: list[Question] = []
        with store.writing() as connection:
            for source, text in sources_of(package):
                blanked, more = without_docstrings(source, text)
                questions += more
                if blanked.strip():
                    put_file(connection, document(blanked, Labelled("code", source, "indexed")))
        chosen = random.Random(1).sample(questions, min(QUESTIONS_A_PACKAGE, len(questions)))  # noqa: S311
        for question in chosen:
            with store.reading() as connection:
                found = find(connection, question.text, Filter())
            wanted = (question.source, question.name)
            in_pack += wanted in [(one.found.source, one.found.name) for one in pack(found, 2048)]
            in_five_files += question.source in list(dict.fromkeys(one.source for one in found))[:5]
        asked += len(chosen)
        store.close()
    # Measured: 0.70 and 0.90 with these packages; the bounds leave room for their next versions.
    assert asked >= len(PACKAGES) * QUESTIONS_A_PACKAGE * 3 // 4
    assert (in_pack / asked > 0.60, in_five_files / asked > 0.80) == (True, True), (
        in_pack,
        in_five_files,
        asked,
    )
