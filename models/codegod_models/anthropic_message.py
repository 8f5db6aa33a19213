"""What one streamed message of Anthropic's API says, taken in event by event."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from codegod_models.faults import StreamCut
from codegod_models.provider import Done, Stop, ToolSpec, ToolUse, Usage
from codegod_models.tool_calls import checked_call

if TYPE_CHECKING:
    from anthropic.types import MessageDeltaUsage, RawMessageStreamEvent
    from anthropic.types import Usage as WireUsage

_STOPS: dict[str, Stop] = {
    "end_turn": "end",
    "stop_sequence": "end",
    "tool_use": "tool",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "pause_turn": "length",  # unfinished, and only a client with server-side tools could go on
    "refusal": "refusal",
}


@dataclass(slots=True)
class _Call:
    """A tool call that is being written."""

    id: str
    name: str
    start: object
    json: list[str] = field(default_factory=list)

    def arguments(self) -> object:
        return "".join(self.json) or self.start


@dataclass(slots=True)
class StreamedMessage:
    """What a stream has said so far."""

    calls: dict[int, _Call] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    stop: str | None = None
    note: str = ""
    ended: bool = False

    def add(self, event: RawMessageStreamEvent) -> str:
        """Take one event in; returns the text it adds. Thinking is not text."""
        if event.type == "message_start":
            start = _usage(getattr(event.message, "usage", None), self.usage)
            self.usage = replace(start, output_tokens=None)  # only the end knows how much was written
        elif event.type == "content_block_start" and event.content_block.type == "tool_use":
            block = event.content_block
            self.calls[event.index] = _Call(block.id, block.name, block.input)
        elif event.type == "content_block_start" and event.content_block.type == "text":
            return event.content_block.text
        elif event.type == "content_block_delta" and event.delta.type == "text_delta":
            return event.delta.text
        elif event.type == "content_block_delta" and event.delta.type == "input_json_delta":
            if call := self.calls.get(event.index):
                call.json.append(event.delta.partial_json)
        elif event.type == "message_delta":
            self.stop = event.delta.stop_reason
            self.usage = _usage(getattr(event, "usage", None), self.usage)
            if details := event.delta.stop_details:
                self.note = ": ".join(filter(None, (details.category, details.explanation)))
        elif event.type == "message_stop":
            self.ended = True
        return ""

    def ending(self, tools: tuple[ToolSpec, ...]) -> list[ToolUse | Done]:
        """The tool calls and the end. Calls of a message that ended for another reason are not calls."""
        if not self.ended or self.stop is None:
            raise StreamCut("no message_stop")
        stop = _STOPS.get(self.stop)
        if stop is None:
            raise StreamCut(f"it stopped for an unknown reason, {self.stop!r}")
        done = Done(stop, self.usage, self.note)
        if stop != "tool":
            return [done]
        if not self.calls:
            raise StreamCut("it announced a tool call and made none")
        calls = [checked_call(call.id, call.name, call.arguments(), tools) for call in self.calls.values()]
        return [*calls, done]


def _usage(wire: WireUsage | MessageDeltaUsage | None, so_far: Usage) -> Usage:
    """Counts on a delta are totals, and what a delta leaves out keeps its earlier value."""

    def count(name: str, before: int | None) -> int | None:
        value = getattr(wire, name, None)
        return value if isinstance(value, int) else before

    return Usage(
        input_tokens=count("input_tokens", so_far.input_tokens),
        output_tokens=count("output_tokens", so_far.output_tokens),
        cache_read_tokens=count("cache_read_input_tokens", so_far.cache_read_tokens) or 0,
        cache_write_tokens=count("cache_creation_input_tokens", so_far.cache_write_tokens) or 0,
    )
