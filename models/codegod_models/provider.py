"""What every model looks like from outside: a request goes in, a stream of events comes out."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from codegod_models.names import ModelName
from codegod_models.price import Price

Stop = Literal["end", "length", "tool", "refusal"]


class ToolSpec(Protocol):
    """A tool as a model sees it; the tools of a mesh view are such."""

    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def schema(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Message:
    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One question. `temperature` and `seed` reach Ollama and compatible servers; Anthropic's API takes neither."""

    system: str
    messages: tuple[Message, ...]
    max_tokens: int
    tools: tuple[ToolSpec, ...] = ()
    temperature: float | None = None
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What a reply took. `None` means that the server did not say, which is never the same as nothing.

    `input_tokens` excludes what came from or went to the prompt cache.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0


@dataclass(frozen=True, slots=True)
class TextPart:
    text: str


@dataclass(frozen=True, slots=True)
class ThoughtPart:
    """What a model thinks aloud before it answers: a sign of life, and never part of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A complete call that fits the tool's schema; no other kind is ever handed on."""

    id: str
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Done:
    """The end of a stream, which is also the proof that nothing was cut off. `note` explains a refusal."""

    stop: Stop
    usage: Usage
    note: str = ""


Event = TextPart | ThoughtPart | ToolUse | Done


@dataclass(frozen=True, slots=True)
class ModelReply:
    """A whole answer. `seconds` and `tries` cover the failed tries before it as well."""

    text: str
    tool_calls: tuple[ToolUse, ...]
    stop: Stop
    usage: Usage
    model: str
    seconds: float
    simulated: bool
    note: str = ""
    tries: int = 1


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What `check` found out. `None` means that the server does not say; `notes` are worth showing to the user."""

    model: ModelName
    context_tokens: int | None
    max_output_tokens: int | None
    price: Price | None
    tools: bool
    notes: tuple[str, ...] = ()


class Provider(Protocol):
    """One model behind one server."""

    @property
    def model(self) -> ModelName: ...

    def stream(self, request: ModelRequest) -> AsyncGenerator[Event, None]:
        """The answer as it is written: text (between it what the model thinks), then tool calls, then one `Done`.

        Raises `TransientFault` for what may pass and any other `ModelFault` for what will not. A server that stays
        silent for the idle limit raises `Stalled`. Close the generator to end the request.
        """
        ...

    async def check(self) -> ModelInfo:
        """Ask the server for this model's limits; raises the `ModelFault` that names what is missing."""
        ...

    async def aclose(self) -> None: ...
