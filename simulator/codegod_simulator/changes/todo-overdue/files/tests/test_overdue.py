"""Which todos are overdue on a day."""

from datetime import UTC, date, datetime

from todo.models import Todo
from todo.overdue import overdue_on

MADE = datetime(2026, 1, 1, tzinfo=UTC)
DAY = date(2026, 2, 1)


def todo(number: int, due: date | None, *, done: bool = False) -> Todo:
    return Todo(number, f"todo {number}", "", done, due, MADE, MADE)


def test_what_was_due_before_the_day_is_overdue() -> None:
    late = todo(1, date(2026, 1, 31))
    assert overdue_on([late, todo(2, DAY), todo(3, date(2026, 2, 2))], DAY) == [late]


def test_what_is_done_or_has_no_day_is_not_overdue() -> None:
    late = todo(3, date(2026, 1, 2))
    others = [todo(1, date(2026, 1, 1), done=True), todo(2, None)]
    assert overdue_on([*others, late], DAY) == [late]


def test_the_longest_overdue_comes_first() -> None:
    todos = [
        todo(1, date(2026, 1, 9)),
        todo(3, date(2026, 1, 5)),
        todo(2, date(2026, 1, 5)),
    ]
    assert [one.id for one in overdue_on(todos, DAY)] == [2, 3, 1]
