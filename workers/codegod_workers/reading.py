"""What a worker reads before it asks: its own files, its tests, other people's, and what memory knows."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from codegod_mesh.result import CallResult
from codegod_models import ToolSpec
from codegod_workers.context import MEMORY_TOKENS
from codegod_workers.material import Material
from codegod_workers.records import Assignment
from codegod_workers.syntax import is_spoken, symbols

READ_SECONDS = 30.0
LESSON_TOKENS = 600  # three errors with their fixes; more of them than of the task itself would lead astray
LESSONS_WANTED = 3
PAGES = 8  # of a thousand lines each: nobody's own file is longer, and a prompt holds no more

_NEXT_PAGE = re.compile(r"\n\[lines \d+-\d+ of \d+; go on with offset=(?P<offset>\d+)\]\Z")
_LAST_PAGE = re.compile(r"\n\[lines \d+-\d+ of \d+\]\Z")


class Tools(Protocol):
    """The tools of one task: `codegod_mesh.View` is one."""

    @property
    def tools(self) -> Sequence[ToolSpec]: ...

    async def call(self, name: str, arguments: Mapping[str, Any], *, within: float) -> CallResult: ...


Recall = Callable[[Mapping[str, Any]], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads for one prompt; `recall` asks memory and is refused nothing."""

    tools: Tools
    recall: Recall

    async def material(self, assignment: Assignment) -> Material:
        """Everything that a prompt may show; the prompt takes what fits."""
        task = assignment.task
        query = " ".join([task.title, task.description, *task.acceptance])
        # Code of the same project is shown as signatures already; recalled beside them it only distracts a small model.
        kind = "" if task.type in {"bugfix", "refactor"} else "api_doc"
        owned = await self.texts(task.files)
        return Material(
            owned=owned,
            tests=await self.texts(task.tests),
            reads=await self.texts(assignment.reads),
            recalled=await self.recall({"query": query, "budget_tokens": MEMORY_TOKENS, "type": kind}),
            lessons=await self._lessons(assignment, " ".join([query, *task.files, *_names(owned)])),
        )

    async def texts(self, paths: Sequence[str]) -> dict[str, str]:
        """The texts of those of `paths` that exist."""
        texts = {path: await self._text(path) for path in paths}
        return {path: text for path, text in texts.items() if text is not None}

    async def _text(self, path: str) -> str | None:
        """A file from its first page to its last; a note in place of pages beyond the limit."""
        text, offset = "", 1
        for _ in range(PAGES):
            read = await self.tools.call(
                "sandbox.file_read", {"path": path, "offset": offset}, within=READ_SECONDS
            )
            if read.is_error:
                return None
            page = _NEXT_PAGE.search(read.text)
            if page is None:
                return text + (_LAST_PAGE.sub("", read.text) if offset > 1 else read.text)
            text, offset = text + read.text[: page.start()], int(page["offset"])
        return f"{text}\n[the file goes on]"

    async def _lessons(self, assignment: Assignment, query: str) -> str:
        """Errors like those of this attempt, or of tasks like this one, with what mended them."""
        if assignment.findings:
            query = " ".join(str(finding) for finding in assignment.findings[:LESSONS_WANTED])
        return await self.recall({"query": query, "budget_tokens": LESSON_TOKENS, "type": "error"})


def _names(owned: Mapping[str, str]) -> list[str]:
    """What the owned files define: an error elsewhere that names the same is worth knowing."""
    return [
        symbol.name for path, text in owned.items() if is_spoken(path) for symbol in symbols(path, text) or ()
    ]
