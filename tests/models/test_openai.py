"""Chat completions in OpenAI's format, driven over loopback through what goes wrong on a wire and between dialects."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from codegod_models import (
    BadSetting,
    Busy,
    ConnectionLost,
    Done,
    KeyRefused,
    Message,
    MissingKey,
    ModelRequest,
    ModelSettings,
    PromptCut,
    PromptRefused,
    PromptTooLong,
    Provider,
    RequestRefused,
    Stalled,
    StreamCut,
    TextPart,
    ThoughtPart,
    ToolCallInvalid,
    ToolUse,
    UnknownModel,
    Unreachable,
    Usage,
    open_provider,
    parse_model,
)
from codegod_models.settings import openai_url

from .conftest import REQUEST, WITH_TOOL, WRITE, Gpt, Reply, Wire, events, see_a_cancelled_request_closed

MODEL = "qwen/coder-7b"


def opened(url: str, **more: Any) -> Provider:
    settings = ModelSettings(openai_base_url=url, **{"idle_seconds": 5.0, "first_seconds": 5.0, **more})
    return open_provider(parse_model(f"openai:{MODEL}"), settings)


@pytest.fixture
async def provider(wire: Wire) -> AsyncIterator[Provider]:
    provider = opened(f"{wire.url}/v1", openai_api_key="key")
    yield provider
    await provider.aclose()


async def test_text_arrives_piece_by_piece_and_ends_with_its_usage(
    wire: Wire, gpt: type[Gpt], provider: Provider
) -> None:
    wire.replies = [gpt.answer("Hel", "lo")]
    assert await events(provider) == [TextPart("Hel"), TextPart("lo"), Done("end", Usage(26, 7))]
    assert wire.seen[0].path == "/v1/chat/completions"
    assert wire.seen[0].headers["authorization"] == "Bearer key"
    assert wire.seen[0].body == {
        "model": MODEL,
        "messages": [
            {"role": "system", "content": "You are terse."},
            {"role": "user", "content": "Say hello"},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 1000,
        "temperature": 0.2,
        "seed": 7,
    }


async def test_cached_tokens_are_counted_apart(wire: Wire, gpt: type[Gpt], provider: Provider) -> None:
    usage = gpt.usage(100, 7, prompt_tokens_details={"cached_tokens": 60})
    wire.replies = [gpt.reply([gpt.delta("stop", content="hi"), usage, gpt.DONE])]
    assert (await events(provider))[-1] == Done("end", Usage(40, 7, cache_read_tokens=60))


@pytest.mark.parametrize(
    "after",
    [
        [],
        [Gpt.chunk(choices=[], usage=None)],
        [Gpt.usage(0, 0)],
        [Gpt.chunk(usage={"prompt_tokens": "many"})],
        [Gpt.chunk(choices=None)],
    ],
    ids=["none", "null", "zero", "garbage", "no choices"],
)
async def test_missing_usage_is_missing_and_not_nothing(
    wire: Wire, gpt: type[Gpt], provider: Provider, after: list[bytes]
) -> None:
    wire.replies = [gpt.reply([gpt.delta("stop", content="hi"), *after, gpt.DONE])]
    assert await events(provider) == [TextPart("hi"), Done("end", Usage())]


@pytest.mark.parametrize("then", ["end", "break off"])
async def test_an_answer_whose_end_was_seen_is_whole_without_its_last_line(
    wire: Wire, gpt: type[Gpt], provider: Provider, then: Any
) -> None:
    wire.replies = [gpt.reply([gpt.delta("stop", content="hi")], then=then)]
    assert await events(provider) == [TextPart("hi"), Done("end", Usage())]


@pytest.mark.parametrize("last", [[], [Gpt.DONE]], ids=["nothing", "[DONE]"])
@pytest.mark.parametrize("then", ["end", "break off"])
async def test_a_stream_without_its_end_is_cut_however_it_was_closed(
    wire: Wire, gpt: type[Gpt], provider: Provider, then: Any, last: list[bytes]
) -> None:
    wire.replies = [gpt.reply([gpt.delta(content="half a"), *last], then=then)]
    with pytest.raises(StreamCut):
        await events(provider)


@pytest.mark.parametrize("garbage", [b"data: {oops\n\n", b"data: [1]\n\n"])
async def test_garbage_on_the_wire_is_a_cut_stream(
    wire: Wire, gpt: type[Gpt], provider: Provider, garbage: bytes
) -> None:
    wire.replies = [gpt.reply([gpt.delta(content="half a"), garbage])]
    with pytest.raises(StreamCut, match="line is not"):
        await events(provider)


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
async def test_what_a_model_thinks_is_not_its_answer(
    wire: Wire, gpt: type[Gpt], provider: Provider, name: str
) -> None:
    thought = gpt.delta(**{name: "hm, hello?", "content": None})
    wire.replies = [gpt.reply([thought, gpt.delta(content="hello"), gpt.delta("stop"), gpt.DONE])]
    assert await events(provider) == [ThoughtPart("hm, hello?"), TextPart("hello"), Done("end", Usage())]


async def test_thoughts_in_the_text_are_parted_from_it(
    wire: Wire, gpt: type[Gpt], provider: Provider
) -> None:
    wire.replies = [gpt.answer("<think>", "hm", "</think>", "hello")]
    assert [event for event in await events(provider) if isinstance(event, TextPart)] == [TextPart("hello")]


async def test_a_tool_schema_reaches_the_model_whole(wire: Wire, gpt: type[Gpt], provider: Provider) -> None:
    wire.replies = [gpt.answer("no")]
    await events(provider, WITH_TOOL)
    function = {"name": "file_write", "description": "Write a file", "parameters": dict(WRITE.schema)}
    assert wire.seen[0].body["tools"] == [{"type": "function", "function": function}]
    assert not {"temperature", "seed"} & set(wire.seen[0].body)


@pytest.mark.parametrize("reason", ["tool_calls", "stop"])
async def test_a_complete_tool_call_is_handed_on(
    wire: Wire, gpt: type[Gpt], provider: Provider, reason: str
) -> None:
    wire.replies = [gpt.reply([*gpt.call("file_write", '{"path": "a.py"}'), gpt.delta(reason), gpt.DONE])]
    assert await events(provider, WITH_TOOL) == [
        ToolUse("call_x", "file_write", {"path": "a.py"}),
        Done("tool", Usage()),
    ]


async def test_a_call_without_an_index_or_an_id_is_one_call(
    wire: Wire, gpt: type[Gpt], provider: Provider
) -> None:
    call = {"function": {"name": "file_write", "arguments": '{"path": "a.py"}'}}
    wire.replies = [gpt.reply([gpt.delta("tool_calls", tool_calls=[call]), gpt.DONE])]
    assert (await events(provider, WITH_TOOL))[0] == ToolUse("call_0", "file_write", {"path": "a.py"})


@pytest.mark.parametrize("arguments", ['{"path": "a.p', "{}", '{"path": "a.py", "mode": "old"}'])
async def test_a_call_that_does_not_fit_its_schema_may_be_tried_again(
    wire: Wire, gpt: type[Gpt], provider: Provider, arguments: str
) -> None:
    wire.replies = [gpt.reply([*gpt.call("file_write", arguments), gpt.delta("tool_calls"), gpt.DONE])]
    with pytest.raises(ToolCallInvalid, match="file_write"):
        await events(provider, WITH_TOOL)


async def test_a_call_that_hit_the_length_limit_is_no_call(
    wire: Wire, gpt: type[Gpt], provider: Provider
) -> None:
    wire.replies = [gpt.reply([*gpt.call("file_write", '{"path": "a.py"}'), gpt.delta("length"), gpt.DONE])]
    assert await events(provider, WITH_TOOL) == [Done("length", Usage())]


async def test_an_announced_call_that_never_came_is_a_cut_stream(
    wire: Wire, gpt: type[Gpt], provider: Provider
) -> None:
    wire.replies = [gpt.reply([gpt.delta("tool_calls"), gpt.DONE])]
    with pytest.raises(StreamCut, match="tool call"):
        await events(provider, WITH_TOOL)


@pytest.mark.parametrize(
    ("pieces", "note"),
    [
        ([Gpt.delta("content_filter")], ""),
        ([Gpt.delta(refusal="I can't"), Gpt.delta("stop", refusal=" do that")], "I can't do that"),
    ],
)
async def test_a_refusal_says_so(
    wire: Wire, gpt: type[Gpt], provider: Provider, pieces: list[bytes], note: str
) -> None:
    wire.replies = [gpt.reply([*pieces, gpt.DONE])]
    assert await events(provider) == [Done("refusal", Usage(), note)]


async def test_an_unknown_end_is_no_end(wire: Wire, gpt: type[Gpt], provider: Provider) -> None:
    wire.replies = [gpt.reply([gpt.delta("error", content="half a"), gpt.DONE])]
    with pytest.raises(StreamCut, match="'error'"):
        await events(provider)


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        ({"message": "overloaded", "type": "server_error"}, True),
        ({"message": "overloaded", "code": 502}, True),
        ("overloaded", True),
        ({"message": "overloaded", "type": "invalid_request_error"}, False),
        ({"message": "overloaded", "code": 403}, False),
    ],
)
async def test_an_error_in_mid_stream_passes_unless_it_says_otherwise(
    wire: Wire, gpt: type[Gpt], provider: Provider, error: Any, passes: bool
) -> None:
    wire.replies = [gpt.reply([gpt.delta(content="half a"), gpt.chunk(error=error)])]
    with pytest.raises(Busy if passes else RequestRefused, match="overloaded"):
        await events(provider)


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_busy_server_may_pass_and_says_when(
    wire: Wire, gpt: type[Gpt], provider: Provider, status: int
) -> None:
    wire.replies = [gpt.refused(status, "slow down", {"retry-after": "7"})]
    with pytest.raises(Busy, match="slow down") as caught:
        await events(provider)
    assert caught.value.retry_after == 7


async def test_an_empty_purse_does_not_pass(wire: Wire, gpt: type[Gpt], provider: Provider) -> None:
    wire.replies = [gpt.refused(429, "You exceeded your current quota", code="insufficient_quota")]
    with pytest.raises(RequestRefused, match="insufficient_quota You exceeded"):
        await events(provider)


@pytest.mark.parametrize(
    "reply",
    [
        Gpt.refused(400, "messages: too few", type="invalid_request_error"),
        Reply([b'{"error": "messages: too few"}'], 400),
        Reply([b'{"message": "messages: too few", "code": 40001}'], 422),
        Reply([b"messages: too few"], 403),
    ],
    ids=["OpenAI", "text", "flat", "no JSON"],
)
async def test_a_request_that_will_always_fail_is_refused_with_the_servers_words(
    wire: Wire, provider: Provider, reply: Reply
) -> None:
    wire.replies = [reply]
    with pytest.raises(RequestRefused, match="messages: too few") as caught:
        await events(provider)
    assert caught.value.status == reply.status
    assert len(wire.seen) == 1


@pytest.mark.parametrize(
    ("status", "message", "error"),
    [
        (400, "This model's maximum context length is 8192 tokens", {"code": "context_length_exceeded"}),
        (400, "the request exceeds the available context size, try increasing it", {"code": 400}),
        (400, "Too much", {"code": "context_length_exceeded"}),
        (413, "payload too large", {}),
    ],
)
async def test_a_prompt_that_the_server_finds_too_long_is_told_as_that(
    wire: Wire, gpt: type[Gpt], provider: Provider, status: int, message: str, error: dict[str, Any]
) -> None:
    wire.replies = [gpt.refused(status, message, **error)]
    with pytest.raises(PromptRefused, match=message):
        await events(provider)


async def test_a_prompt_that_does_not_fit_the_listed_context_is_never_sent(
    wire: Wire, provider: Provider
) -> None:
    wire.pages["/v1/models"] = listing({"id": MODEL, "max_model_len": 8192})
    assert (await provider.check()).context_tokens == 8192
    request = ModelRequest("", (Message("user", "x" * 3 * 7200),), 1000)
    with pytest.raises(PromptTooLong, match="8192") as caught:
        await events(provider, request)
    assert caught.value.prompt_tokens >= 7200
    assert [seen.method for seen in wire.seen] == ["GET"]


@pytest.mark.parametrize(("read", "cut"), [(2050, True), (3600, False)])
async def test_a_prompt_whose_front_was_dropped_is_a_fault(
    wire: Wire, gpt: type[Gpt], provider: Provider, read: int, cut: bool
) -> None:
    wire.replies = [gpt.reply([gpt.delta("stop", content="sure"), gpt.usage(read), gpt.DONE])]
    request = ModelRequest("", (Message("user", "word " * 4000),), 1000)
    if cut:
        with pytest.raises(PromptCut, match=rf"read {read} tokens of a prompt of about 5000.*num_ctx"):
            await events(provider, request)
    else:
        assert (await events(provider, request))[0] == TextPart("sure")


REFUSED_NEW = "Unsupported parameter: 'max_completion_tokens' is not supported with this model."
REFUSED_OLD = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."


@pytest.mark.parametrize(
    ("message", "error", "gone", "there"),
    [
        (REFUSED_OLD, {"param": "max_tokens", "code": "unsupported_parameter"}, "max_tokens", True),
        (REFUSED_OLD, {}, "max_tokens", True),
        (
            "Unsupported value: 'temperature'",
            {"param": "temperature", "code": "unsupported_value"},
            "temperature",
            False,
        ),
        ("Unrecognized request argument supplied: 'stream_options'", {}, "stream_options", False),
    ],
)
async def test_a_parameter_that_a_server_does_not_know_is_not_sent_to_it_again(
    wire: Wire,
    gpt: type[Gpt],
    provider: Provider,
    message: str,
    error: dict[str, Any],
    gone: str,
    there: bool,
) -> None:
    wire.replies = [gpt.refused(400, message, **error), gpt.answer("hello")]
    for _ in range(2):
        assert (await events(provider))[0] == TextPart("hello")
    first, *others = (set(seen.body) for seen in wire.seen)
    assert gone in first
    assert len(others) == 2
    for other in others:
        assert gone not in other
        assert ("max_completion_tokens" in other) is there
        assert {"max_tokens", "max_completion_tokens"} & other


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("max_tokens is too large: 32000", {"param": "max_tokens", "code": "invalid_value"}),
        ("Unknown model 'max_tokens-7b'", {"param": "model"}),
    ],
)
async def test_a_parameter_whose_value_is_refused_is_not_left_out(
    wire: Wire, gpt: type[Gpt], provider: Provider, message: str, error: dict[str, Any]
) -> None:
    wire.replies = [gpt.refused(400, message, **error)]
    with pytest.raises(RequestRefused):
        await events(provider)
    assert len(wire.seen) == 1


async def test_an_answer_is_never_asked_for_without_a_limit(
    wire: Wire, gpt: type[Gpt], provider: Provider
) -> None:
    wire.replies = [gpt.refused(400, REFUSED_OLD), gpt.refused(400, REFUSED_NEW)]
    with pytest.raises(RequestRefused, match="max_completion_tokens"):
        await events(provider)
    assert len(wire.seen) == 2


@pytest.mark.parametrize(
    ("pieces", "seconds"),
    [([], r"0\.3 s"), ([b"da"], r"0\.3 s"), ([Gpt.delta(content="half a")], r"0\.2 s")],
    ids=["no head", "no line", "half an answer"],
)
async def test_silence_is_noticed_before_and_within_a_stream(
    wire: Wire, gpt: type[Gpt], pieces: list[bytes], seconds: str
) -> None:
    wire.replies = [gpt.reply(pieces, then="hang")]
    provider = opened(wire.url, idle_seconds=0.2, first_seconds=0.3)
    with pytest.raises(Stalled, match=seconds):
        await events(provider)
    await provider.aclose()


@pytest.mark.long
async def test_comments_keep_a_slow_answer_alive(wire: Wire, gpt: type[Gpt]) -> None:
    comments = [b": still at it\n\n"] * 8
    wire.replies = [gpt.reply([*comments, gpt.delta("stop", content="late"), gpt.DONE], pause=0.1)]
    provider = opened(wire.url, idle_seconds=0.7)
    assert (await events(provider))[0] == TextPart("late")
    await provider.aclose()


@pytest.mark.parametrize("pieces", [[], [Gpt.delta(content="half a")]])
async def test_a_cancelled_answer_closes_its_request(
    wire: Wire, gpt: type[Gpt], provider: Provider, pieces: list[bytes]
) -> None:
    wire.replies = [gpt.reply(pieces, then="hang")]
    await see_a_cancelled_request_closed(wire, provider)


async def test_a_server_that_is_not_there_may_come_back() -> None:
    provider = opened("http://127.0.0.1:9")
    with pytest.raises(ConnectionLost):
        await events(provider)
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:9.*OPENAI_BASE_URL"):
        await provider.check()
    await provider.aclose()


@pytest.mark.usefixtures("dead_proxy")
async def test_loopback_is_never_reached_through_a_proxy(wire: Wire, gpt: type[Gpt]) -> None:
    wire.replies = [gpt.answer("hello")]
    provider = opened(wire.url)
    assert (await events(provider))[0] == TextPart("hello")
    await provider.aclose()


async def test_openai_itself_needs_a_key_and_another_server_may_not(wire: Wire, gpt: type[Gpt]) -> None:
    nobody = open_provider(parse_model("gpt-x"), ModelSettings())
    for use in (nobody.check(), anext(nobody.stream(REQUEST))):
        with pytest.raises(MissingKey, match="OPENAI_API_KEY"):
            await use
    await nobody.aclose()
    wire.replies = [gpt.answer("hello")]
    provider = opened(wire.url)
    assert (await events(provider))[0] == TextPart("hello")
    assert wire.seen[0].path == "/v1/chat/completions"
    assert "authorization" not in wire.seen[0].headers
    await provider.aclose()


async def test_a_refused_key_names_the_variable(wire: Wire, gpt: type[Gpt], provider: Provider) -> None:
    wire.replies = [gpt.refused(401, "Incorrect API key provided")]
    with pytest.raises(KeyRefused, match="OPENAI_API_KEY"):
        await events(provider)
    wire.pages["/v1/models"] = (401, {"error": {"message": "Incorrect API key provided"}})
    with pytest.raises(KeyRefused, match="OPENAI_API_KEY"):
        await provider.check()


def listing(*models: dict[str, Any]) -> tuple[int, Any]:
    return 200, {"object": "list", "data": list(models)}


@pytest.mark.parametrize(
    ("more", "context", "answer"),
    [
        ({}, None, None),
        ({"max_model_len": 32768}, 32768, None),
        ({"context_length": 131072}, 131072, None),
        ({"context_window": 131072, "max_completion_tokens": 8192}, 131072, 8192),
        ({"loaded_context_length": 4096, "max_context_length": 32768}, 4096, None),
    ],
    ids=["OpenAI", "vLLM", "OpenRouter", "Groq", "LM Studio"],
)
async def test_the_check_tells_what_the_list_says(
    wire: Wire, provider: Provider, more: dict[str, Any], context: int | None, answer: int | None
) -> None:
    wire.pages["/v1/models"] = listing({"id": "other"}, {"id": MODEL, **more})
    info = await provider.check()
    assert (info.context_tokens, info.max_output_tokens, info.price, info.notes) == (
        context,
        answer,
        None,
        (),
    )


async def test_a_model_that_a_local_server_does_not_have_is_named_with_those_it_has(
    wire: Wire, provider: Provider
) -> None:
    wire.pages["/v1/models"] = listing({"id": "llama"})
    with pytest.raises(UnknownModel, match="It has llama"):
        await provider.check()


@pytest.mark.parametrize("page", [(404, "nothing here"), (200, {"models": []}), (200, "hello")])
async def test_a_gateway_without_a_list_passes_with_a_note(
    wire: Wire, provider: Provider, page: tuple[int, Any]
) -> None:
    wire.pages["/v1/models"] = page
    assert "does not say which models" in (await provider.check()).notes[0]


async def test_a_server_in_trouble_is_named_before_work_begins(wire: Wire, provider: Provider) -> None:
    wire.pages["/v1/models"] = (502, "bad gateway")
    with pytest.raises(Unreachable, match=r"HTTP 502.*bad gateway"):
        await provider.check()


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("", "https://api.openai.com/v1"),
        ("http://127.0.0.1:1234", "http://127.0.0.1:1234/v1"),
        ("http://127.0.0.1:1234/", "http://127.0.0.1:1234/v1"),
        ("https://gateway.example/api/v1/", "https://gateway.example/api/v1"),
    ],
)
def test_every_form_of_the_address_is_understood(given: str, url: str) -> None:
    assert openai_url(given) == url


@pytest.mark.parametrize("given", ["127.0.0.1:1234", "ftp://gateway", "gateway"])
def test_an_address_that_is_none_is_refused_by_name(given: str) -> None:
    with pytest.raises(BadSetting, match="OPENAI_BASE_URL"):
        openai_url(given)
