"""Anthropic's Messages API: server-sent events."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

from codegod_simulator.prompt_cache import PromptCache, blocks_of
from codegod_simulator.wire import Asked, BadRequest, Said, messages_of, text_of

CONTEXT_TOKENS = 200_000
ANSWER_TOKENS = 64_000

_ERRORS = {
    400: "invalid_request_error",
    404: "not_found_error",
    429: "rate_limit_error",
    529: "overloaded_error",
}
_STOPS = {"end": "end_turn", "length": "max_tokens"}


class AnthropicWire:
    """The format, and what the provider behind it keeps of the prompts it has read."""

    media_type = "text/event-stream"

    def __init__(self, cache: PromptCache | None = None) -> None:
        self._cache = cache or PromptCache()

    def read(self, body: Mapping[str, Any]) -> Asked:
        limit = body.get("max_tokens")
        if not isinstance(limit, int) or limit < 1:
            raise BadRequest("max_tokens: a number above 0 is needed")
        messages = messages_of(body)
        texts = [text_of(message.get("content")) for message in messages]
        blocks = blocks_of(body)
        model = str(body.get("model", ""))
        return Asked(
            model=model,
            user_texts=tuple(t for m, t in zip(messages, texts, strict=True) if m.get("role") == "user"),
            prompt_tokens=sum(block.tokens for block in blocks),
            answer_limit=limit,
            context_tokens=CONTEXT_TOKENS,
            stream=bool(body.get("stream")),
            take_in=lambda: self._cache.read(model, blocks),
        )

    def error(self, status: int, text: str) -> Mapping[str, Any]:
        return {"type": "error", "error": {"type": _ERRORS.get(status, "api_error"), "message": text}}

    def whole(self, asked: Asked, said: Said) -> Mapping[str, Any]:
        return {
            **_message(asked, said),
            "content": [{"type": "text", "text": said.text}],
            "stop_reason": _STOPS[said.stop],
            "usage": _usage(said, said.answer_tokens),
        }

    def begin(self, asked: Asked, said: Said) -> bytes:
        start = _event("message_start", message={**_message(asked, said), "usage": _usage(said, 1)})
        block = _event("content_block_start", index=0, content_block={"type": "text", "text": ""})
        return start + block + _event("ping")

    def piece(self, asked: Asked, text: str) -> bytes:
        return _event("content_block_delta", index=0, delta={"type": "text_delta", "text": text})

    def end(self, asked: Asked, said: Said) -> bytes:
        delta = {"stop_reason": _STOPS[said.stop], "stop_sequence": None}
        usage = {"output_tokens": said.answer_tokens}
        stop = _event("content_block_stop", index=0)
        return stop + _event("message_delta", delta=delta, usage=usage) + _event("message_stop")

    def overloaded(self) -> bytes:
        return _event("error", error={"type": "overloaded_error", "message": "Overloaded (simulated)"})


def prompt_tokens(body: Mapping[str, Any]) -> int:
    """About how many tokens the prompt of a request has."""
    return sum(block.tokens for block in blocks_of(body))


def model_info(name: str) -> Mapping[str, Any]:
    """What `/v1/models` says of a model."""
    return {
        "type": "model",
        "id": name,
        "display_name": "Simulated master",
        "created_at": "2026-01-01T00:00:00Z",
        "lifecycle": "active",
        "max_input_tokens": CONTEXT_TOKENS,
        "max_tokens": ANSWER_TOKENS,
    }


def _usage(said: Said, output: int) -> dict[str, int]:
    """Four numbers: what was kept is not counted as input once more."""
    return {
        "input_tokens": said.prompt_tokens - said.cached.read - said.cached.written,
        "cache_creation_input_tokens": said.cached.written,
        "cache_read_input_tokens": said.cached.read,
        "output_tokens": output,
    }


def _message(asked: Asked, said: Said) -> dict[str, Any]:
    return {
        "id": f"msg_simulated_{zlib.crc32(said.text.encode()):08x}",
        "type": "message",
        "role": "assistant",
        "model": asked.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def _event(kind: str, **data: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **data})}\n\n".encode()
