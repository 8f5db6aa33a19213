"""Todos, and what callers may say about them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from todo.errors import FieldError, InvalidTodo

TITLE_LIMIT = 200
NOTES_LIMIT = 2000


@dataclass(frozen=True, slots=True)
class Todo:
    """One todo as it is stored."""

    id: int
    title: str
    notes: str
    done: bool
    due: date | None
    created_at: datetime
    updated_at: datetime

    def to_json(self) -> dict[str, object]:
        """The todo as callers see it: dates and times in ISO 8601."""
        return {
            "id": self.id,
            "title": self.title,
            "notes": self.notes,
            "done": self.done,
            "due": self.due.isoformat() if self.due else None,
            "created_at": self.created_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class TodoDraft:
    """What a new todo says; it is not done yet."""

    title: str
    notes: str = ""
    due: date | None = None

    @classmethod
    def parse(cls, data: object) -> TodoDraft:
        """The draft in decoded JSON; raises InvalidTodo with all that is wrong."""
        fields = _Fields(data, known=("title", "notes", "due"))
        title = fields.text("title", TITLE_LIMIT, required=True)
        notes = fields.text("notes", NOTES_LIMIT)
        due = fields.day("due")
        fields.raise_errors()
        return cls(title=title or "", notes=notes or "", due=due)


@dataclass(frozen=True, slots=True)
class TodoChanges:
    """The fields to change. None leaves a field alone; `clear_due` removes the date."""

    title: str | None = None
    notes: str | None = None
    done: bool | None = None
    due: date | None = None
    clear_due: bool = False

    @classmethod
    def parse(cls, data: object) -> TodoChanges:
        """The changes in decoded JSON; raises InvalidTodo with all that is wrong."""
        fields = _Fields(data, known=("title", "notes", "done", "due"))
        if fields.is_empty:
            fields.add("", "at least one field is needed")
        changes = cls(
            title=fields.text("title", TITLE_LIMIT, required="title" in fields),
            notes=fields.text("notes", NOTES_LIMIT),
            done=fields.flag("done"),
            due=fields.day("due"),
            clear_due=fields.is_null("due"),
        )
        fields.raise_errors()
        return changes

    def apply(self, todo: Todo, now: datetime) -> Todo:
        """`todo` with these changes, made at `now`."""
        return replace(
            todo,
            title=todo.title if self.title is None else self.title,
            notes=todo.notes if self.notes is None else self.notes,
            done=todo.done if self.done is None else self.done,
            due=None if self.clear_due else self.due or todo.due,
            updated_at=now,
        )


class _Fields:
    """The fields of one input, and what has been found wrong with them so far."""

    def __init__(self, data: object, known: tuple[str, ...]) -> None:
        if not isinstance(data, dict):
            raise InvalidTodo((FieldError("", "a JSON object is needed"),))
        self._errors: list[FieldError] = []
        self._data = {str(name): value for name, value in data.items()}
        for name in self._data:
            if name not in known:
                self.add(name, f"unknown field; known are {', '.join(known)}")

    def __contains__(self, name: str) -> bool:
        return name in self._data

    @property
    def is_empty(self) -> bool:
        return not self._data

    def is_null(self, name: str) -> bool:
        return name in self._data and self._data[name] is None

    def add(self, field: str, message: str) -> None:
        self._errors.append(FieldError(field, message))

    def text(self, name: str, limit: int, *, required: bool = False) -> str | None:
        """The stripped text of a field, or None when it is absent or wrong."""
        if name not in self._data and not required:
            return None
        value = self._data.get(name)
        if not isinstance(value, str):
            self.add(name, "a text is needed")
            return None
        text = value.strip()
        if required and not text:
            self.add(name, "must not be empty")
        elif len(text) > limit:
            self.add(name, f"must not be longer than {limit} characters")
        return text

    def flag(self, name: str) -> bool | None:
        """The truth value of a field, or None when it is absent or wrong."""
        if name not in self._data:
            return None
        value = self._data[name]
        if not isinstance(value, bool):
            self.add(name, "true or false is needed")
            return None
        return value

    def day(self, name: str) -> date | None:
        """The date of a field, or None when it is absent, null or wrong."""
        value = self._data.get(name)
        if value is None:
            return None
        try:
            return (
                date.fromisoformat(value) if isinstance(value, str) else self._no(name)
            )
        except ValueError:
            return self._no(name)

    def _no(self, name: str) -> None:
        self.add(name, "a date such as 2026-12-24, or null, is needed")

    def raise_errors(self) -> None:
        """Raise InvalidTodo if anything was wrong."""
        if self._errors:
            raise InvalidTodo(tuple(self._errors))
