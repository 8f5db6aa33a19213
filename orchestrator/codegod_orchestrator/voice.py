"""One model that a build may ask. Every try is reserved in the budget before, and journalled after, whatever came of it."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

import anyio

from codegod_models import (
    Busy,
    ConnectionLost,
    Done,
    Event,
    KeyRefused,
    MissingKey,
    ModelFault,
    ModelInfo,
    ModelName,
    ModelReply,
    ModelRequest,
    NoHost,
    NotPulled,
    OutOfTime,
    PromptTooLong,
    Provider,
    RequestRefused,
    TextPart,
    Unanswered,
    UnknownModel,
    Unreachable,
    complete,
    cost,
)
from codegod_orchestrator.budget import ASKED, Budget, Held
from codegod_orchestrator.journal import ClaimedBuild, ModelCall

CALL_SECONDS = 1_800.0  # a 7B model on a CPU writes 200 lines in about ten minutes
STOPPED = "stopped before the answer was whole"

Step = Literal["plan", "acceptance", "contract", "task", "ruling", "replan", "judge", "finish"]

# What a server (or nobody) says in place of an answer: no model has begun to work, so nothing is owed.
_NOT_BEGUN = (
    Busy,
    KeyRefused,
    MissingKey,
    NoHost,
    NotPulled,
    PromptTooLong,
    RequestRefused,
    Unanswered,
    UnknownModel,
    Unreachable,
)


@dataclass(frozen=True, slots=True)
class Voice:
    """A provider with the journal and the budget of one build around it."""

    provider: Provider
    claimed: ClaimedBuild
    rung: int = 0
    answer_tokens: int | None = None
    """The most that this model may answer with at a time; None: what the request asks for."""
    seconds: float = field(default=CALL_SECONDS)
    budget: Budget = field(default_factory=Budget)

    async def ask(
        self, request: ModelRequest, step: Step, *, task: str = "", attempt: str = ""
    ) -> ModelReply:
        """The whole answer; raises `ModelFault` when retries within the time did not bring one.

        Raises `LimitReached` when what is left of the budget does not allow the call, or its time ends under it.
        """
        if self.answer_tokens and request.max_tokens > self.answer_tokens:
            request = replace(request, max_tokens=self.answer_tokens)
        seconds = self.budget.seconds_left(self.seconds)
        if attempt:
            self.budget.begin_attempt(attempt)
        try:
            asking = _Asking(self, step, task, attempt)
            return await complete(asking, request, deadline=time.time() + seconds)
        except OutOfTime:
            self.budget.seconds_left(0.0)  # it may have been the build's time that ran out, not the call's
            raise

    def for_task(self, task: str, attempt: str) -> Callable[[ModelRequest], Awaitable[ModelReply]]:
        """What a worker asks with: the same model, its calls recorded under the attempt."""

        async def ask(request: ModelRequest) -> ModelReply:
            return await self.ask(request, "task", task=task, attempt=attempt)

        return ask


@dataclass(slots=True)
class _Heard:
    """What came back of one try so far."""

    started: float = field(default_factory=time.monotonic)
    text: list[str] = field(default_factory=list)
    begun: bool = False
    done: Done | None = None
    error: str = STOPPED
    owed: bool = True

    def take(self, event: Event) -> None:
        self.begun = True
        if isinstance(event, TextPart):
            self.text.append(event.text)
        elif isinstance(event, Done):
            self.done, self.error = event, ""

    def fail(self, fault: ModelFault) -> None:
        refused = isinstance(fault, _NOT_BEGUN) or (
            # The connection was never made: a request that was taken may have been worked on.
            isinstance(fault, ConnectionLost) and _never_connected(fault)
        )
        self.error = str(fault)
        self.owed = self.begun or not refused


@dataclass(frozen=True, slots=True)
class _Asking:
    """The voice's provider, each try of which is reserved, announced and recorded."""

    voice: Voice
    step: Step
    task: str
    attempt: str

    @property
    def model(self) -> ModelName:
        return self.voice.provider.model

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Event, None]:
        held = await self.voice.budget.reserve(self.model, request)
        await self._announce(held)
        heard = _Heard()
        try:
            async with aclosing(self.voice.provider.stream(request)) as events:
                async for event in events:
                    heard.take(event)
                    yield event
        except ModelFault as fault:
            heard.fail(fault)
            raise
        finally:
            with anyio.CancelScope(shield=True):  # what was asked is owed, also by a build that is stopped
                await self._record(held, request, heard)

    async def check(self) -> ModelInfo:
        return await self.voice.provider.check()

    async def aclose(self) -> None:
        """The provider is not ours to close."""

    async def _announce(self, held: Held) -> None:
        told = {
            "step": self.step,
            "model": str(self.model),
            "rung": self.voice.rung,
            "simulated": self.model.simulated,
            "reserved_tokens": held.tokens,
            "reserved_cost": None if held.cost is None else str(held.cost),
        }
        try:
            await self.voice.claimed.append(ASKED, told, task=self.task, attempt=self.attempt)
        except BaseException:
            self.voice.budget.settle(held, None)
            raise

    async def _record(self, held: Held, request: ModelRequest, heard: _Heard) -> None:
        call = self._call(held, request, heard)
        self.voice.budget.settle(held, call)
        await self.voice.claimed.record_model_call(call)

    def _call(self, held: Held, request: ModelRequest, heard: _Heard) -> ModelCall:
        """The call as the journal keeps it: without its usage, what was held for it stays spent."""
        usage = heard.done.usage if heard.done else None
        spent = cost(self.model, usage, at=datetime.now(UTC).date()) if usage else None
        unknown = held.cost if heard.owed else Decimal(0)
        return ModelCall(
            step=self.step,
            model=str(self.model),
            simulated=self.model.simulated,
            request=_shown(request),
            reply="".join(heard.text),
            stop=heard.done.stop if heard.done else "",
            seconds=time.monotonic() - heard.started,
            reserved_tokens=held.tokens if heard.owed else 0,
            input_tokens=usage.input_tokens if usage else None,
            output_tokens=usage.output_tokens if usage else None,
            cache_read_tokens=usage.cache_read_tokens if usage else 0,
            cache_write_tokens=usage.cache_write_tokens if usage else 0,
            cost=unknown if spent is None else spent,
            rung=self.voice.rung,
            task=self.task,
            attempt=self.attempt,
            error=heard.error,
        )


def _never_connected(fault: ConnectionLost) -> bool:
    cause: BaseException | None = fault.__cause__
    while cause is not None:
        if isinstance(cause, ConnectionRefusedError) or type(cause).__name__ == "ConnectError":
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _shown(request: ModelRequest) -> str:
    """The request as text: what the journal keeps of it."""
    turns = [f"## {message.role}\n{message.text}" for message in request.messages]
    return "\n\n".join([f"## system\n{request.system}", *turns])
