"""What a stub becomes when it does nothing: empty values of the declared types, and nothing else changed."""

import asyncio
import inspect
from typing import Any

import pytest

from codegod_orchestrator.hollow.null_bodies import NULL_KINDS, NullKind, nulled

STUB = '''\
"""Todos."""
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Optional, Self

LIMIT = 20

@dataclass(frozen=True)
class Todo:
    title: str

    def shout(self) -> str:
        return self.title.upper()

    def kept(self) -> Self:
        raise NotImplementedError("later")

def count(done: bool = False) -> int:
    """How many there are."""
    raise NotImplementedError

def find(name: str) -> str | None:
    raise NotImplementedError

def maybe(name: str) -> Optional[list[int]]:
    raise NotImplementedError

def page() -> tuple[list[str], int]:
    raise NotImplementedError

def table() -> "Mapping[str, int]":
    raise NotImplementedError

def state() -> Literal["open", "done"]:
    raise NotImplementedError

def first() -> Todo:
    raise NotImplementedError

def lines() -> Iterator[str]:
    raise NotImplementedError
    yield

@contextmanager
def opened() -> Iterator[int]:
    raise NotImplementedError
    yield

async def fetch() -> bool:
    raise NotImplementedError

async def stream() -> AsyncIterator[str]:
    raise NotImplementedError
'''


def _made(kind: NullKind) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "made"}
    exec(compile(nulled(STUB, kind), "made.py", "exec"), names)  # noqa: S102 - the text stands above
    return names


def test_null_bodies_give_none_and_leave_what_is_finished() -> None:
    made = _made("none")
    for name in ("count", "page", "table", "state", "first"):
        assert made[name]() is None, name
    assert made["find"]("x") is None
    assert made["Todo"]("a").shout() == "A"
    assert made["Todo"]("a").kept() is None
    assert made["LIMIT"] == 20
    assert made["count"].__doc__ == "How many there are."
    with made["opened"]() as value:
        assert value is None


def test_default_bodies_give_the_empty_value_of_the_declared_type() -> None:
    made = _made("default")
    assert (made["count"](), made["find"]("x"), made["maybe"]("x")) == (0, "", [])
    assert made["page"]() == ([], 0)
    assert (made["table"](), made["state"](), made["first"]()) == ({}, "open", None)
    todo = made["Todo"]("a")
    assert todo.kept() is todo
    with made["opened"]() as value:
        assert value == 0
    assert asyncio.run(made["fetch"]()) is False


@pytest.mark.parametrize("kind", NULL_KINDS)
def test_a_generator_stays_one_and_gives_nothing(kind: NullKind) -> None:
    made = _made(kind)
    assert list(made["lines"]()) == []
    assert inspect.isasyncgen(made["stream"]())


def test_a_module_without_unfinished_bodies_stays_as_it_is() -> None:
    text = "# kept\nclass Broken(Exception):\n    pass\n"
    assert nulled(text, "none") == text
    with pytest.raises(SyntaxError):
        nulled("def f(:", "none")
