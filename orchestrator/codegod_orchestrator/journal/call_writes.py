"""Model calls and tool calls, each recorded with its event in one change. Long texts come here as kept texts."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert

from codegod_orchestrator.journal.change import Change
from codegod_orchestrator.journal.records import ModelCall, ToolCall
from codegod_orchestrator.journal.schema import model_calls, tool_calls


@dataclass(frozen=True, slots=True)
class KeptCall:
    """The long texts of a call, each in the row itself or in a blob."""

    sent: str
    received: str
    data: str = ""


def model_called(change: Change, call: ModelCall, kept: KeptCall) -> None:
    spent: dict[str, Any] = {
        "model": call.model,
        "simulated": call.simulated,
        "rung": call.rung,
        "step": call.step,
        "input_tokens": call.input_tokens,
        "output_tokens": call.output_tokens,
        "cache_read_tokens": call.cache_read_tokens,
        "cache_write_tokens": call.cache_write_tokens,
        "reserved_tokens": call.reserved_tokens,
        "seconds": call.seconds,
        "stop": call.stop,
        "error": call.error,
    }
    change.connection.execute(
        insert(model_calls).values(
            build=change.id,
            task=call.task,
            attempt=call.attempt,
            request=kept.sent,
            reply=kept.received,
            cost=call.cost,
            at=change.now,
            **spent,
        )
    )
    cost = None if call.cost is None else str(call.cost)
    change.event("model.called", {**spent, "cost": cost}, task=call.task, attempt=call.attempt)


def tool_called(change: Change, call: ToolCall, kept: KeptCall) -> None:
    told = {"server": call.server, "tool": call.tool, "is_error": call.is_error, "seconds": call.seconds}
    change.connection.execute(
        insert(tool_calls).values(
            build=change.id,
            task=call.task,
            attempt=call.attempt,
            arguments=kept.sent,
            text=kept.received,
            data=kept.data,
            at=call.started,
            **told,
        )
    )
    change.event("tool.called", told, task=call.task, attempt=call.attempt)
