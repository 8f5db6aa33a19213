"""Ollama's models: the native chat route over httpx, the `ollama` client for everything around it.

That client would strip tool schemas to their top level, end silently on a cut stream and wait for ever; and the
OpenAI-compatible route cannot set num_ctx.
"""

from __future__ import annotations

import json
import math
from collections.abc import AsyncGenerator, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import ollama

from codegod_models.chat import functions_of, messages_of
from codegod_models.faults import (
    Busy,
    KeyRefused,
    ModelFault,
    NotPulled,
    PromptTooLong,
    RequestRefused,
)
from codegod_models.fit import fit_context, request_tokens, see_that_all_was_read, sized
from codegod_models.names import ModelName
from codegod_models.ollama_answer import StreamedAnswer
from codegod_models.ollama_library import OllamaLibrary
from codegod_models.price import price_of
from codegod_models.provider import Event, ModelInfo, ModelRequest, Usage
from codegod_models.settings import ModelSettings, ollama_url
from codegod_models.streaming import SAID_CHARS, json_object, lost, may_pass, next_line, retry_seconds

CONNECT_SECONDS = 10.0
LEARNED_FROM_TOKENS = 500
COUNTS_UNCACHED_ONLY = "0.30."  # its prompt_eval_count leaves out what the prompt cache held (ollama#16428)


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
        self._denser = (
            1.0  # how many times our estimate this model's tokenizer has made of a prompt, at the most
        )
        # The read limit bounds the wait for the first byte; `next_line` is stricter from then on.
        limits = httpx.Timeout(self._first_seconds, connect=CONNECT_SECONDS)
        self._http = httpx.AsyncClient(base_url=self._url, headers=headers, timeout=limits, trust_env=False)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Event, None]:
        self._see_that_it_fits(request)
        answer = StreamedAnswer()
        try:
            async with self._http.stream("POST", "/api/chat", json=self._body(request)) as response:
                if response.status_code != httpx.codes.OK:
                    raise sized(await self._refusal(response), request)
                lines = response.aiter_lines()
                while answer.end is None and (line := await next_line(lines, self._idle_seconds)) is not None:
                    for part in answer.add(json_object(line or "{}")):
                        yield part
        except httpx.HTTPError as error:
            raise lost(error, self._url, self._first_seconds, "; is Ollama running?") from error
        usage = answer.usage()
        self._see_that_all_was_read(request, usage)
        for end in answer.ending(usage, request.tools):
            yield end

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
        options: dict[str, Any] = {"num_ctx": self._num_ctx, "num_predict": request.max_tokens}
        options |= {} if request.temperature is None else {"temperature": request.temperature}
        options |= {} if request.seed is None else {"seed": request.seed}
        body = {
            "model": self.model.model,
            "messages": messages_of(request),
            "stream": True,
            "options": options,
        }
        return body | ({"tools": functions_of(request.tools)} if request.tools else {})

    async def _refusal(self, response: httpx.Response) -> ModelFault:
        await response.aread()
        status, said = response.status_code, _error_text(response.text)
        if status == httpx.codes.NOT_FOUND and "model" in said:
            return NotPulled(self.model.model, self._url)
        if status == httpx.codes.UNAUTHORIZED:
            return KeyRefused(self._url, "OLLAMA_API_KEY", said)
        if may_pass(status):
            return Busy(
                f"HTTP {status}", said, retry_after=retry_seconds(response.headers.get("retry-after"))
            )
        return RequestRefused(self.model.model, status, said)

    def _see_that_it_fits(self, request: ModelRequest) -> None:
        """Before: nothing is sent that the server would have to cut. Estimates that proved too low are corrected."""
        prompt_tokens = math.ceil(request_tokens(request) * self._denser)
        if prompt_tokens + request.max_tokens > self._num_ctx:
            raise PromptTooLong(
                self.model.model, prompt_tokens, request.max_tokens, self._num_ctx, setting="CODEGOD_NUM_CTX"
            )

    def _see_that_all_was_read(self, request: ModelRequest, usage: Usage) -> None:
        """After: the server's own count says whether it cut, and how good our estimate was."""
        if usage.input_tokens is None or not self._counts_whole_prompts:
            return
        remedy = (
            f"It was asked for num_ctx={self._num_ctx}: look for OLLAMA_CONTEXT_LENGTH or OLLAMA_NUM_PARALLEL on the "
            "server, or lower CODEGOD_NUM_CTX to what it really loads (`ollama ps` shows it)."
        )
        see_that_all_was_read(self.model.model, request, usage, remedy)
        estimate = request_tokens(request)
        if estimate >= LEARNED_FROM_TOKENS:  # in a short prompt the chat template is most of what is counted
            self._denser = max(self._denser, (usage.input_tokens + usage.cache_read_tokens) / estimate)

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


def _error_text(body: str) -> str:
    try:
        value = json.loads(body)
    except ValueError:
        value = None
    said = value.get("error") if isinstance(value, dict) else None
    return str(said or body)[:SAID_CHARS]


def _context_length(model_info: Mapping[str, Any]) -> int | None:
    lengths = [value for key, value in model_info.items() if key.endswith(".context_length")]
    return next((value for value in lengths if isinstance(value, int)), None)
