"""The official Anthropic client, driven over loopback through what goes wrong on a wire."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from codegod_models import (
    Busy,
    ConnectionLost,
    Done,
    KeyRefused,
    Message,
    MissingKey,
    ModelRequest,
    ModelSettings,
    PromptTooLong,
    Provider,
    RequestRefused,
    Stalled,
    StreamCut,
    TextPart,
    ToolCallInvalid,
    ToolUse,
    UnknownModel,
    Unreachable,
    Usage,
    open_provider,
    parse_model,
)

from .conftest import Claude, Spec, Wire, events, see_a_cancelled_request_closed

WRITE = Spec(
    "file_write",
    "Write a file",
    {
        "properties": {"path": {"type": "string"}, "text": {"type": "string"}},
        "required": ["path", "text"],
        "additionalProperties": False,
    },
)
WITH_TOOL = ModelRequest("", (Message("user", "Write a.py"),), 1000, tools=(WRITE,))


async def opened(url: str, **more: Any) -> Provider:
    settings = ModelSettings(
        base_url=url, anthropic_api_key="key", idle_seconds=more.pop("idle", 5.0), **more
    )
    return open_provider(parse_model("claude-test"), settings)


@pytest.fixture
async def provider(wire: Wire) -> AsyncIterator[Provider]:
    provider = await opened(wire.url)
    yield provider
    await provider.aclose()


def marked(text: str) -> dict[str, Any]:
    """A block of text at whose end the server keeps what it has read."""
    return {"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}


def texts(turn: dict[str, Any]) -> list[str]:
    content = turn["content"]
    return [content] if isinstance(content, str) else [block["text"] for block in content]


async def test_text_arrives_piece_by_piece_and_ends_with_its_usage(
    wire: Wire, claude: type[Claude], provider: Provider
) -> None:
    start = claude.start(cache_read_input_tokens=100, cache_creation_input_tokens=40)
    wire.replies = [claude.reply([start, *claude.text("Hel", "lo"), claude.delta("end_turn"), claude.STOP])]
    assert await events(provider) == [TextPart("Hel"), TextPart("lo"), Done("end", Usage(25, 12, 100, 40))]
    sent = wire.seen[0].body
    assert (sent["model"], sent["max_tokens"], sent["stream"]) == ("claude-test", 1000, True)
    assert sent["system"] == [marked("You are terse.")]
    assert sent["messages"] == [{"role": "user", "content": [marked("Say hello")]}]
    assert "tools" not in sent
    assert wire.seen[0].headers["authorization"] == "Bearer key"


async def test_a_longer_conversation_repeats_its_beginning_byte_by_byte_up_to_the_next_mark(
    wire: Wire, claude: type[Claude], provider: Provider
) -> None:
    wire.replies = [claude.answer("plan"), claude.answer("files")]
    first = (Message("user", "Plan it"),)
    longer = (*first, Message("assistant", "plan"), Message("user", "Write it"))
    for messages in (first, longer):
        await events(provider, ModelRequest("You are terse.", messages, 1000))
    before, after = (seen.body for seen in wire.seen)
    assert after["system"] == before["system"] == [marked("You are terse.")]
    assert [texts(turn) for turn in after["messages"]] == [["Plan it"], ["plan"], ["Write it"]]
    assert [texts(turn) for turn in before["messages"]] == [["Plan it"]]
    assert after["messages"][-1]["content"] == [marked("Write it")]
    assert json.dumps(after).count("cache_control") == 2  # the API takes four at most


async def test_a_complete_tool_call_is_handed_on(
    wire: Wire, claude: type[Claude], provider: Provider
) -> None:
    call = claude.call("file_write", '{"path": "a.py", "text": "x = 1"}')
    wire.replies = [
        claude.reply([claude.start(), *claude.text("Now:"), *call, claude.delta("tool_use"), claude.STOP])
    ]
    said = await events(provider, WITH_TOOL)
    assert said[1] == ToolUse("toolu_1", "file_write", {"path": "a.py", "text": "x = 1"})
    assert said[2] == Done("tool", Usage(25, 12))
    schema = {"type": "object", **WRITE.schema}
    assert wire.seen[0].body["tools"] == [
        {"name": "file_write", "description": "Write a file", "input_schema": schema}
    ]
    assert "system" not in wire.seen[0].body


async def test_a_call_that_hit_the_length_limit_is_no_call(
    wire: Wire, claude: type[Claude], provider: Provider
) -> None:
    cut = claude.call("file_write", '{"path": "a.py", "te')
    wire.replies = [claude.reply([claude.start(), *cut, claude.delta("max_tokens"), claude.STOP])]
    assert await events(provider, WITH_TOOL) == [Done("length", Usage(25, 12))]


@pytest.mark.parametrize(
    "arguments", ['{"path": "a.py", "te', '{"path": "a.py"}', '{"path": "a.py", "text": 1}']
)
async def test_a_call_that_does_not_fit_its_schema_may_be_tried_again(
    wire: Wire, claude: type[Claude], provider: Provider, arguments: str
) -> None:
    call = claude.call("file_write", arguments)
    wire.replies = [claude.reply([claude.start(), *call, claude.delta("tool_use"), claude.STOP])]
    with pytest.raises(ToolCallInvalid, match="file_write"):
        await events(provider, WITH_TOOL)


async def test_a_stream_cut_inside_a_tool_call_yields_no_call(
    wire: Wire, claude: type[Claude], provider: Provider
) -> None:
    wire.replies = [
        claude.reply([claude.start(), *claude.call("file_write", '{"path": "a.py", "te', closed=False)])
    ]
    with pytest.raises(StreamCut):
        await events(provider, WITH_TOOL)


@pytest.mark.parametrize("then", ["end", "break off"])
async def test_a_stream_without_its_end_is_cut_however_it_was_closed(
    wire: Wire, claude: type[Claude], provider: Provider, then: Any
) -> None:
    wire.replies = [claude.reply([claude.start(), *claude.text("half a")], then=then)]
    with pytest.raises(StreamCut):
        await events(provider)


async def test_a_stream_that_stops_between_its_last_two_events_is_cut(
    wire: Wire, claude: type[Claude], provider: Provider
) -> None:
    wire.replies = [claude.reply([claude.start(), *claude.text("all of it?"), claude.delta("end_turn")])]
    with pytest.raises(StreamCut):
        await events(provider)


async def test_garbage_on_the_wire_is_a_cut_stream(
    wire: Wire, claude: type[Claude], provider: Provider
) -> None:
    wire.replies = [claude.reply([claude.start(), b"event: content_block_delta\ndata: {oops\n\n"])]
    with pytest.raises(StreamCut, match="JSONDecodeError"):
        await events(provider)


async def test_a_usage_that_the_server_leaves_out_is_unknown(
    wire: Wire, claude: type[Claude], provider: Provider
) -> None:
    end = b'event: message_delta\ndata: {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}\n\n'
    wire.replies = [claude.reply([claude.start(), *claude.text("hi"), end, claude.STOP])]
    assert (await events(provider))[-1] == Done("end", Usage(25, None))


async def test_a_refusal_is_an_answer_that_says_why(
    wire: Wire, claude: type[Claude], provider: Provider
) -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "not this"}
    wire.replies = [
        claude.reply([claude.start(), claude.delta("refusal", stop_details=details), claude.STOP])
    ]
    assert await events(provider) == [Done("refusal", Usage(25, 12), "cyber: not this")]


@pytest.mark.parametrize("kind", ["overloaded_error", "api_error", "rate_limit_error", "something_new"])
async def test_an_error_in_mid_stream_may_pass(
    wire: Wire, claude: type[Claude], provider: Provider, kind: str
) -> None:
    wire.replies = [claude.reply([claude.start(), *claude.text("half a"), claude.error(kind)])]
    with pytest.raises(Busy, match=kind):
        await events(provider)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(429, "rate_limit_error"), (529, "overloaded_error"), (500, "api_error"), (503, "odd")],
)
async def test_a_busy_server_may_pass_and_says_when(
    wire: Wire, claude: type[Claude], provider: Provider, status: int, kind: str
) -> None:
    wire.replies = [claude.refused(status, kind, retry_after="7")]
    with pytest.raises(Busy) as caught:
        await events(provider)
    assert caught.value.retry_after == 7
    assert len(wire.seen) == 1, "the client must not try again by itself"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
    ],
)
async def test_a_request_that_will_always_fail_is_refused_with_the_servers_words(
    wire: Wire, claude: type[Claude], provider: Provider, status: int, kind: str
) -> None:
    wire.replies = [claude.refused(status, kind, "messages: at least one is needed")]
    with pytest.raises(RequestRefused, match="at least one is needed") as caught:
        await events(provider)
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (400, "invalid_request_error", "prompt is too long: 250000 tokens > 200000 maximum"),
        (413, "request_too_large", "Request exceeds the maximum size"),
    ],
)
async def test_a_prompt_that_the_server_finds_too_long_is_told_as_that(
    wire: Wire, claude: type[Claude], provider: Provider, status: int, kind: str, words: str
) -> None:
    wire.replies = [claude.refused(status, kind, words)]
    with pytest.raises(PromptTooLong, match=words) as caught:
        await events(provider)
    assert caught.value.prompt_tokens > 0


async def test_a_refused_key_names_the_variable(wire: Wire, claude: type[Claude], provider: Provider) -> None:
    wire.replies = [claude.refused(401, "authentication_error", "invalid x-api-key")]
    with pytest.raises(KeyRefused, match="ANTHROPIC_API_KEY"):
        await events(provider)


@pytest.mark.parametrize("pieces", [[], [Claude.start()]])
async def test_silence_is_noticed_before_and_within_a_stream(
    wire: Wire, claude: type[Claude], pieces: list[bytes]
) -> None:
    wire.replies = [claude.reply(pieces, then="hang")]
    provider = await opened(wire.url, idle=0.2)
    with pytest.raises(Stalled, match=r"0\.2 s"):
        await events(provider)
    await provider.aclose()


@pytest.mark.long
async def test_pings_keep_a_slow_answer_alive(wire: Wire, claude: type[Claude]) -> None:
    pieces = [claude.start(), *[claude.PING] * 8, *claude.text("late"), claude.delta("end_turn"), claude.STOP]
    wire.replies = [claude.reply(pieces, pause=0.1)]
    provider = await opened(wire.url, idle=0.7)
    assert (await events(provider))[0] == TextPart("late")
    await provider.aclose()


async def test_a_cancelled_answer_closes_its_request(
    wire: Wire, claude: type[Claude], provider: Provider
) -> None:
    wire.replies = [claude.reply([claude.start()], then="hang")]
    await see_a_cancelled_request_closed(wire, provider)


async def test_a_server_that_is_not_there_may_come_back() -> None:
    provider = await opened("http://127.0.0.1:9")
    with pytest.raises(ConnectionLost, match=r"127\.0\.0\.1:9"):
        await events(provider)
    with pytest.raises(Unreachable, match="ANTHROPIC_BASE_URL"):
        await provider.check()
    await provider.aclose()


@pytest.mark.usefixtures("dead_proxy")
async def test_loopback_never_goes_through_a_proxy(wire: Wire, claude: type[Claude]) -> None:
    wire.replies = [claude.answer("hello")]
    provider = await opened(wire.url)
    assert (await events(provider))[0] == TextPart("hello")
    await provider.aclose()


async def test_a_missing_key_is_said_before_anything_is_sent(wire: Wire) -> None:
    provider = open_provider(parse_model("claude-test"), ModelSettings(base_url=wire.url))
    with pytest.raises(MissingKey, match="ANTHROPIC_API_KEY"):
        await provider.check()
    with pytest.raises(MissingKey, match="simulator"):
        await events(provider)
    assert wire.seen == []
    await provider.aclose()


async def test_a_simulated_model_needs_no_key_and_is_marked(wire: Wire, claude: type[Claude]) -> None:
    wire.replies = [claude.answer("hello")]
    provider = open_provider(parse_model("claude-test"), ModelSettings(base_url=wire.url, simulated=True))
    assert provider.model.simulated
    assert (await events(provider))[0] == TextPart("hello")
    await provider.aclose()


LISTED = {
    "type": "model",
    "id": "claude-test",
    "display_name": "Test",
    "created_at": "2026-01-01T00:00:00Z",
    "lifecycle": "active",
    "max_input_tokens": 200_000,
    "max_tokens": 64_000,
}
UNKNOWN = {"type": "error", "error": {"type": "not_found_error", "message": "model: claude-test"}}


def listing(*models: Mapping[str, Any]) -> dict[str, Any]:
    return {"data": list(models), "has_more": False, "first_id": None, "last_id": None}


async def test_the_api_tells_the_limits_of_a_model(wire: Wire, provider: Provider) -> None:
    wire.pages["/v1/models/claude-test"] = (200, LISTED)
    info = await provider.check()
    assert (info.context_tokens, info.max_output_tokens, info.notes) == (200_000, 64_000, ())
    assert info.price is None


async def test_an_ageing_model_is_noted(wire: Wire, provider: Provider) -> None:
    ageing = {**LISTED, "lifecycle": "deprecated", "retires_at": "2026-11-30T00:00:00Z"}
    wire.pages["/v1/models/claude-test"] = (200, ageing)
    assert (await provider.check()).notes == (
        "claude-test is deprecated, until 2026-11-30: choose a newer model",
    )


async def test_a_model_that_the_api_does_not_know_is_refused_with_those_it_has(
    wire: Wire, provider: Provider
) -> None:
    wire.pages["/v1/models/claude-test"] = (404, UNKNOWN)
    wire.pages["/v1/models"] = (200, listing({**LISTED, "id": "claude-other"}))
    with pytest.raises(UnknownModel, match="claude-other"):
        await provider.check()


async def test_a_server_with_a_list_alone_tells_the_limits_from_it(wire: Wire, provider: Provider) -> None:
    wire.pages["/v1/models"] = (200, listing({**LISTED, "id": "claude-other"}, LISTED))
    assert (await provider.check()).context_tokens == 200_000


@pytest.mark.parametrize("pages", [{}, {"/v1/models": (200, listing({**LISTED, "id": "claude-bridge"}))}])
async def test_a_gateway_that_does_not_list_the_model_passes_with_a_note(
    wire: Wire, provider: Provider, pages: dict[str, tuple[int, Any]]
) -> None:
    wire.pages = pages
    info = await provider.check()
    assert (info.context_tokens, info.max_output_tokens) == (None, None)
    assert wire.url in info.notes[0]


async def test_a_refused_key_stops_the_check(wire: Wire, provider: Provider) -> None:
    wire.pages["/v1/models/claude-test"] = (401, {"type": "error", "error": {"type": "authentication_error"}})
    with pytest.raises(KeyRefused, match="ANTHROPIC_API_KEY"):
        await provider.check()
