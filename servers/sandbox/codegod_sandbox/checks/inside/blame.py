"""Whose fault an exception is: the place in the project that raised it, and what kind of failure it means."""

import os
import re
import traceback
from collections.abc import Iterator
from dataclasses import dataclass

from .project import Source

MESSAGE_LIMIT_CHARS = 500
# An assertion's explanation goes on for pages; what was compared stands on top.
_MESSAGE_LINES = 4
_FOR_A_TERMINAL = "Use -v to get"  # pytest's advice to a person who can run it again
# Says nothing, and differs from run to run.
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the project, empty when the project is nowhere in the traceback."""

    path: str = ""
    line: int = 0

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" if self.path else ""


def place_of(error: BaseException, folder: str) -> Place:
    """The innermost line of the project that the exception went through."""
    if isinstance(error, SyntaxError) and error.filename:
        path = _inside(error.filename, folder)
        if path:
            return Place(path, error.lineno or 1)
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        path = _inside(frame.f_code.co_filename, folder)
        if path:
            return Place(path, line)
    return Place()


def is_stub(error: BaseException, folder: str) -> bool:
    """Whether it comes from a NotImplementedError that code of the project itself (not of its tests) raised."""
    for each in linked(error):
        if isinstance(each, NotImplementedError):
            frames = list(traceback.walk_tb(each.__traceback__))
            path = _inside(frames[-1][0].f_code.co_filename, folder) if frames else ""
            if path and not Source(path, b"").is_test_code:
                return True
    return False


def linked(error: BaseException) -> Iterator[BaseException]:
    """The exception, those that it was raised from or while handling, and the members of groups; each once."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += [each.__cause__, each.__context__]
        if isinstance(each, BaseExceptionGroup):
            waiting += each.exceptions


def root_of(error: BaseException) -> BaseException:
    """What it was raised from in the first place; of a group its first member."""
    seen: set[int] = set()
    while id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        elif error.__cause__ is not None:
            error = error.__cause__
    return error


def message_of(error: BaseException, folder: str) -> str:
    """The exception in a line: its type unless it is an assertion, its text, paths as the project knows them."""
    text = _text(error)
    stripped = (line.strip() for line in text.strip().splitlines())
    lines = [line for line in stripped if line and not line.startswith(_FOR_A_TERMINAL)]
    short = _ADDRESS.sub("", " ".join(lines[:_MESSAGE_LINES])).replace(f"{folder}/", "")
    name = type(error).__name__
    if isinstance(error, AssertionError):
        return (short or "assert failed")[:MESSAGE_LIMIT_CHARS]
    return f"{name}: {short}"[:MESSAGE_LIMIT_CHARS] if short else name


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - the project wrote its __str__
        return ""


def _inside(filename: str, folder: str) -> str:
    path = os.path.normpath(filename)
    return path[len(folder) + 1 :] if path.startswith(f"{folder}/") else ""
