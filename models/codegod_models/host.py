"""A model that is whoever answers: a call becomes a question that a connected MCP client takes and answers.

What carries the question there and the answer back is the door's; here it is a `Desk`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Protocol

from codegod_models.faults import NoHost
from codegod_models.names import ModelName
from codegod_models.price import price_of
from codegod_models.provider import Done, Event, ModelInfo, ModelRequest, TextPart, Usage
from codegod_models.settings import ModelSettings

ANSWER_TOKENS = 16_000  # what a host's model writes in a few calls of a tool before it tires or is cut
NOTE = (
    "Questions for {model!r} go to the MCP client that calls question_next; its tokens are not counted here."
)


class Desk(Protocol):
    """Where questions lie until somebody has answered them."""

    async def ask(self, model: ModelName, request: ModelRequest, within: float) -> str:
        """The answer to `request`; raises `Unanswered` after `within` seconds. Cancelled, the question is withdrawn."""
        ...


class HostProvider:
    """The host that is connected. Nobody knows what its tokens cost, or how many it took."""

    def __init__(self, name: ModelName, settings: ModelSettings, desk: Desk | None) -> None:
        self.model = name
        self._desk = desk
        self._within = settings.host_seconds

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Event, None]:
        if self._desk is None:
            raise NoHost(str(self.model))
        yield TextPart(await self._desk.ask(self.model, request, self._within))
        yield Done("end", Usage())

    async def check(self) -> ModelInfo:
        if self._desk is None:
            raise NoHost(str(self.model))
        return ModelInfo(
            model=self.model,
            context_tokens=None,
            max_output_tokens=ANSWER_TOKENS,
            price=price_of(self.model, datetime.now(UTC).date()),
            tools=False,
            notes=(NOTE.format(model=str(self.model)),),
        )

    async def aclose(self) -> None:
        """There is nothing to close: the desk belongs to the door."""
