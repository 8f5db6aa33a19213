"""Ollama's native API: lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from codegod_simulator.wire import Asked, BadRequest, Said, messages_of, text_of, tokens

MODEL_CONTEXT_TOKENS = 32_768  # what the model was trained for
DEFAULT_CONTEXT_TOKENS = 4096  # what a client that names no num_ctx gets
NANOSECONDS_PER_TOKEN = 20_000_000  # 50 tokens a second, as a 7B model writes on a small GPU

_STOPS = {"end": "stop", "length": "length"}


class OllamaWire:
    media_type = "application/x-ndjson"

    def read(self, body: Mapping[str, Any]) -> Asked:
        options = body.get("options") or {}
        if not isinstance(options, dict):
            raise BadRequest("options: an object is needed")
        messages = messages_of(body)
        texts = [text_of(message.get("content")) for message in messages]
        tools = [json.dumps(tool) for tool in body.get("tools") or ()]
        context = min(_number(options, "num_ctx", DEFAULT_CONTEXT_TOKENS), MODEL_CONTEXT_TOKENS)
        limit = _number(options, "num_predict", -1)
        return Asked(
            model=str(body.get("model", "")),
            user_texts=tuple(t for m, t in zip(messages, texts, strict=True) if m.get("role") == "user"),
            prompt_tokens=sum(map(tokens, [*texts, *tools])),
            answer_limit=limit if limit > 0 else context,
            context_tokens=context,
            stream=body.get("stream") is not False,
        )

    def error(self, status: int, text: str) -> Mapping[str, Any]:
        return {"error": text}

    def whole(self, asked: Asked, said: Said) -> Mapping[str, Any]:
        return {**_line(asked, said.text), **_counts(said)}

    def begin(self, asked: Asked, said: Said) -> bytes:
        return b""  # the first piece is the first sign

    def piece(self, asked: Asked, text: str) -> bytes:
        return _written({**_line(asked, text), "done": False})

    def end(self, asked: Asked, said: Said) -> bytes:
        return _written({**_line(asked, ""), **_counts(said)})

    def overloaded(self) -> bytes:
        return _written({"error": "llama runner process has terminated (simulated)"})


def tags(name: str) -> Mapping[str, Any]:
    """What `/api/tags` says: the one model there is."""
    return {"models": [{"name": name, "model": name, "size": 1, "digest": "simulated", "details": _DETAILS}]}


def shown() -> Mapping[str, Any]:
    """What `/api/show` says of it."""
    return {
        "modelfile": "",
        "parameters": "",
        "template": "",
        "details": _DETAILS,
        "model_info": {"general.architecture": "simulated", "simulated.context_length": MODEL_CONTEXT_TOKENS},
        "capabilities": ["completion"],
    }


def running(name: str) -> Mapping[str, Any]:
    """What `/api/ps` says of it."""
    model = {"size_vram": 0, "context_length": MODEL_CONTEXT_TOKENS, "expires_at": "2100-01-01T00:00:00Z"}
    return {"models": [{"name": name, "model": name, "size": 1, "digest": "simulated", **model}]}


_DETAILS = {
    "format": "simulated",
    "family": "simulated",
    "parameter_size": "0B",
    "quantization_level": "none",
}


def _number(options: Mapping[str, Any], name: str, default: int) -> int:
    value = options.get(name, default)
    if not isinstance(value, int):
        raise BadRequest(f"options.{name}: a whole number is needed")
    return value


def _line(asked: Asked, text: str) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat()
    return {"model": asked.model, "created_at": now, "message": {"role": "assistant", "content": text}}


def _counts(said: Said) -> dict[str, Any]:
    reading, writing = (
        said.prompt_tokens * NANOSECONDS_PER_TOKEN // 20,
        said.answer_tokens * NANOSECONDS_PER_TOKEN,
    )
    return {
        "done": True,
        "done_reason": _STOPS[said.stop],
        "total_duration": reading + writing,
        "load_duration": 0,
        "prompt_eval_count": said.prompt_tokens,
        "prompt_eval_duration": reading,
        "eval_count": said.answer_tokens,
        "eval_duration": writing,
    }


def _written(line: Mapping[str, Any]) -> bytes:
    return json.dumps(line).encode() + b"\n"
