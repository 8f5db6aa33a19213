"""One model that a build may ask. Every call is journalled, whether it was answered or not."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal

from codegod_models import ModelFault, ModelReply, ModelRequest, Provider, complete, cost, request_tokens
from codegod_orchestrator.journal import ClaimedBuild, ModelCall

CALL_SECONDS = 1_800.0  # a 7B model on a CPU writes 200 lines in about ten minutes

Step = Literal["plan", "contract", "task", "judge", "finish"]


@dataclass(frozen=True, slots=True)
class Voice:
    """A provider with the journal of one build around it."""

    provider: Provider
    claimed: ClaimedBuild
    rung: int = 0
    answer_tokens: int | None = None
    """The most that this model may answer with at a time; None: what the request asks for."""
    seconds: float = field(default=CALL_SECONDS)

    async def ask(
        self, request: ModelRequest, step: Step, *, task: str = "", attempt: str = ""
    ) -> ModelReply:
        """The whole answer; raises `ModelFault` when retries within the time did not bring one."""
        started = time.monotonic()
        if self.answer_tokens and request.max_tokens > self.answer_tokens:
            request = replace(request, max_tokens=self.answer_tokens)
        await self.claimed.append(
            "model.asked", {"step": step, "model": str(self.provider.model)}, task=task, attempt=attempt
        )
        try:
            reply = await complete(self.provider, request, deadline=time.time() + self.seconds)
        except ModelFault as fault:
            await self._failed(request, step, str(fault), time.monotonic() - started, task, attempt)
            raise
        await self._answered(request, step, reply, task, attempt)
        return reply

    def for_task(self, task: str, attempt: str) -> Callable[[ModelRequest], Awaitable[ModelReply]]:
        """What a worker asks with: the same model, its calls recorded under the attempt."""

        async def ask(request: ModelRequest) -> ModelReply:
            return await self.ask(request, "task", task=task, attempt=attempt)

        return ask

    async def _answered(
        self, request: ModelRequest, step: Step, reply: ModelReply, task: str, attempt: str
    ) -> None:
        usage = reply.usage
        await self.claimed.record_model_call(
            ModelCall(
                step=step,
                model=str(self.provider.model),
                simulated=reply.simulated,
                request=_shown(request),
                reply=reply.text,
                stop=reply.stop,
                seconds=reply.seconds,
                reserved_tokens=self._reserved(request),
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
                cache_read_tokens=usage.cache_read_tokens,
                cache_write_tokens=usage.cache_write_tokens,
                cost=cost(self.provider.model, usage, at=datetime.now(UTC).date()),
                rung=self.rung,
                task=task,
                attempt=attempt,
            )
        )

    async def _failed(
        self, request: ModelRequest, step: Step, error: str, seconds: float, task: str, attempt: str
    ) -> None:
        await self.claimed.record_model_call(
            ModelCall(
                step=step,
                model=str(self.provider.model),
                simulated=self.provider.model.simulated,
                request=_shown(request),
                reply="",
                stop="",
                seconds=seconds,
                reserved_tokens=self._reserved(request),
                rung=self.rung,
                task=task,
                attempt=attempt,
                error=error,
            )
        )

    def _reserved(self, request: ModelRequest) -> int:
        return request_tokens(request) + request.max_tokens


def _shown(request: ModelRequest) -> str:
    """The request as text: what the journal keeps of it."""
    turns = [f"## {message.role}\n{message.text}" for message in request.messages]
    return "\n\n".join([f"## system\n{request.system}", *turns])
