"""Todos in one SQLite file."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from todo.errors import TodoNotFound
from todo.models import TodoChanges, TodoDraft
from todo.settings import MIGRATIONS
from todo.storage import TodoStore

START = datetime(2026, 1, 1, tzinfo=UTC)
LATER = datetime(2026, 1, 2, tzinfo=UTC)
UNKNOWN_IDS = [0, 99, -1, 2**63, 10**30]


def open_store(folder: Path) -> TodoStore:
    return TodoStore.open(folder / "todo.db", MIGRATIONS)


def test_a_todo_is_stored_and_read_back(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    stored = store.add(TodoDraft("Buy milk", "two litres", date(2026, 1, 5)))
    assert (stored.id, stored.title, stored.notes) == (1, "Buy milk", "two litres")
    assert (stored.done, stored.due) == (False, date(2026, 1, 5))
    assert stored.created_at == stored.updated_at
    assert open_store(tmp_path).get(1) == stored


def test_times_are_those_of_the_clock(tmp_path: Path) -> None:
    open_store(tmp_path)
    times = iter([START, LATER])
    store = TodoStore(tmp_path / "todo.db", now=lambda: next(times))
    store.add(TodoDraft("x"))
    changed = store.change(1, TodoChanges(done=True))
    assert (changed.created_at, changed.updated_at) == (START, LATER)
    assert store.get(1) == changed


def test_a_change_is_kept(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.add(TodoDraft("x", due=date(2026, 1, 5)))
    store.change(1, TodoChanges(title="y", notes="z", done=True, clear_due=True))
    kept = store.get(1)
    assert (kept.title, kept.notes, kept.done, kept.due) == ("y", "z", True, None)


def test_a_removed_todo_is_gone_and_its_id_is_not_used_again(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.add(TodoDraft("x"))
    store.remove(1)
    with pytest.raises(TodoNotFound):
        store.get(1)
    assert store.add(TodoDraft("y")).id == 2


@pytest.mark.parametrize("todo_id", UNKNOWN_IDS)
def test_an_unknown_todo_is_not_found(tmp_path: Path, todo_id: int) -> None:
    store = open_store(tmp_path)
    with pytest.raises(TodoNotFound, match=str(todo_id)):
        store.get(todo_id)
    with pytest.raises(TodoNotFound):
        store.change(todo_id, TodoChanges(done=True))
    with pytest.raises(TodoNotFound):
        store.remove(todo_id)


def test_pages_follow_each_other(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    for number in range(5):
        store.add(TodoDraft(f"todo {number}"))
    assert [todo.id for todo in store.page(limit=2)] == [1, 2]
    assert [todo.id for todo in store.page(limit=2, after=2)] == [3, 4]
    assert [todo.id for todo in store.page(limit=2, after=4)] == [5]
    assert store.page(limit=2, after=10**30) == []


def test_a_page_can_be_limited_to_a_state(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    for _ in range(3):
        store.add(TodoDraft("x"))
    store.change(2, TodoChanges(done=True))
    assert [todo.id for todo in store.page(limit=9, done=True)] == [2]
    assert [todo.id for todo in store.page(limit=9, done=False)] == [1, 3]


def test_many_threads_may_write_at_once(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    with ThreadPoolExecutor(4) as pool:
        todos = list(pool.map(store.add, [TodoDraft("x")] * 20))
    assert sorted(todo.id for todo in todos) == list(range(1, 21))


def test_a_store_that_can_be_read_answers_a_ping(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.ping()
    assert store.page(limit=1) == []
