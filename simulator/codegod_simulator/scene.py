"""What a fault has before it: the question, the right answer to it, and the project behind both."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from functools import cached_property

from codegod_kit.plan import Task
from codegod_simulator.question import Question
from codegod_simulator.reference import Reference

_OPENING = re.compile(r"(?P<fence>`{3,})\S+ (?P<path>\S+)")


@dataclass(frozen=True)
class Scene:
    """One answer that may be spoilt. `target` names a task when a fault of a plan or contract is meant for that one."""

    question: Question
    text: str
    reference: Reference
    chance: random.Random
    """Of this question alone."""
    whim: random.Random
    """Of the whole run: what is drawn from it first is the same for every question."""
    target: str = ""

    @cached_property
    def files(self) -> dict[str, str]:
        """The files of the answer."""
        return files_in(self.text)

    @property
    def task(self) -> Task | None:
        return self.reference.task(self.question.task)

    def python(self) -> dict[str, str]:
        """Those files of the answer that are Python and say anything."""
        return {path: text for path, text in self.files.items() if path.endswith(".py") and text.strip()}

    def tested(self) -> str:
        """The text of the task's contract tests."""
        tests = self.task.tests if self.task else ()
        return "\n".join(self.reference.files.get(path, "") for path in tests)


def files_in(text: str) -> dict[str, str]:
    """The files of an answer that `fenced` wrote."""
    files: dict[str, str] = {}
    fence, path, lines = "", "", list[str]()
    for line in text.split("\n"):
        if fence and line == fence:
            files[path], fence = "".join(lines), ""
        elif fence:
            lines.append(f"{line}\n")
        elif opened := _OPENING.fullmatch(line):
            fence, path, lines = opened["fence"], opened["path"], []
    return files
