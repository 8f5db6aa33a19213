"""Ollama's models: the native chat route over httpx, the `ollama` client for everything around it.

That client would strip tool schemas to their top level, end silently on a cut stream and wait for ever; and the
OpenAI-compatible route cannot set num_ctx.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import anyio
import httpx
import ollama

from codegod_models.faults import (
    Busy,
    ConnectionLost,
    KeyRefused,
    NotPulled,
    PromptCut,
    PromptTooLong,
    RequestRefused,
    Stalled,
    StreamCut,
    TransientFault,
)
from codegod_models.fit import expected_request_tokens, fit_context, request_tokens
from codegod_models.names import ModelName
from codegod_models.ollama_answer import StreamedAnswer
from codegod_models.ollama_library import OllamaLibrary, words_of
from codegod_models.price import price_of
from codegod_models.provider import (
    Event,
    ModelInfo,
    ModelRequest,
    TextPart,
    ToolSpec,
    Usage,
)
from codegod_models.settings import ModelSettings, ollama_url

CONNECT_SECONDS = 10.0
SHORTEST_SHARE = 0.7  # of the expected prompt: fewer tokens evaluated means that its front was cut off
COUNTS_UNCACHED_ONLY = "0.30."  # its prompt_eval_count leaves out what the prompt cache held (ollama#16428)
_SHOWN = 2000  # characters of a server's words that a message may carry


class OllamaProvider:
    """One model of one Ollama, always asked with the same num_ctx: another value would load the model again."""

    def __init__(self, name: ModelName, settings: ModelSettings) -> None:
        self.model = name
        self._url = ollama_url(settings.base_url or settings.ollama_host)
        headers = {"Authorization": f"Bearer {settings.ollama_api_key}"} if settings.ollama_api_key else {}
        self._library = OllamaLibrary(name.model, self._url, headers)
        self._idle_seconds = settings.idle_seconds
        self._first_seconds = max(settings.first_seconds, settings.idle_seconds)
        self._num_ctx = fit_context(settings.num_ctx, None)
        self._counts_whole_prompts = True
        # The read limit bounds the wait for the first byte; `_next_line` is stricter from then on.
        limits = httpx.Timeout(self._first_seconds, connect=CONNECT_SECONDS)
        self._http = httpx.AsyncClient(base_url=self._url, headers=headers, timeout=limits, trust_env=False)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Event, None]:
        prompt_tokens = request_tokens(request)
        if prompt_tokens + request.max_tokens > self._num_ctx:
            raise PromptTooLong(self.model.model, prompt_tokens, request.max_tokens, self._num_ctx)
        answer = StreamedAnswer()
        try:
            async with self._http.stream("POST", "/api/chat", json=self._body(request)) as response:
                if response.status_code != httpx.codes.OK:
                    raise await self._refusal(response)
                lines = response.aiter_lines()
                while answer.end is None and (line := await self._next_line(lines)) is not None:
                    if text := answer.add(line):
                        yield TextPart(text)
        except httpx.HTTPError as error:
            raise self._lost(error) from error
        usage = answer.usage()
        self._see_that_all_was_read(request, usage)
        for part in answer.ending(usage, request.tools):
            yield part

    async def check(self) -> ModelInfo:
        shown = await self._library.shown()
        return self._info(shown, await self._notes())

    def pull(self) -> AsyncGenerator[str, None]:
        """Download the model; yields the server's words on how far it is, such as `pulling 8f2c 40%`."""
        return self._library.pull()

    async def aclose(self) -> None:
        await self._http.aclose()

    def _info(self, shown: ollama.ShowResponse, notes: tuple[str, ...]) -> ModelInfo:
        limit = _context_length(shown.modelinfo or {})
        self._num_ctx = fit_context(self._num_ctx, limit)
        return ModelInfo(
            model=self.model,
            context_tokens=self._num_ctx,
            max_output_tokens=None,
            price=price_of(self.model, datetime.now(UTC).date()),
            tools="tools" in (shown.capabilities or ()),
            notes=notes,
        )

    def _body(self, request: ModelRequest) -> dict[str, Any]:
        system = [{"role": "system", "content": request.system}] if request.system else []
        options: dict[str, Any] = {"num_ctx": self._num_ctx, "num_predict": request.max_tokens}
        options |= {} if request.temperature is None else {"temperature": request.temperature}
        options |= {} if request.seed is None else {"seed": request.seed}
        messages = [*system, *({"role": m.role, "content": m.text} for m in request.messages)]
        body = {"model": self.model.model, "messages": messages, "stream": True, "options": options}
        return body | ({"tools": [_tool(tool) for tool in request.tools]} if request.tools else {})

    async def _next_line(self, lines: AsyncIterator[str]) -> Mapping[str, Any] | None:
        """The next object of the stream, or None at its end. Every line counts as a sign of life."""
        try:
            with anyio.fail_after(self._idle_seconds):
                line = await anext(lines, None)
        except TimeoutError as error:
            raise Stalled(self._idle_seconds) from error
        return None if line is None else _object(line or "{}")

    def _lost(self, error: httpx.HTTPError) -> TransientFault:
        if isinstance(error, httpx.ReadTimeout):
            return Stalled(self._first_seconds)
        if isinstance(error, httpx.ConnectError | httpx.TimeoutException):
            return ConnectionLost(self._url, f"{words_of(error)}; is Ollama running?")
        return StreamCut(f"{type(error).__name__}: {error}")

    async def _refusal(self, response: httpx.Response) -> Exception:
        await response.aread()
        return self._from_status(
            response.status_code, _error_text(response.text), response.headers.get("retry-after")
        )

    def _from_status(self, status: int, said: str, retry_after: str | None = None) -> Exception:
        if status == httpx.codes.NOT_FOUND and "model" in said:
            return NotPulled(self.model.model, self._url)
        if status == httpx.codes.UNAUTHORIZED:
            return KeyRefused(self._url, "OLLAMA_API_KEY", said)
        if status in {408, 409, 429} or status >= 500:
            return Busy(f"HTTP {status}", said, retry_after=_seconds(retry_after))
        return RequestRefused(self.model.model, status, said)

    def _see_that_all_was_read(self, request: ModelRequest, usage: Usage) -> None:
        if usage.input_tokens is None or not self._counts_whole_prompts:
            return
        evaluated = usage.input_tokens + usage.cache_read_tokens
        expected = expected_request_tokens(request)
        if evaluated < SHORTEST_SHARE * expected:
            raise PromptCut(self.model.model, evaluated, expected, self._num_ctx)

    async def _notes(self) -> tuple[str, ...]:
        """What is odd about this version of Ollama."""
        try:
            version = str((await self._http.get("/api/version")).json().get("version", ""))
        except (httpx.HTTPError, ValueError, AttributeError):
            return ()  # old, or behind a gateway: it answered all that matters
        self._counts_whole_prompts = not version.startswith(COUNTS_UNCACHED_ONLY)
        if self._counts_whole_prompts:
            return ()
        return (f"Ollama {version} does not count cached prompts, so a cut prompt goes unnoticed: update it",)


def _object(line: str) -> Mapping[str, Any]:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise StreamCut(f"a line is not JSON: {line[:80]!r}") from error
    if not isinstance(value, dict):
        raise StreamCut(f"a line is not an object: {line[:80]!r}")
    return value


def _error_text(body: str) -> str:
    try:
        value = json.loads(body)
    except ValueError:
        value = None
    said = value.get("error") if isinstance(value, dict) else None
    return str(said or body)[:_SHOWN]


def _seconds(text: str | None) -> float | None:
    try:
        return max(0.0, float(text or ""))
    except ValueError:
        return None


def _tool(tool: ToolSpec) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": dict(tool.schema)}
    return {"type": "function", "function": function}


def _context_length(model_info: Mapping[str, Any]) -> int | None:
    lengths = [value for key, value in model_info.items() if key.endswith(".context_length")]
    return next((value for value in lengths if isinstance(value, int)), None)
