"""Validation errors that name the line: `file:line: field: what is wrong`."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from codegod_kit.marked_yaml import Marked, Place


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a record whose fields are each right."""

    place: Place
    text: str


def refuse(problems: Iterable[Problem]) -> None:
    """For a model's own validator: raise if there are problems, so that `located` can tell the place of each."""
    found = tuple(problems)
    if found:
        text = "; ".join(problem.text for problem in found)
        raise PydanticCustomError("problems", "{text}", {"text": text, "problems": found})


def located(error: ValidationError, marked: Marked, source: str) -> Iterator[str]:
    """Each thing that `error` found wrong, with the line of `marked` where it stands."""
    for place, text in _places(error):
        yield f"{source}:{marked.line(place)}: {_field(place)}: {text}"


def _places(error: ValidationError) -> Iterator[tuple[Place, str]]:
    for problem in error.errors(include_url=False, include_input=False):
        context: dict[str, Any] = problem.get("ctx", {})
        if "problems" in context:
            yield from ((found.place, found.text) for found in context["problems"])
        else:
            yield problem["loc"], problem["msg"]


def _field(place: Place) -> str:
    """`tasks[2].files`, as people write it."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return "".join(parts).removeprefix(".") or "the whole"
