"""What a host's model is told when a tool of the orchestrator cannot do what was asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from codegod_kit import ToolFault
from codegod_orchestrator.doors.mendable import mendable
from codegod_orchestrator.journal import UnknownBuild

# The doors' faults name the terminal's next step. A host has tools with arguments of the same names instead.
_IN_TOOL_WORDS = (
    (re.compile(r"`?codegod build \"([^\"]*)\"`?"), r'build_start(prompt="\1")'),
    (re.compile(r"`?codegod cancel (b-\w+)`?"), r'build_cancel(build="\1")'),
    (re.compile(r"`?codegod resume (b-\w+) --max-(\w+) MORE`?"), r'build_resume(build="\1", max_\2="…")'),
    (re.compile(r"`?codegod resume (b-\w+)`?"), r'build_resume(build="\1")'),
    (re.compile(r"`?codegod (?:report|status|logs) (b-\w+)`?"), r'build_result(build="\1")'),
    (re.compile(r"`?codegod list`?"), "build_list()"),
    (re.compile(r"(?<![\w-])--([a-z]+)-([a-z]+)\b"), r"`\1_\2`"),
    (re.compile(r"(?<![\w-])--([a-z]+)\b"), r"`\1`"),
)


class CannotDo(ToolFault):
    """Something that the user or the host has to mend first."""

    def __init__(self, why: str) -> None:
        super().__init__(in_tool_words(why))
        self.why = why


class NoSuchBuild(ToolFault):
    def __init__(self, build: str) -> None:
        super().__init__(f"No build is called {build!r}. Call build_list() to see the builds.")
        self.build = build


class BadBuildCursor(ToolFault):
    def __init__(self, cursor: int, last: int) -> None:
        super().__init__(
            f"{cursor} is no cursor of this build, whose last event is {last}. "
            "Pass the `cursor` of the last answer, or 0 to begin."
        )
        self.cursor = cursor
        self.last = last


class NothingToResume(ToolFault):
    def __init__(self, build: str, state: str) -> None:
        super().__init__(
            f"Build {build!r} is {state}, for good. Call build_result(build={build!r}) to read what came of it."
        )
        self.build = build
        self.state = state


class AlreadyRunning(ToolFault):
    def __init__(self, build: str) -> None:
        super().__init__(f"Build {build!r} is running. Call build_wait(build={build!r}) to follow it.")
        self.build = build


class TooManyBuilds(ToolFault):
    def __init__(self, running: tuple[str, ...]) -> None:
        super().__init__(
            f"{len(running)} builds are running here ({', '.join(running)}), and more would slow all of them down. "
            f"Call build_wait(build={running[0]!r}) until one has ended, or end one with build_cancel."
        )
        self.running = running


class FolderPromised(ToolFault):
    def __init__(self, folder: str, build: str) -> None:
        super().__init__(
            f"{folder!r} is where build {build!r} will put its result. Pass another folder as `out`."
        )
        self.folder = folder
        self.build = build


class NotAUrl(ToolFault):
    def __init__(self, source: str) -> None:
        super().__init__(
            f"`api_spec` {source!r} is no address. Pass http:// or https:// addresses; a file goes into the prompt."
        )
        self.source = source


class NoSuchQuestion(ToolFault):
    def __init__(self, question: str, *, answered: bool) -> None:
        why = "is answered" if answered else "is not open: it was taken back, or this server was started anew"
        super().__init__(f"The question {question!r} {why}. Call question_next() to get one that is open.")
        self.question = question


class EmptyAnswer(ToolFault):
    def __init__(self, question: str) -> None:
        super().__init__(
            f"The answer to {question!r} is empty. Pass the whole answer as `text`, in the form that the question asks for."
        )
        self.question = question


class AnswerTooLong(ToolFault):
    def __init__(self, question: str, size: int, limit: int) -> None:
        super().__init__(
            f"The answer to {question!r} has {size} characters; {limit} is the most. Answer more briefly: call "
            "question_next() to begin again."
        )
        self.question = question


@contextmanager
def told() -> Iterator[None]:
    """What the user has to mend, raised inside, becomes a fault in the words of tools."""
    try:
        yield
    except ToolFault:
        raise
    except UnknownBuild as unknown:
        raise NoSuchBuild(unknown.build) from unknown
    except Exception as error:
        fault = mendable(error)
        if fault is None:
            raise
        raise CannotDo(str(fault)) from error


def in_tool_words(text: str) -> str:
    """`text` with the terminal's commands and options replaced by the tools and arguments that do the same."""
    for pattern, replacement in _IN_TOOL_WORDS:
        text = pattern.sub(replacement, text)
    return text
