"""What one streamed answer of Ollama says, taken in line by line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from codegod_models.chat import count_in, usage_of
from codegod_models.faults import Busy, StreamCut
from codegod_models.provider import Done, Stop, TextPart, ThoughtPart, ToolSpec, ToolUse, Usage
from codegod_models.streaming import SAID_CHARS
from codegod_models.thinking import ThoughtFilter
from codegod_models.tool_calls import checked_call

_STOPS: dict[str, Stop] = {"stop": "end", "length": "length", "max_tokens": "length"}


@dataclass(slots=True)
class StreamedAnswer:
    """What a stream has said so far."""

    calls: list[Mapping[str, Any]] = field(default_factory=list)
    end: Mapping[str, Any] | None = None
    filter: ThoughtFilter = field(default_factory=ThoughtFilter)

    def add(self, line: Mapping[str, Any]) -> Iterator[TextPart | ThoughtPart]:
        """Take one line in; gives the text it adds, and what the model thinks, apart."""
        if "error" in line:
            raise Busy("error in mid-stream", str(line["error"])[:SAID_CHARS])
        message = line.get("message")
        if isinstance(message, dict):
            self.calls.extend(call for call in message.get("tool_calls") or () if isinstance(call, dict))
            if isinstance(thought := message.get("thinking"), str) and thought:
                yield ThoughtPart(thought)
            if isinstance(text := message.get("content"), str):
                yield from self.filter.add(text)
        if line.get("done"):
            self.end = line
            yield from self.filter.rest()

    def usage(self) -> Usage:
        if self.end is None:
            raise StreamCut("no line with done: true")
        prompt, cached = "prompt_eval_count", "prompt_eval_cached_count"
        return usage_of(
            count_in(self.end, prompt), count_in(self.end, "eval_count"), count_in(self.end, cached)
        )

    def ending(self, usage: Usage, tools: tuple[ToolSpec, ...]) -> list[ToolUse | Done]:
        """The tool calls and the end. Calls of an answer that hit its length limit are not calls."""
        stop = _STOPS.get(str((self.end or {}).get("done_reason", "stop")), "end")
        if stop == "length" or not self.calls:
            return [Done(stop, usage)]
        calls = [_checked(index, call, tools) for index, call in enumerate(self.calls)]
        return [*calls, Done("tool", usage)]


def _checked(index: int, call: Mapping[str, Any], tools: tuple[ToolSpec, ...]) -> ToolUse:
    function = call.get("function")
    function = function if isinstance(function, dict) else {}
    identity = str(call.get("id") or f"call_{index}")
    return checked_call(identity, str(function.get("name", "")), function.get("arguments"), tools)
