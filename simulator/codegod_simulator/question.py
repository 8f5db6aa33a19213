"""Reads a question out of a prompt: the header lines, the list of wanted files, the user's words. Nothing else counts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, cast, get_args

Step = Literal["acceptance", "plan", "contract", "task", "ruling", "replan"]
Role = Literal["master", "worker"]

_STEPS: tuple[str, ...] = get_args(Step)
_ASKED_IN_WORDS = frozenset({"acceptance", "plan"})
_HEADER = re.compile(r"(?P<key>[A-Z][a-z]+): (?P<value>.*)")
_FENCE = re.compile(r" {0,3}(?P<ticks>`{3,}|~{3,})(?P<info>.*)")
_LIST_HEADING = "Files to write:"
_EXISTING_HEADING = "Existing files that you may write again, only to add declarations:"
_ITEM = "- "


class NoQuestion(Exception):
    """The prompt is not one of ours."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"This is a simulator, not a language model: it answers only what Code-God asks, and {why}. For anything "
            "else use a real model: set ANTHROPIC_API_KEY and pass --master claude-sonnet-5-5, set OLLAMA_HOST (or "
            "start Ollama here) and pass --worker qwen2.5-coder:7b."
        )


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, as any model would see it."""

    step: Step
    words: str = ""
    project: str = ""
    task: str = ""
    attempt: int = 1
    change: bool = False
    """Whether an existing repository is to be changed."""
    files: tuple[str, ...] = ()
    existing: tuple[str, ...] = ()
    """Files of a repository that is changed: they may be written as well."""
    text: str = field(default="", compare=False, repr=False)
    """All that was said with it. It tells two questions apart as little as the weather does."""

    @property
    def role(self) -> Role:
        return "worker" if self.step == "task" else "master"


def read_question(user_texts: Sequence[str]) -> Question:
    """The question in the last user message that begins as one; raises `NoQuestion`."""
    text = next((text for text in reversed(user_texts) if text.lstrip().startswith("Step:")), None)
    if text is None:
        raise NoQuestion("no message here begins with a line `Step: …`")
    lines = text.strip().split("\n")
    header = dict(_header(lines))
    step = header.get("Step", "")
    if step not in _STEPS:
        raise NoQuestion(f"the step {step!r} is none of {', '.join(_STEPS)}")
    return Question(
        step=cast("Step", step),
        words=_words(lines) if step in _ASKED_IN_WORDS else "",
        project=header.get("Project", ""),
        task=header.get("Task", ""),
        attempt=_number(header.get("Attempt", "1")),
        change="Change" in header,
        files=tuple(_listed(lines, _LIST_HEADING)),
        existing=tuple(_listed(lines, _EXISTING_HEADING)),
        text=text,
    )


def shown_files(text: str) -> dict[str, str]:
    """The files that a prompt shows: blocks whose opening fence ends with a path; of two for a path, the last."""
    files: dict[str, str] = {}
    fence, path, body = "", "", list[str]()
    for line in text.split("\n"):
        found = _FENCE.match(line)
        if not fence and found:
            fence, body = found["ticks"], []
            path = (found["info"].split() or [""])[-1]
        elif fence and found and found["ticks"].startswith(fence) and not found["info"].strip():
            files[path] = "\n".join(body)
            fence = ""
        else:
            body.append(line)
    return files


def _header(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        found = _HEADER.fullmatch(line.strip())
        if found is None:
            return
        yield found["key"], found["value"].strip()


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise NoQuestion(f"the attempt {text!r} is not a number from 1 up")
    return int(text)


def _words(lines: Sequence[str]) -> str:
    """The user's words; they may hold such a mark themselves, so the outermost marks count."""
    opened = next((index for index, line in enumerate(lines) if line.strip() == "<request>"), None)
    closed = [index for index, line in enumerate(lines) if line.strip() == "</request>"]
    if opened is None or not closed or closed[-1] <= opened:
        raise NoQuestion("there is no <request> in it")
    return "\n".join(lines[opened + 1 : closed[-1]]).strip()


def _listed(lines: Sequence[str], heading: str) -> Iterator[str]:
    """The items under the first `heading` that does not stand inside a fenced block."""
    outside = list(_outside_fences(lines))
    if heading not in outside:
        return
    for line in outside[outside.index(heading) + 1 :]:
        if line.startswith(_ITEM):
            yield line.removeprefix(_ITEM).strip().strip("`")
        elif line.strip():
            return


def _outside_fences(lines: Sequence[str]) -> Iterator[str]:
    fence = ""
    for line in lines:
        found = _FENCE.match(line)
        if not fence and found:
            fence = found["ticks"]
        elif found and found["ticks"].startswith(fence) and not found["info"].strip():
            fence = ""
        elif not fence:
            yield line.rstrip()
