"""Anthropic's models through the official client: always streamed, never retried by the client itself.

Every request marks two places up to which the server keeps what it has read: the end of the system text, which all
conversations of a build share, and the end of the last message, from which the next turn goes on. A prefix that comes
again, byte by byte, is then read at a fraction of its price. Below the model's least length (some thousand tokens) the
marks do nothing and cost nothing.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import httpx2
from anthropic import APIError, APIStatusError, AsyncAnthropic, NotFoundError, omit

from codegod_models.anthropic_faults import from_client, is_answer_of_api
from codegod_models.anthropic_message import StreamedMessage
from codegod_models.faults import MissingKey, ModelFault, TransientFault, UnknownModel, Unreachable
from codegod_models.fit import sized
from codegod_models.names import ModelName
from codegod_models.price import price_of
from codegod_models.provider import (
    Event,
    Message,
    ModelInfo,
    ModelRequest,
    TextPart,
    ToolSpec,
)
from codegod_models.settings import ModelSettings, is_loopback

if TYPE_CHECKING:
    from anthropic.types import CacheControlEphemeralParam, MessageParam, TextBlockParam, ToolParam
    from anthropic.types import ModelInfo as ListedModel

API_URL = "https://api.anthropic.com"
CONNECT_SECONDS = 10.0
CHECK_SECONDS = 20.0
NEWEST_KNOWN = 20  # that many model names fit a message

# Five minutes, renewed by every use: the turns of a conversation follow each other faster, and an hour costs more.
_KEPT: CacheControlEphemeralParam = {"type": "ephemeral"}

_FAILURES = (APIError, httpx2.HTTPError, ValueError)  # ValueError: an event that is not JSON


class AnthropicProvider:
    """One Claude model. Without a key, and with nothing simulated, every use raises `MissingKey`."""

    def __init__(self, name: ModelName, settings: ModelSettings) -> None:
        self.model = name
        self._key = settings.anthropic_api_key or ("simulated" if name.simulated else "")
        self._url = settings.base_url or settings.anthropic_base_url or API_URL
        self._idle_seconds = settings.idle_seconds
        # The read limit counts bytes, so the pings that the client swallows keep a slow answer alive.
        limits = httpx2.Timeout(settings.idle_seconds, connect=CONNECT_SECONDS)
        direct = httpx2.AsyncClient(trust_env=False, timeout=limits) if is_loopback(self._url) else None
        key = self._key or "none"  # an empty one would send the client looking in the environment
        self._client = AsyncAnthropic(
            api_key=key, base_url=self._url, max_retries=0, timeout=limits, http_client=direct
        )

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Event, None]:
        self._require_key()
        message = StreamedMessage()
        try:
            stream = await self._client.messages.create(
                model=self.model.model,
                max_tokens=request.max_tokens,
                system=[{"type": "text", "text": request.system, "cache_control": _KEPT}]
                if request.system
                else omit,
                messages=_turns(request.messages),
                tools=[_tool(tool) for tool in request.tools] or omit,
                stream=True,
            )
            async with stream:
                async for event in stream:
                    if text := message.add(event):
                        yield TextPart(text)
                    if message.ended:
                        break
        except _FAILURES as error:
            fault = from_client(error, self.model.model, self._url, self._idle_seconds)
            raise sized(fault, request) from error
        for part in message.ending(request.tools):
            yield part

    async def check(self) -> ModelInfo:
        """The API's own word on the model. A gateway that only forwards messages cannot give it, and passes."""
        self._require_key()
        try:
            listed = await self._client.models.retrieve(self.model.model, timeout=CHECK_SECONDS)
        except NotFoundError as error:
            return await self._unlisted(error)
        except _FAILURES as error:
            raise self._uncheckable(error) from error
        return self._info(listed, ())

    async def aclose(self) -> None:
        await self._client.close()

    def _require_key(self) -> None:
        if not self._key:
            raise MissingKey(self.model.model, "ANTHROPIC_API_KEY")

    async def _unlisted(self, refusal: APIStatusError) -> ModelInfo:
        """Refuse the model if that is the API speaking; ask its list if the server merely has no such page."""
        try:
            page = await self._client.models.list(limit=1000, timeout=CHECK_SECONDS)
        except NotFoundError:
            return self._info(None, (f"{self._url} does not say which models it has",))
        except _FAILURES as error:
            raise self._uncheckable(error) from error
        known = tuple(listed.id for listed in page.data)
        if is_answer_of_api(refusal):
            raise UnknownModel(self.model.model, self._url, known[:NEWEST_KNOWN]) from refusal
        for listed in page.data:
            if listed.id == self.model.model:
                return self._info(listed, ())
        note = f"{self._url} does not list {self.model.model!r} (it lists {', '.join(known[:NEWEST_KNOWN]) or 'none'})"
        return self._info(None, (note,))

    def _uncheckable(self, error: Exception) -> ModelFault:
        fault = from_client(error, self.model.model, self._url, CHECK_SECONDS)
        if isinstance(fault, TransientFault):
            return Unreachable(
                self._url, str(fault), "Check the network and ANTHROPIC_BASE_URL, then try again."
            )
        return fault

    def _info(self, listed: ListedModel | None, notes: tuple[str, ...]) -> ModelInfo:
        return ModelInfo(
            model=self.model,
            context_tokens=listed.max_input_tokens if listed else None,
            max_output_tokens=listed.max_tokens if listed else None,
            price=price_of(self.model, datetime.now(UTC).date()),
            tools=True,
            notes=(*notes, *_lifecycle(listed)),
        )


def _turns(messages: Sequence[Message]) -> list[MessageParam]:
    """The messages, the last of them with the mark up to which the server keeps the conversation."""
    if not messages:
        return []
    *before, last = messages
    end: TextBlockParam = {"type": "text", "text": last.text, "cache_control": _KEPT}
    return [*(_turn(message.role, message.text) for message in before), _turn(last.role, [end])]


def _turn(role: Literal["user", "assistant"], content: str | list[TextBlockParam]) -> MessageParam:
    if role == "user":
        return {"role": "user", "content": content}
    return {"role": "assistant", "content": content}


def _tool(tool: ToolSpec) -> ToolParam:
    schema: dict[str, Any] = json.loads(json.dumps(dict(tool.schema)))
    return {"name": tool.name, "description": tool.description, "input_schema": {"type": "object", **schema}}


def _lifecycle(listed: ListedModel | None) -> tuple[str, ...]:
    if listed is None or listed.lifecycle == "active":
        return ()
    until = f", until {listed.retires_at:%Y-%m-%d}" if listed.retires_at else ""
    return (f"{listed.id} is {listed.lifecycle}{until}: choose a newer model",)
