"""What the wire formats have in common: a request is read, an answer is written piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

BYTES_PER_TOKEN = 4  # no tokenizer here; ordinary prose and code have about that many

Stop = Literal["end", "length"]


@dataclass(frozen=True, slots=True)
class Cached:
    """How much of a prompt the provider had kept, and how much it keeps from now on, in tokens."""

    read: int = 0
    written: int = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """A request in any of the formats."""

    model: str
    user_texts: tuple[str, ...]
    prompt_tokens: int
    answer_limit: int
    context_tokens: int
    stream: bool
    take_in: Callable[[], Cached] = Cached
    """Lets the provider read the prompt: only then does it keep anything of it."""
    usage_wanted: bool = True


@dataclass(frozen=True, slots=True)
class Said:
    """A whole answer, and what it took."""

    text: str
    stop: Stop
    prompt_tokens: int
    answer_tokens: int
    cached: Cached = Cached()


class BadRequest(Exception):
    """The request is not what the wire format prescribes."""


class Wire(Protocol):
    """One wire format."""

    media_type: str

    def read(self, body: Mapping[str, Any]) -> Asked:
        """The request in `body`; raises `BadRequest`."""
        ...

    def error(self, status: int, text: str) -> Mapping[str, Any]: ...

    def whole(self, asked: Asked, said: Said) -> Mapping[str, Any]:
        """The answer of a request that does not stream."""
        ...

    def begin(self, asked: Asked, said: Said) -> bytes: ...

    def piece(self, asked: Asked, text: str) -> bytes: ...

    def end(self, asked: Asked, said: Said) -> bytes: ...

    def overloaded(self) -> bytes:
        """An error in the middle of a stream."""
        ...


def tokens(text: str) -> int:
    """About how many tokens `text` has."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN)


def messages_of(body: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The messages of a request; raises `BadRequest`."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise BadRequest("messages: a list of objects is needed")
    return messages


def text_of(content: object) -> str:
    """The text of a message or system prompt, plain or in blocks."""
    if isinstance(content, list):
        return "\n".join(str(block.get("text", "")) for block in content if isinstance(block, dict))
    return content if isinstance(content, str) else ""
