"""What a worker may add to a stub, and what it may not change."""

import pytest

from codegod_orchestrator.signatures import drift

STUB = '''\
from dataclasses import dataclass
from typing import Optional, List

LIMIT: int = 20


class NotFound(LookupError):
    """Nothing there."""


@dataclass(frozen=True)
class Todo:
    title: str
    done: bool = False

    @property
    def short(self) -> str:
        raise NotImplementedError


class Store:
    def __init__(self, path: str) -> None:
        raise NotImplementedError

    def add(self, title: str, *, done: bool = False) -> Todo:
        """Add one."""
        raise NotImplementedError

    def find(self, name: Optional[str] = None) -> List[Todo]:
        raise NotImplementedError


async def load(path: str) -> Store:
    raise NotImplementedError
'''


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Optional[str] = None) -> List[Todo]", "str | None = None) -> list['Todo']"),
        ("*, done: bool = False)", "*, done: bool = False, due: str = '')"),
        ("LIMIT: int = 20", "LIMIT: int = 30\nMORE = 1\n\ndef _inner(): ..."),
        ("    @property\n", "    @functools.cache\n    @property\n"),
        (
            "class NotFound(LookupError):\n",
            "class NotFound(LookupError):\n    def told(self):\n        return 1\n\n",
        ),
        ("async def load(path: str) -> Store:\n    raise NotImplementedError\n", "from app.io import load\n"),
    ],
)
def test_what_is_added_or_spelled_otherwise_is_no_drift(before: str, after: str) -> None:
    assert before in STUB
    assert drift(STUB, STUB.replace(before, after), "src/app/store.py") == ()


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("def add(", "def create(", "`Store.add` is gone"),
        ("title: str, *", "name: str, *", "parameter `title` is gone"),
        ("title: str, *", "title: bytes, *", "`str` and is `bytes`"),
        ("title: str, *", "title, *", "without a type"),
        ("title: str, *", "title: str, owner: int, *", "`owner` has no default"),
        ("title: str, *, done", "title: str, done", "can no longer be passed"),
        ("done: bool = False)", "done: bool)", "lost its default"),
        (") -> Todo:", ") -> int:", "return type was `Todo` and is `int`"),
        ("-> List[Todo]", "-> List[str]", "`list[Todo]` and is `list[str]`"),
        ("async def load", "def load", "was a async function"),
        ("    @property\n", "", "way of being called"),
        ("    done: bool = False\n", "", "`Todo.done` is gone"),
        ("    title: str\n", "    title: int\n", "type was `str` and is `int`"),
        ("@dataclass(frozen=True)", "@dataclass", "dataclass decorator"),
        ("(LookupError)", "(Exception)", "base `LookupError`"),
        ("LIMIT: int = 20", "", "`LIMIT` is gone"),
        (
            "class NotFound(LookupError):",
            "def NotFound():",
            "was a class and is a function",
        ),
    ],
)
def test_a_lost_or_changed_signature_is_named(before: str, after: str, told: str) -> None:
    assert before in STUB
    (finding,) = drift(STUB, STUB.replace(before, after), "src/app/store.py")
    assert told in finding.message
    assert (finding.stage, finding.path) == ("signatures", "src/app/store.py")


def test_a_lost_class_is_told_once_and_a_broken_file_is_left_to_the_checks() -> None:
    (finding,) = drift(STUB, STUB.replace("class Store:", "class _Store:"), "a.py")
    assert "class Store" in finding.message
    assert drift(STUB, "def broken(:", "a.py") == ()
