"""What callers may say about a todo."""

from datetime import UTC, date, datetime

import pytest

from todo.errors import InvalidTodo
from todo.models import Todo, TodoChanges, TodoDraft

CREATED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NOW = datetime(2026, 2, 3, tzinfo=UTC)
MILK = Todo(1, "Buy milk", "two litres", False, date(2026, 1, 5), CREATED, CREATED)


def wrong_fields(error: InvalidTodo) -> list[str]:
    return [found.field for found in error.errors]


def test_a_draft_is_read_and_stripped() -> None:
    draft = TodoDraft.parse(
        {"title": " Buy milk ", "notes": "two", "due": "2026-01-05"}
    )
    assert draft == TodoDraft("Buy milk", "two", date(2026, 1, 5))


def test_a_draft_needs_a_title_only() -> None:
    assert TodoDraft.parse({"title": "x", "due": None}) == TodoDraft("x")


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        ([], [""]),
        ("milk", [""]),
        ({}, ["title"]),
        ({"title": "  "}, ["title"]),
        ({"title": 1}, ["title"]),
        ({"title": "x" * 201}, ["title"]),
        ({"title": "x", "notes": "x" * 2001}, ["notes"]),
        ({"title": "x", "notes": None}, ["notes"]),
        ({"title": "x", "due": "tomorrow"}, ["due"]),
        ({"title": "x", "due": 20260105}, ["due"]),
        ({"title": "x", "done": True}, ["done"]),
        ({"titel": "x", "due": "x"}, ["titel", "title", "due"]),
    ],
)
def test_everything_wrong_with_a_draft_is_named(
    data: object, fields: list[str]
) -> None:
    with pytest.raises(InvalidTodo) as caught:
        TodoDraft.parse(data)
    assert wrong_fields(caught.value) == fields


def test_the_longest_title_is_allowed() -> None:
    assert TodoDraft.parse({"title": "x" * 200}).title == "x" * 200


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        ({}, [""]),
        (None, [""]),
        ({"title": ""}, ["title"]),
        ({"done": "yes"}, ["done"]),
        ({"done": 1}, ["done"]),
        ({"id": 7}, ["id"]),
    ],
)
def test_everything_wrong_with_changes_is_named(
    data: object, fields: list[str]
) -> None:
    with pytest.raises(InvalidTodo) as caught:
        TodoChanges.parse(data)
    assert wrong_fields(caught.value) == fields


def test_changes_leave_alone_what_they_do_not_name() -> None:
    changed = TodoChanges.parse({"done": True}).apply(MILK, NOW)
    assert changed == Todo(
        1, "Buy milk", "two litres", True, date(2026, 1, 5), CREATED, NOW
    )


@pytest.mark.parametrize(
    ("data", "due"),
    [({"due": None}, None), ({"due": "2026-03-01"}, date(2026, 3, 1))],
)
def test_a_due_date_can_be_moved_and_cleared(
    data: dict[str, object], due: date | None
) -> None:
    assert TodoChanges.parse(data).apply(MILK, NOW).due == due


def test_notes_can_be_emptied() -> None:
    assert TodoChanges.parse({"notes": ""}).apply(MILK, NOW).notes == ""


def test_a_todo_is_shown_in_iso_form() -> None:
    assert MILK.to_json() == {
        "id": 1,
        "title": "Buy milk",
        "notes": "two litres",
        "done": False,
        "due": "2026-01-05",
        "created_at": "2026-01-02T03:04:05+00:00",
        "updated_at": "2026-01-02T03:04:05+00:00",
    }
