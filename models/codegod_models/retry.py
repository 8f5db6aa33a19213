"""Asks a model until it has answered: our own retries, within one deadline."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field

import anyio

from codegod_models.faults import GaveUp, OutOfTime, StreamCut, TransientFault
from codegod_models.provider import (
    Done,
    ModelReply,
    ModelRequest,
    Provider,
    TextPart,
    ThoughtPart,
    ToolUse,
    Usage,
)
from codegod_models.repeats import RepeatWatch

RETRIES = 6  # with doubling delays this rides out about a minute of trouble
FIRST_DELAY_SECONDS = 1.0
LONGEST_DELAY_SECONDS = 30.0
EPOCH_IS_LATER_THAN = 1_000_000_000.0  # a deadline below this was meant as a duration


@dataclass(slots=True)
class _Answer:
    text: list[str] = field(default_factory=list)
    calls: list[ToolUse] = field(default_factory=list)
    done: Done | None = None


async def complete(
    provider: Provider,
    request: ModelRequest,
    *,
    deadline: float,
    retries: int = RETRIES,
    first_delay: float = FIRST_DELAY_SECONDS,
    on_text: Callable[[str], None] | None = None,
    on_retry: Callable[[TransientFault, float], None] | None = None,
    now: Callable[[], float] = time.time,
) -> ModelReply:
    """The whole answer to `request`, by `deadline` (epoch seconds, as in a grant).

    What may pass is tried again after a growing, jittered delay, or after the delay the server asks for when that
    ends before the deadline. `on_text` hears the answer as it grows; `on_retry` says that what it heard is void.
    An answer that repeats itself for ever is closed: it ends by `length`, with a note, and its usage is missing.
    Raises `ModelFault`: at once for what will not pass, `GaveUp` after the last try, `OutOfTime` at the deadline.
    """
    if deadline < EPOCH_IS_LATER_THAN:
        raise ValueError(f"deadline={deadline} is no point in time: pass time.time() + seconds")
    model, started = str(provider.model), time.monotonic()
    with anyio.move_on_after(deadline - now()):
        for number in range(1, retries + 2):
            try:
                answer = await _ask(provider, request, on_text)
            except TransientFault as fault:
                delay = _delay(number, first_delay, fault.retry_after)
                if number > retries:
                    raise GaveUp(model, number, fault, "that was the last one") from fault
                if now() + delay >= deadline:
                    why = f"the next is due in {delay:.0f} s, after the deadline"
                    raise GaveUp(model, number, fault, why) from fault
                if on_retry:
                    on_retry(fault, delay)
                await anyio.sleep(delay)
            else:
                return _reply(answer, provider, time.monotonic() - started, number)
    raise OutOfTime(model, time.monotonic() - started)


async def _ask(provider: Provider, request: ModelRequest, on_text: Callable[[str], None] | None) -> _Answer:
    answer = _Answer()
    saying, thinking = RepeatWatch(), RepeatWatch()
    async with aclosing(provider.stream(request)) as events:
        async for event in events:
            loop = ""
            if isinstance(event, TextPart):
                answer.text.append(event.text)
                if on_text:
                    on_text(event.text)
                loop = saying.hear(event.text)
            elif isinstance(event, ThoughtPart):
                loop = thinking.hear(event.text)
            elif isinstance(event, ToolUse):
                answer.calls.append(event)
            else:
                answer.done = event
            if loop:
                note = f"it said the same again and again and was cut off: {loop!r}"
                answer.done = Done("length", Usage(), note)
                break
    if answer.done is None:
        raise StreamCut("the stream ended without its end")
    return answer


def _delay(number: int, first: float, retry_after: float | None) -> float:
    """Full jitter over the upper half: clients that failed together do not come back together."""
    if retry_after is not None:
        return retry_after
    longest = min(first * 2 ** (number - 1), LONGEST_DELAY_SECONDS)
    return random.uniform(longest / 2, longest)  # noqa: S311 - spreads load, guards nothing


def _reply(answer: _Answer, provider: Provider, seconds: float, tries: int) -> ModelReply:
    assert answer.done is not None  # noqa: S101 - _ask has seen it
    return ModelReply(
        text="".join(answer.text),
        tool_calls=tuple(answer.calls),
        stop=answer.done.stop,
        usage=answer.done.usage,
        model=str(provider.model),
        seconds=seconds,
        simulated=provider.model.simulated,
        note=answer.done.note,
        tries=tries,
    )
