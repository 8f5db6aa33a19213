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
    Unreachable,
)
from codegod_models.fit import expected_request_tokens, fit_context, request_tokens
from codegod_models.names import ModelName
from codegod_models.ollama_answer import StreamedAnswer
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
CHECK_SECONDS = 20.0
SHORTEST_SHARE = 0.7  # of the expected prompt: fewer tokens evaluated means that its front was cut off
_SHOWN = 2000  # characters of a server's words that a message may carry
_START = "Start it with `ollama serve`, or put its address into OLLAMA_HOST."


class OllamaProvider:
    """One model of one Ollama, always asked with the same num_ctx: another value would load the model again."""

    def __init__(self, name: ModelName, settings: ModelSettings) -> None:
        self.model = name
        self._url = ollama_url(settings.base_url or settings.ollama_host)
        self._idle_seconds = settings.idle_seconds
        self._first_seconds = max(settings.first_seconds, settings.idle_seconds)
        self._num_ctx = fit_context(settings.num_ctx, None)
        self._headers = (
            {"Authorization": f"Bearer {settings.ollama_api_key}"} if settings.ollama_api_key else {}
        )
        # The read limit bounds the wait for the first byte; `_next_line` is stricter from then on.
        limits = httpx.Timeout(self._first_seconds, connect=CONNECT_SECONDS)
        self._http = httpx.AsyncClient(
            base_url=self._url, headers=self._headers, timeout=limits, trust_env=False
        )

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
        client = self._library_client(CHECK_SECONDS)
        async with client:
            try:
                present = tuple(sorted(model.model or "" for model in (await client.list()).models))
                if _tagged(self.model.model) not in {_tagged(name) for name in present}:
                    raise NotPulled(self.model.model, self._url, present)
                shown = await client.show(self.model.model)
            except ollama.ResponseError as error:
                if error.status_code == httpx.codes.UNAUTHORIZED:
                    raise KeyRefused(self._url, "OLLAMA_API_KEY", error.error) from error
                why = f"HTTP {error.status_code}: {error.error[:_SHOWN]}"
                raise Unreachable(self._url, why, _START) from error
            except (ConnectionError, httpx.HTTPError) as error:
                raise Unreachable(self._url, _words(error), _START) from error
            except (ValueError, TypeError, AttributeError) as error:  # the client trips over foreign bodies
                raise Unreachable(self._url, "it does not answer as Ollama does", _START) from error
        return self._info(shown)

    async def pull(self) -> AsyncGenerator[str, None]:
        """Download the model; yields the server's words on how far it is, such as `pulling 8f2c… 40%`."""
        client = self._library_client(timeout=None)
        async with client:
            try:
                async for step in await client.pull(self.model.model, stream=True):
                    share = f" {100 * step.completed // step.total}%" if step.completed and step.total else ""
                    yield f"{step.status or ''}{share}"
            except ollama.ResponseError as error:
                raise RequestRefused(self.model.model, error.status_code, error.error[:_SHOWN]) from error
            except (ConnectionError, httpx.HTTPError) as error:
                raise Unreachable(self._url, _words(error), _START) from error

    async def aclose(self) -> None:
        await self._http.aclose()

    def _library_client(self, timeout: float | None) -> ollama.AsyncClient:
        return ollama.AsyncClient(host=self._url, headers=self._headers, timeout=timeout, trust_env=False)

    def _info(self, shown: ollama.ShowResponse) -> ModelInfo:
        limit = _context_length(shown.modelinfo or {})
        self._num_ctx = fit_context(self._num_ctx, limit)
        return ModelInfo(
            model=self.model,
            context_tokens=self._num_ctx,
            max_output_tokens=None,
            price=price_of(self.model, datetime.now(UTC).date()),
            tools="tools" in (shown.capabilities or ()),
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
            return ConnectionLost(self._url, f"{_words(error)}; is Ollama running?")
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
        expected = expected_request_tokens(request)
        if usage.input_tokens is not None and usage.input_tokens < SHORTEST_SHARE * expected:
            raise PromptCut(self.model.model, usage.input_tokens, expected, self._num_ctx)


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


def _tagged(name: str) -> str:
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def _context_length(model_info: Mapping[str, Any]) -> int | None:
    lengths = [value for key, value in model_info.items() if key.endswith(".context_length")]
    return next((value for value in lengths if isinstance(value, int)), None)


def _words(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
