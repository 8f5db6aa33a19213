"""What one streamed chat completion says, taken in chunk by chunk, in the dialects of those who serve this format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from codegod_models.chat import count_in, usage_of
from codegod_models.faults import Busy, ModelFault, RequestRefused, StreamCut
from codegod_models.provider import Done, Stop, TextPart, ThoughtPart, ToolSpec, ToolUse, Usage
from codegod_models.streaming import SAID_CHARS, may_pass
from codegod_models.thinking import ThoughtFilter
from codegod_models.tool_calls import checked_call

_STOPS: dict[str, Stop] = {
    "stop": "end",
    "eos": "end",
    "eos_token": "end",
    "stop_sequence": "end",
    "length": "length",
    "max_tokens": "length",
    "tool_calls": "tool",
    "function_call": "tool",
    "content_filter": "refusal",
}
_THOUGHTS = ("reasoning_content", "reasoning")  # DeepSeek and vLLM; OpenRouter, Groq and newer vLLM
_LASTING = frozenset(
    {"invalid_request_error", "authentication_error", "permission_error", "insufficient_quota"}
)


@dataclass(slots=True)
class _Call:
    """A tool call that is being written."""

    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


@dataclass(slots=True)
class StreamedCompletion:
    """What a stream has said so far. `stop` is the proof that the answer is whole; its usage may come after it."""

    model: str
    calls: dict[int, _Call] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    stop: str | None = None
    refusal: str = ""
    filter: ThoughtFilter = field(default_factory=ThoughtFilter)

    def add(self, chunk: Mapping[str, Any]) -> Iterator[TextPart | ThoughtPart]:
        """Take one chunk in; gives the text it adds, and what the model thinks, apart."""
        if error := chunk.get("error"):
            raise fault_of(error, self.model)
        if isinstance(counts := chunk.get("usage"), dict):
            self.usage = _usage(counts)
        choices = chunk.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(choice, dict):
            return  # the chunk after the end, which holds the usage alone
        if isinstance(delta := choice.get("delta"), dict):
            yield from self._say(delta)
        if isinstance(reason := choice.get("finish_reason"), str) and self.stop is None:
            self.stop = reason
            yield from self.filter.rest()

    def ending(self, tools: tuple[ToolSpec, ...]) -> list[ToolUse | Done]:
        """The tool calls and the end. Calls of an answer that ended for another reason are not calls."""
        if self.stop is None:
            raise StreamCut("no finish_reason")
        stop = _STOPS.get(self.stop)
        if stop is None:
            raise StreamCut(f"it stopped for an unknown reason, {self.stop!r}")
        if self.refusal and stop == "end":
            stop = "refusal"
        if self.calls and stop == "end":  # some servers say `stop` after a call
            stop = "tool"
        done = Done(stop, self.usage, self.refusal[:SAID_CHARS])
        if stop != "tool":
            return [done]
        if not self.calls:
            raise StreamCut("it announced a tool call and made none")
        calls = [
            checked_call(call.id or f"call_{index}", call.name, "".join(call.arguments), tools)
            for index, call in sorted(self.calls.items())
        ]
        return [*calls, done]

    def _say(self, delta: Mapping[str, Any]) -> Iterator[TextPart | ThoughtPart]:
        for place, call in enumerate(delta.get("tool_calls") or ()):
            if isinstance(call, dict):
                self._call(call, place)
        thought = next((delta[name] for name in _THOUGHTS if isinstance(delta.get(name), str)), "")
        if thought:
            yield ThoughtPart(thought)
        if isinstance(refusal := delta.get("refusal"), str):
            self.refusal += refusal
        if isinstance(text := delta.get("content"), str):
            yield from self.filter.add(text)

    def _call(self, part: Mapping[str, Any], place: int) -> None:
        index = part.get("index")
        call = self.calls.setdefault(index if isinstance(index, int) else place, _Call())
        function = part.get("function")
        function = function if isinstance(function, dict) else {}
        call.id = call.id or str(part.get("id") or "")
        call.name = call.name or str(function.get("name") or "")
        if isinstance(arguments := function.get("arguments"), str):
            call.arguments.append(arguments)


def fault_of(error: object, model: str) -> ModelFault:
    """The fault that an error in the middle of a stream stands for: with most servers it is theirs, and passes."""
    told = error if isinstance(error, dict) else {"message": error}
    said = str(told.get("message") or told)[:SAID_CHARS]
    code, kind = told.get("code"), str(told.get("type") or told.get("code") or "error in mid-stream")
    status = code if isinstance(code, int) else 200
    if {kind, str(code)} & _LASTING or (status >= 400 and not may_pass(status)):
        return RequestRefused(model, status, said)
    return Busy(kind, said)


def _usage(wire: Mapping[str, Any]) -> Usage:
    """Counts on a later chunk replace earlier ones. Cached tokens are part of the prompt's."""
    details = wire.get("prompt_tokens_details")
    cached = count_in(details, "cached_tokens") if isinstance(details, dict) else None
    return usage_of(count_in(wire, "prompt_tokens"), count_in(wire, "completion_tokens"), cached)
