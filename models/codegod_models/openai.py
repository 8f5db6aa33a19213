"""Models behind the chat completions of OpenAI's API: OpenAI's own, and whatever else serves that format.

Who serves it differs in which parameters are known. What a server refuses by name is said in its other way, or left
out, from then on; anything else that it refuses is a fault.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Collection, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from codegod_models.chat import functions_of, messages_of
from codegod_models.faults import (
    Busy,
    KeyRefused,
    MissingKey,
    ModelFault,
    PromptTooLong,
    RequestRefused,
    UnknownModel,
    Unreachable,
)
from codegod_models.fit import request_tokens, see_that_all_was_read, sized
from codegod_models.names import ModelName
from codegod_models.openai_answer import StreamedCompletion
from codegod_models.price import price_of
from codegod_models.provider import Event, ModelInfo, ModelRequest
from codegod_models.settings import OWN_URL, ModelSettings, is_loopback, openai_url
from codegod_models.streaming import (
    SAID_CHARS,
    json_object,
    lost,
    may_pass,
    next_line,
    retry_seconds,
    words_of,
)

CONNECT_SECONDS = 10.0
CHECK_SECONDS = 20.0
NEWEST_KNOWN = 20  # that many model names fit a message
DIALECT_TRIES = 4  # one for each parameter that a server may refuse

_KEY = "OPENAI_API_KEY"
_REFUSES_PARAMETERS = frozenset({400, 422})
_UNKNOWN = re.compile(
    r"unsupported|not support|unrecogni|unknown|unexpected|not permitted|extra", re.IGNORECASE
)
_LIMIT, _OLD_LIMIT = "max_completion_tokens", "max_tokens"
_OPTIONAL = ("stream_options", "temperature", "seed")
_CONTEXTS = (  # what the lists of LM Studio, vLLM, OpenRouter and Groq call the context
    "loaded_context_length",
    "max_model_len",
    "context_length",
    "context_window",
)
_SETTINGS = "Look for a context setting of the server (num_ctx, --max-model-len, --ctx-size), and raise it."


class OpenAiProvider:
    """One model of one server. A server other than OpenAI's own may need no key."""

    def __init__(self, name: ModelName, settings: ModelSettings) -> None:
        self.model = name
        self._url = openai_url(settings.base_url or settings.openai_base_url)
        self._key = settings.openai_api_key
        self._needs_key = self._url == OWN_URL
        self._idle_seconds = settings.idle_seconds
        self._first_seconds = max(settings.first_seconds, settings.idle_seconds)
        self._context_tokens: int | None = None
        # OpenAI's newer models refuse the old name; servers that follow it know the old one, and some no other.
        self._limits = (_LIMIT, _OLD_LIMIT) if self._needs_key else (_OLD_LIMIT, _LIMIT)
        self._refused: set[str] = set()
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        limits = httpx.Timeout(self._first_seconds, connect=CONNECT_SECONDS)
        self._http = httpx.AsyncClient(
            headers=headers, timeout=limits, trust_env=not is_loopback(self._url), follow_redirects=False
        )

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Event, None]:
        self._require_key()
        self._see_that_it_fits(request)
        answer = StreamedCompletion(self.model.model)
        response = await self._sent(request)
        patience = self._first_seconds  # some servers send the head at once and read the prompt after it
        try:
            lines = response.aiter_lines()
            while (line := await next_line(lines, patience)) is not None:
                patience = self._idle_seconds
                data = line.removeprefix("data:").strip() if line.startswith("data:") else ""
                if data == "[DONE]":
                    break
                for part in answer.add(json_object(data)) if data else ():
                    yield part
        except httpx.HTTPError as error:
            if answer.stop is None:  # else the answer is whole, and only the count of its tokens was lost
                raise self._lost(error) from error
        except ModelFault:
            if answer.stop is None:
                raise
        finally:
            await response.aclose()
        see_that_all_was_read(self.model.model, request, answer.usage, _SETTINGS)
        for end in answer.ending(request.tools):
            yield end

    async def check(self) -> ModelInfo:
        """What the server's list says of the model. Gateways that list other names than they serve pass with a note."""
        self._require_key()
        listed, notes = await self._listed()
        self._context_tokens = _number(listed, *_CONTEXTS)
        return ModelInfo(
            model=self.model,
            context_tokens=self._context_tokens,
            max_output_tokens=_number(listed, _LIMIT),
            price=price_of(self.model, datetime.now(UTC).date()),
            tools=True,
            notes=notes,
        )

    async def aclose(self) -> None:
        await self._http.aclose()

    def _require_key(self) -> None:
        if self._needs_key and not self._key:
            raise MissingKey(self.model.model, _KEY)

    def _see_that_it_fits(self, request: ModelRequest) -> None:
        prompt, context = request_tokens(request), self._context_tokens
        if context is not None and prompt + request.max_tokens > context:
            raise PromptTooLong(self.model.model, prompt, request.max_tokens, context)

    async def _sent(self, request: ModelRequest) -> httpx.Response:
        """The response that streams the answer; a parameter that the server refuses by name is not sent again."""
        for last_try in (*[False] * DIALECT_TRIES, True):
            body = self._body(request)
            built = self._http.build_request("POST", f"{self._url}/chat/completions", json=body)
            try:
                response = await self._http.send(built, stream=True)
                if response.status_code == httpx.codes.OK:
                    return response
                await response.aread()
            except httpx.HTTPError as error:
                raise self._lost(error) from error
            parameter = _refused_parameter(response, body)
            if last_try or not parameter or self._refused | {parameter} >= set(self._limits):
                raise sized(self._refusal(response), request)
            self._refused.add(parameter)
        raise AssertionError("unreachable")

    def _body(self, request: ModelRequest) -> dict[str, Any]:
        limit = next(name for name in self._limits if name not in self._refused)
        body: dict[str, Any] = {
            "model": self.model.model,
            "messages": messages_of(request),
            "stream": True,
            "stream_options": {"include_usage": True},
            limit: request.max_tokens,
            "temperature": request.temperature,
            "seed": request.seed,
            "tools": functions_of(request.tools) or None,
        }
        return {
            name: value for name, value in body.items() if value is not None and name not in self._refused
        }

    def _lost(self, error: httpx.HTTPError) -> ModelFault:
        return lost(error, self._url, self._first_seconds)

    def _refusal(self, response: httpx.Response) -> ModelFault:
        status, told = response.status_code, _error(response)
        said = str(told.get("message") or response.text or response.reason_phrase)[:SAID_CHARS]
        if status == httpx.codes.UNAUTHORIZED:
            return KeyRefused(self._url, _KEY, said)
        if may_pass(status) and "insufficient_quota" not in (told.get("code"), told.get("type")):
            after = retry_seconds(response.headers.get("retry-after"))
            return Busy(f"HTTP {status}", said, retry_after=after)
        return RequestRefused(self.model.model, status, f"{told.get('code') or ''} {said}".strip())

    async def _listed(self) -> tuple[Mapping[str, Any], tuple[str, ...]]:
        """The entry of the model in the server's list, and what is odd about that list."""
        try:
            response = await self._http.get(f"{self._url}/models", timeout=CHECK_SECONDS)
        except httpx.HTTPError as error:
            remedy = "Check the network and OPENAI_BASE_URL, then try again."
            raise Unreachable(self._url, words_of(error), remedy) from error
        if response.status_code == httpx.codes.UNAUTHORIZED:
            raise self._refusal(response)
        if response.status_code >= 500:
            said = response.text[:SAID_CHARS]
            raise Unreachable(self._url, f"HTTP {response.status_code}: {said}", "Try again later.")
        entries = _entries(response)
        if entries is None:
            return {}, (f"{self._url} does not say which models it has",)
        if self.model.model in entries:
            return entries[self.model.model], ()
        known = tuple(entries)[:NEWEST_KNOWN]
        if self._needs_key or is_loopback(self._url):
            raise UnknownModel(self.model.model, self._url, known)
        note = f"{self._url} does not list {self.model.model!r} (it lists {', '.join(known) or 'none'})"
        return {}, (note,)


