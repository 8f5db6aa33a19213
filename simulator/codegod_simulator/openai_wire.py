"""OpenAI's chat completions: server-sent events without names, the usage in a chunk of its own when it is asked for.

Its prompt cache needs no marks: the longest beginning that an earlier prompt had too is read from it, in steps of
`CACHE_STEP` tokens and from `LEAST_TOKENS` on; only what was read is told.
"""

from __future__ import annotations

import json
import os
import time
import zlib
from collections import deque
from collections.abc import Mapping
from typing import Any

from codegod_simulator.wire import (
    BYTES_PER_TOKEN,
    Asked,
    BadRequest,
    Cached,
    Said,
    messages_of,
    text_of,
    tokens,
)

CONTEXT_TOKENS = 128_000
ANSWER_TOKENS = 16_384  # what a request gets that names no limit
LEAST_TOKENS = 1024
CACHE_STEP = 128
PROMPTS_KEPT = 100  # more than a build has at the same time

_STOPS = {"end": "stop", "length": "length"}
_ERRORS = {429: "rate_limit_exceeded", 404: "model_not_found"}


class OpenAiWire:
    """The format, and what the provider behind it keeps of the prompts it has read."""

    media_type = "text/event-stream"

    def __init__(self) -> None:
        self._kept: deque[bytes] = deque(maxlen=PROMPTS_KEPT)

    def read(self, body: Mapping[str, Any]) -> Asked:
        limit = body.get("max_completion_tokens", body.get("max_tokens"))
        if limit is not None and (not isinstance(limit, int) or limit < 1):
            raise BadRequest("max_completion_tokens: a number above 0 is needed")
        messages = messages_of(body)
        texts = [text_of(message.get("content")) for message in messages]
        tools = [json.dumps(tool) for tool in body.get("tools") or ()]
        prompt_tokens = sum(map(tokens, [*tools, *texts]))
        model = str(body.get("model", ""))
        prompt = json.dumps(
            [
                model,
                tools,
                [[message.get("role"), text] for message, text in zip(messages, texts, strict=True)],
            ]
        )
        return Asked(
            model=model,
            user_texts=tuple(t for m, t in zip(messages, texts, strict=True) if m.get("role") == "user"),
            prompt_tokens=prompt_tokens,
            answer_limit=limit or ANSWER_TOKENS,
            context_tokens=CONTEXT_TOKENS,
            stream=bool(body.get("stream")),
            usage_wanted=bool((body.get("stream_options") or {}).get("include_usage")),
            take_in=lambda: self._take_in(prompt.encode(), prompt_tokens),
        )

    def _take_in(self, prompt: bytes, prompt_tokens: int) -> Cached:
        """How much of the prompt an earlier one began with."""
        shared = max((len(os.path.commonprefix([prompt, kept])) for kept in self._kept), default=0)
        self._kept.append(prompt)
        read = min(shared // BYTES_PER_TOKEN, prompt_tokens) // CACHE_STEP * CACHE_STEP
        return Cached(read if read >= LEAST_TOKENS else 0)

    def error(self, status: int, text: str) -> Mapping[str, Any]:
        kind = "server_error" if status >= 500 else "invalid_request_error"
        return {"error": {"message": text, "type": kind, "param": None, "code": _ERRORS.get(status)}}

    def whole(self, asked: Asked, said: Said) -> Mapping[str, Any]:
        message = {"role": "assistant", "content": said.text, "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _STOPS[said.stop]}
        head = _head(asked, said, "chat.completion")
        return {**head, "choices": [choice], "usage": _usage(said)}

    def begin(self, asked: Asked, said: Said) -> bytes:
        return _chunk(asked, said, {"role": "assistant", "content": ""})

    def piece(self, asked: Asked, text: str) -> bytes:
        return _chunk(asked, None, {"content": text})

    def end(self, asked: Asked, said: Said) -> bytes:
        last = _chunk(asked, said, {}, _STOPS[said.stop])
        if asked.usage_wanted:
            last += _event(
                {**_head(asked, said, "chat.completion.chunk"), "choices": [], "usage": _usage(said)}
            )
        return last + b"data: [DONE]\n\n"

    def overloaded(self) -> bytes:
        return _event({"error": {"message": "Overloaded (simulated)", "type": "server_error", "code": None}})


def listed(*names: str) -> Mapping[str, Any]:
    """What `/v1/models` says."""
    entries = [
        {"id": name, "object": "model", "created": 1_767_225_600, "owned_by": "simulated"} for name in names
    ]
    return {"object": "list", "data": [{**entry, "context_length": CONTEXT_TOKENS} for entry in entries]}


def _head(asked: Asked, said: Said | None, kind: str) -> dict[str, Any]:
    name = zlib.crc32(said.text.encode()) if said else 0
    return {
        "id": f"chatcmpl-simulated-{name:08x}",
        "object": kind,
        "created": int(time.time()),
        "model": asked.model,
    }


def _chunk(asked: Asked, said: Said | None, delta: Mapping[str, Any], reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
    return _event({**_head(asked, said, "chat.completion.chunk"), "choices": [choice]})


def _usage(said: Said) -> dict[str, Any]:
    return {
        "prompt_tokens": said.prompt_tokens,
        "completion_tokens": said.answer_tokens,
        "total_tokens": said.prompt_tokens + said.answer_tokens,
        "prompt_tokens_details": {"cached_tokens": said.cached.read},
    }


def _event(data: Mapping[str, Any]) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()
