"""What can be wrong with a request, free of HTTP and SQL."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing that is wrong with one field of an input."""

    field: str
    message: str


class InvalidTodo(ValueError):
    """The input is no todo; `errors` name every field that is wrong."""

    def __init__(self, errors: tuple[FieldError, ...]) -> None:
        named = ", ".join(f"{error.field}: {error.message}" for error in errors)
        super().__init__(named)
        self.errors = errors


class TodoNotFound(LookupError):
    """No todo has this id."""

    def __init__(self, todo_id: int) -> None:
        super().__init__(f"There is no todo {todo_id}.")
        self.todo_id = todo_id
