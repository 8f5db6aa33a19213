"""Model calls and tool calls come back as they were, whatever a hostile program put into them."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from codegod_mesh.record import Recorder, ToolCall
from codegod_orchestrator.blobs import INLINE_LIMIT_CHARS
from codegod_orchestrator.journal import ClaimedBuild, Journal, JournalDamaged, ModelCall
from codegod_orchestrator.spend import Amount

CALL = ModelCall(
    step="task",
    model="ollama:small",
    simulated=False,
    request="please",
    reply="thanks",
    stop="end",
    seconds=1.5,
    reserved_tokens=1000,
    input_tokens=10,
    output_tokens=20,
    cost=Decimal("0.0000000375"),
    rung=1,
    task="api",
    attempt="api.1",
)
NASTY = [
    "",
    "plain",
    "Ünïcode ✓",
    "nul \0 and half \ud800 pair",
    "\x1b[31m",
    "=@",
    "@" + "0" * 64,
    "long " * 2000,
]


def tool_call(build: str, text: str = "", data: Mapping[str, Any] | None = None) -> ToolCall:
    started = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
    return ToolCall(
        build, "api", "api.1", "sandbox", "file_write", {"content": text}, True, text, data, 0.25, started
    )


def blobs_beside(path: Path) -> list[Path]:
    """The blobs, smallest first."""
    files = [file for file in (path.parent / "blobs").rglob("*") if file.is_file()]
    return sorted(files, key=lambda file: file.stat().st_size)


@pytest.mark.parametrize("text", NASTY)
async def test_a_model_call_comes_back_as_it_was(journal: Journal, claimed: ClaimedBuild, text: str) -> None:
    call = replace(CALL, request=text, reply=text)
    await claimed.record_model_call(call)
    (recorded,) = await journal.model_calls(claimed.id)
    assert (recorded.build, recorded.call) == (claimed.id, call)
    (event,) = await journal.events_of(claimed.id, ["model.called"])
    assert (event.attempt, event.data["output_tokens"], event.data["cost"]) == ("api.1", 20, "3.75E-8")


@pytest.mark.parametrize("text", NASTY)
async def test_a_tool_call_comes_back_as_it_was(journal: Journal, claimed: ClaimedBuild, text: str) -> None:
    recorder: Recorder = claimed
    call = tool_call(claimed.id, text, {"text": text})
    await recorder.tool_called(call)
    await journal.tool_called(replace(call, data=None))
    first, second = await journal.tool_calls(claimed.id)
    assert (first.arguments, first.text, first.data) == ({"content": text}, text, {"text": text})
    assert (first.server, first.tool, first.is_error, first.at) == (
        "sandbox",
        "file_write",
        True,
        call.started,
    )
    assert second.data is None
    assert (await journal.tool_calls(claimed.id, after=first.number)) == (second,)


async def test_eight_megabytes_lie_in_a_blob_once(
    journal: Journal, claimed: ClaimedBuild, path: Path
) -> None:
    text = "x" * 8 * 1024 * 1024
    await claimed.tool_called(tool_call(claimed.id, text))
    await claimed.record_model_call(replace(CALL, reply=text))
    assert (await journal.tool_calls(claimed.id))[0].text == text
    assert [blob.stat().st_size for blob in blobs_beside(path)] == [
        len(text),
        len(json.dumps({"content": text})),
    ]


@pytest.mark.parametrize("damage", ["missing", "changed"])
async def test_a_blob_that_is_not_what_was_written_is_loud(
    journal: Journal, claimed: ClaimedBuild, path: Path, damage: str
) -> None:
    await claimed.record_model_call(replace(CALL, reply="y" * (INLINE_LIMIT_CHARS + 1)))
    (blob,) = blobs_beside(path)
    if damage == "missing":
        blob.unlink()
    else:
        blob.write_text("z", encoding="utf-8")
    with pytest.raises(JournalDamaged, match=blob.name):
        await journal.model_calls(claimed.id)
    assert (await journal.spend(claimed.id)).total.calls == 1


async def test_spending_is_added_up_per_model_and_rung(journal: Journal, claimed: ClaimedBuild) -> None:
    await claimed.record_model_call(CALL)
    await claimed.record_model_call(replace(CALL, input_tokens=None, output_tokens=None, cost=None))
    await claimed.record_model_call(
        replace(CALL, step="plan", model="anthropic:big", cost=Decimal("0.5"), rung=0)
    )
    spend = await journal.spend(claimed.id)
    assert spend.total.cost == Decimal("0.5000000375")
    assert (
        spend.by_model["ollama:small"]
        == spend.by_rung[1]
        == Amount(
            calls=2,
            input_tokens=10,
            output_tokens=20,
            reserved_tokens=1000,
            cost=Decimal("0.0000000375"),
            unpriced_calls=1,
            seconds=3.0,
        )
    )
    assert (list(spend.by_rung), spend.simulated, spend.real) == ([1], (), ("ollama:small", "anthropic:big"))
