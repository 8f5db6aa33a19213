"""Which todos are overdue."""

from collections.abc import Iterable
from datetime import date

from todo.models import Todo


def overdue_on(todos: Iterable[Todo], day: date) -> list[Todo]:
    """Those that are not done and were due before `day`, the longest overdue first."""
    late = [
        (todo.due, todo.id, todo)
        for todo in todos
        if todo.due is not None and not todo.done and todo.due < day
    ]
    return [todo for _, _, todo in sorted(late, key=lambda one: one[:2])]
