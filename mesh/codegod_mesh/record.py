"""The record of every tool call, for whoever keeps the journal."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call as it was made (pinned arguments included) and what came of it."""

    build: str
    task: str
    attempt: str
    server: str
    tool: str
    arguments: Mapping[str, Any]
    is_error: bool
    text: str
    data: Mapping[str, Any] | None
    seconds: float
    started: datetime


class Recorder(Protocol):
    """Keeps calls. A call whose record fails is not handed on: what is not in the journal did not happen."""

    async def tool_called(self, call: ToolCall) -> None:
        """Keep `call`; asked after each call, whether it worked or not, before its result is handed on."""
        ...


class NoRecorder:
    """For callers that answer to no journal, like `codegod doctor`."""

    async def tool_called(self, call: ToolCall) -> None:
        """Let it go."""
