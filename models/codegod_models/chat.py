"""What the chat formats of Ollama and OpenAI have in common: messages, tools, and counts of tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from codegod_models.provider import ModelRequest, ToolSpec, Usage


def messages_of(request: ModelRequest) -> list[dict[str, str]]:
    """The conversation, with the system text as its first message."""
    system = [{"role": "system", "content": request.system}] if request.system else []
    return [*system, *({"role": message.role, "content": message.text} for message in request.messages)]


def functions_of(tools: Sequence[ToolSpec]) -> list[dict[str, Any]]:
    """The tools with their schemas as they are."""
    return [{"type": "function", "function": _function(tool)} for tool in tools]


def count_in(wire: Mapping[str, Any], key: str) -> int | None:
    """A number of tokens; None when it is missing."""
    value = wire.get(key)
    return value if isinstance(value, int) and value > 0 else None  # no prompt and no answer has 0 tokens


def usage_of(prompt: int | None, written: int | None, cached: int | None) -> Usage:
    """The usage of a server that counts what its cache held as part of the prompt."""
    read = min(cached or 0, prompt or 0)
    return Usage(None if prompt is None else prompt - read, written, cache_read_tokens=read)


def _function(tool: ToolSpec) -> dict[str, Any]:
    return {"name": tool.name, "description": tool.description, "parameters": dict(tool.schema)}