def _refused_parameter(response: httpx.Response, sent: Collection[str]) -> str:
    """The parameter in `sent` that the server says it does not know; nothing when it is about something else."""
    error = _error(response)
    said = str(error.get("message") or response.text).replace('"', "'")
    if response.status_code not in _REFUSES_PARAMETERS or not _UNKNOWN.search(f"{error.get('code')} {said}"):
        return ""
    ours = [name for name in (_LIMIT, _OLD_LIMIT, *_OPTIONAL) if name in sent]
    named = error.get("param")
    return next((name for name in ours if named == name or (not named and f"'{name}'" in said)), "")


def _error(response: httpx.Response) -> Mapping[str, Any]:
    """The error object of a refusal, in one of the forms that are about."""
    try:
        value = response.json()
    except ValueError:
        return {}
    error = value.get("error", value) if isinstance(value, dict) else None
    if isinstance(error, dict):
        return error
    return {"message": error} if error else {}


def _entries(response: httpx.Response) -> dict[str, Mapping[str, Any]] | None:
    """The models that a list names; None when it is no such list."""
    try:
        value = response.json()
    except ValueError:
        return None
    data = value.get("data") if isinstance(value, dict) and response.is_success else None
    if not isinstance(data, list):
        return None
    return {str(entry["id"]): entry for entry in data if isinstance(entry, dict) and "id" in entry}


def _number(entry: Mapping[str, Any], *names: str) -> int | None:
    values = (entry.get(name) for name in names)
    return next((value for value in values if isinstance(value, int) and value > 0), None)
