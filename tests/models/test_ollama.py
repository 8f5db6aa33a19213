"""Ollama's native routes, driven over loopback through what goes wrong on a wire."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from codegod_models import (
    Busy,
    ConnectionLost,
    Done,
    KeyRefused,
    Message,
    ModelRequest,
    ModelSettings,
    NotPulled,
    PromptCut,
    PromptTooLong,
    Provider,
    RequestRefused,
    Stalled,
    StreamCut,
    TextPart,
    ThoughtPart,
    ToolCallInvalid,
    ToolUse,
    Unreachable,
    Usage,
    open_provider,
    parse_model,
)
from codegod_models.ollama import OllamaProvider

from .conftest import WITH_TOOL, WRITE, Llama, Wire, events, see_a_cancelled_request_closed

MODEL = "qwen2.5-coder:7b"


def opened(url: str, **more: Any) -> Provider:
    settings = ModelSettings(base_url=url, **{"idle_seconds": 5.0, "first_seconds": 5.0, **more})
    return open_provider(parse_model(MODEL), settings)


@pytest.fixture
async def provider(wire: Wire) -> AsyncIterator[Provider]:
    provider = opened(wire.url, num_ctx=8192)
    yield provider
    await provider.aclose()


async def test_text_arrives_piece_by_piece_and_the_context_is_always_explicit(
    wire: Wire, llama: type[Llama], provider: Provider
) -> None:
    wire.replies = [llama.answer("Hel", "lo")]
    assert await events(provider) == [TextPart("Hel"), TextPart("lo"), Done("end", Usage(26, 7))]
    assert wire.seen[0].path == "/api/chat"
    assert wire.seen[0].body == {
        "model": MODEL,
        "messages": [
            {"role": "system", "content": "You are terse."},
            {"role": "user", "content": "Say hello"},
        ],
        "stream": True,
        "options": {"num_ctx": 8192, "num_predict": 1000, "temperature": 0.2, "seed": 7},
    }


async def test_a_tool_schema_reaches_the_model_whole(
    wire: Wire, llama: type[Llama], provider: Provider
) -> None:
    wire.replies = [llama.answer("no")]
    await events(provider, WITH_TOOL)
    function = {"name": "file_write", "description": "Write a file", "parameters": dict(WRITE.schema)}
    assert wire.seen[0].body["tools"] == [{"type": "function", "function": function}]


@pytest.mark.parametrize("arguments", [{"path": "a.py"}, '{"path": "a.py"}'])
@pytest.mark.parametrize(("more", "identity"), [({}, "call_0"), ({"id": "x1"}, "x1")])
async def test_a_tool_call_comes_as_an_object_or_as_text(
    wire: Wire, llama: type[Llama], provider: Provider, arguments: object, more: dict[str, str], identity: str
) -> None:
    wire.replies = [llama.reply([llama.call("file_write", arguments, **more), llama.done(eval_count=7)])]
    assert await events(provider, WITH_TOOL) == [
        ToolUse(identity, "file_write", {"path": "a.py"}),
        Done("tool", Usage(None, 7)),
    ]


@pytest.mark.parametrize("arguments", ['{"path": "a.p', {}, {"path": "a.py", "mode": "old"}, None])
async def test_a_call_that_does_not_fit_its_schema_may_be_tried_again(
    wire: Wire, llama: type[Llama], provider: Provider, arguments: object
) -> None:
    wire.replies = [llama.reply([llama.call("file_write", arguments), llama.done()])]
    with pytest.raises(ToolCallInvalid, match="file_write"):
        await events(provider, WITH_TOOL)


async def test_a_call_that_hit_the_length_limit_is_no_call(
    wire: Wire, llama: type[Llama], provider: Provider
) -> None:
    wire.replies = [llama.reply([llama.call("file_write", {"path": "a.py"}), llama.done("length")])]
    assert await events(provider, WITH_TOOL) == [Done("length", Usage())]


async def test_what_a_model_thinks_is_not_its_answer(
    wire: Wire, llama: type[Llama], provider: Provider
) -> None:
    wire.replies = [llama.reply([llama.line(thinking="hm, hello?"), llama.line("hello"), llama.done()])]
    assert await events(provider) == [ThoughtPart("hm, hello?"), TextPart("hello"), Done("end", Usage())]


async def test_thoughts_in_the_text_are_parted_from_it(
    wire: Wire, llama: type[Llama], provider: Provider
) -> None:
    wire.replies = [llama.answer("<thi", "nk>hm", "</think>hello")]
    assert await events(provider) == [
        ThoughtPart("hm"),
        TextPart("hello"),
        Done("end", Usage(26, 7)),
    ]


async def test_a_prompt_that_the_server_finds_too_long_is_told_as_that(
    wire: Wire, llama: type[Llama], provider: Provider
) -> None:
    wire.replies = [llama.refused(400, "the input length exceeds the context length")]
    with pytest.raises(PromptTooLong, match="exceeds the context length"):
        await events(provider)


async def test_a_model_that_needs_more_tokens_than_estimated_is_estimated_higher_from_then_on(
    wire: Wire, llama: type[Llama], provider: Provider
) -> None:
    request = ModelRequest("", (Message("user", "x" * 3 * 4000),), 1000)
    wire.replies = [llama.answer("sure", prompt_eval_count=4000 * 2)]
    assert (await events(provider, request))[0] == TextPart("sure")
    with pytest.raises(PromptTooLong) as caught:
        await events(provider, request)
    assert caught.value.prompt_tokens == pytest.approx(8000, rel=0.01)
    assert len(wire.seen) == 1


@pytest.mark.parametrize("then", ["end", "break off"])
async def test_a_stream_without_its_last_line_is_cut_however_it_was_closed(
    wire: Wire, llama: type[Llama], provider: Provider, then: Any
) -> None:
    wire.replies = [llama.reply([llama.line("half a")], then=then)]
    with pytest.raises(StreamCut):
        await events(provider)


@pytest.mark.parametrize("garbage", [b"{oops\n", b"[1]\n"])
async def test_garbage_on_the_wire_is_a_cut_stream(
    wire: Wire, llama: type[Llama], provider: Provider, garbage: bytes
) -> None:
    wire.replies = [llama.reply([llama.line("half a"), garbage])]
    with pytest.raises(StreamCut, match="line is not"):
        await events(provider)


async def test_an_error_in_mid_stream_may_pass(wire: Wire, llama: type[Llama], provider: Provider) -> None:
    wire.replies = [
        llama.reply([llama.line("half a"), b'{"error": "llama runner process has terminated"}\n'])
    ]
    with pytest.raises(Busy, match="llama runner"):
        await events(provider)


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_busy_server_may_pass_and_says_when(
    wire: Wire, llama: type[Llama], provider: Provider, status: int
) -> None:
    wire.replies = [llama.refused(status, "server busy", retry_after="7")]
    with pytest.raises(Busy, match="server busy") as caught:
        await events(provider)
    assert caught.value.retry_after == 7


async def test_a_request_that_will_always_fail_is_refused_with_the_servers_words(
    wire: Wire, llama: type[Llama], provider: Provider
) -> None:
    wire.replies = [llama.refused(400, f'"{MODEL}" does not support tools')]
    with pytest.raises(RequestRefused, match="does not support tools") as caught:
        await events(provider, WITH_TOOL)
    assert caught.value.status == 400


async def test_a_model_that_went_away_is_to_be_pulled(
    wire: Wire, llama: type[Llama], provider: Provider
) -> None:
    wire.replies = [llama.refused(404, f"model '{MODEL}' not found")]
    with pytest.raises(NotPulled, match=f"ollama pull {MODEL}"):
        await events(provider)


async def test_a_refused_key_names_the_variable(wire: Wire, llama: type[Llama], provider: Provider) -> None:
    wire.replies = [llama.refused(401, "unauthorized")]
    with pytest.raises(KeyRefused, match="OLLAMA_API_KEY"):
        await events(provider)


async def test_a_prompt_that_does_not_fit_is_never_sent(wire: Wire, provider: Provider) -> None:
    request = ModelRequest("", (Message("user", "x" * 3 * 7200),), 1000)
    with pytest.raises(PromptTooLong, match="8192") as caught:
        await events(provider, request)
    assert caught.value.prompt_tokens >= 7200
    assert wire.seen == []


@pytest.mark.parametrize(
    ("evaluated", "cut"), [(2050, True), (3400, True), (3600, False), (5000, False), (0, False)]
)
async def test_a_prompt_whose_front_was_dropped_is_a_fault(
    wire: Wire, llama: type[Llama], provider: Provider, evaluated: int, cut: bool
) -> None:
    wire.replies = [llama.answer("sure", prompt_eval_count=evaluated)]
    request = ModelRequest("", (Message("user", "word " * 4000),), 1000)
    if cut:
        with pytest.raises(PromptCut, match=f"read {evaluated} tokens of a prompt of about 5000"):
            await events(provider, request)
    else:
        assert (await events(provider, request))[0] == TextPart("sure")


async def test_what_the_prompt_cache_held_counts_as_read(
    wire: Wire, llama: type[Llama], provider: Provider
) -> None:
    wire.replies = [llama.answer("sure", prompt_eval_count=5000, prompt_eval_cached_count=4900)]
    request = ModelRequest("", (Message("user", "word " * 4000),), 1000)
    assert (await events(provider, request))[-1] == Done("end", Usage(100, 7, cache_read_tokens=4900))


async def test_a_version_that_does_not_count_cached_prompts_raises_no_false_alarm(
    wire: Wire, llama: type[Llama], provider: Provider
) -> None:
    wire.pages = {**PULLED, "/api/version": (200, {"version": "0.30.1"})}
    wire.replies = [llama.answer("sure", prompt_eval_count=100)]
    assert "0.30.1" in (await provider.check()).notes[0]
    request = ModelRequest("", (Message("user", "word " * 4000),), 1000)
    assert (await events(provider, request))[0] == TextPart("sure")


@pytest.mark.parametrize("pieces", [[], [Llama.line("half a")]])
async def test_silence_is_noticed_before_and_within_a_stream(
    wire: Wire, llama: type[Llama], pieces: list[bytes]
) -> None:
    wire.replies = [llama.reply(pieces, then="hang")]
    provider = opened(wire.url, idle_seconds=0.2, first_seconds=0.3)
    with pytest.raises(Stalled, match=r"0\.2 s" if pieces else r"0\.3 s"):
        await events(provider)
    await provider.aclose()


@pytest.mark.long
async def test_empty_chunks_keep_a_slow_answer_alive(wire: Wire, llama: type[Llama]) -> None:
    wire.replies = [llama.reply([*[llama.line()] * 8, llama.line("late"), llama.done()], pause=0.1)]
    provider = opened(wire.url, idle_seconds=0.7)
    assert (await events(provider))[0] == TextPart("late")
    await provider.aclose()


@pytest.mark.parametrize("pieces", [[], [Llama.line("half a")]])
async def test_a_cancelled_answer_closes_its_request_and_frees_the_gpu(
    wire: Wire, llama: type[Llama], provider: Provider, pieces: list[bytes]
) -> None:
    wire.replies = [llama.reply(pieces, then="hang")]
    await see_a_cancelled_request_closed(wire, provider)


async def test_a_server_that_is_not_there_may_come_back() -> None:
    provider = opened("http://127.0.0.1:9")
    with pytest.raises(ConnectionLost, match="is Ollama running"):
        await events(provider)
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:9.*`ollama serve`.*OLLAMA_HOST"):
        await provider.check()
    await provider.aclose()


@pytest.mark.usefixtures("dead_proxy")
async def test_the_local_network_is_never_reached_through_a_proxy(wire: Wire, llama: type[Llama]) -> None:
    wire.replies = [llama.answer("hello")]
    wire.pages = PULLED
    provider = opened(wire.url)
    assert (await provider.check()).context_tokens == 16_384
    assert (await events(provider))[0] == TextPart("hello")
    await provider.aclose()


async def test_the_host_setting_reaches_the_server(wire: Wire, llama: type[Llama]) -> None:
    wire.replies = [llama.answer("hello")]
    settings = ModelSettings(ollama_host=wire.url.removeprefix("http://"), ollama_api_key="key")
    provider = open_provider(parse_model("llama3.2"), settings)
    assert (await events(provider))[0] == TextPart("hello")
    assert wire.seen[0].headers["authorization"] == "Bearer key"
    await provider.aclose()


def pulled(*names: str, context: int = 32_768) -> dict[str, tuple[int, Any]]:
    shown = {
        "details": {},
        "model_info": {"general.architecture": "qwen2", "qwen2.context_length": context},
        "capabilities": ["completion", "tools"],
    }
    return {"/api/tags": (200, {"models": [{"model": name} for name in names]}), "/api/show": (200, shown)}


PULLED = pulled(MODEL)


async def test_the_check_tells_the_context_that_will_be_used(wire: Wire) -> None:
    wire.pages = PULLED
    provider = opened(wire.url, num_ctx=9000)
    info = await provider.check()
    assert (info.context_tokens, info.max_output_tokens, info.tools) == (12_288, None, True)
    assert info.price is not None
    assert info.price.input == 0
    await provider.aclose()


async def test_a_model_trained_for_less_is_asked_for_less(wire: Wire, llama: type[Llama]) -> None:
    wire.pages = pulled(MODEL, context=2048)
    wire.replies = [llama.answer("hello")]
    provider = opened(wire.url)
    assert (await provider.check()).context_tokens == 2048
    await events(provider)
    assert wire.seen[-1].body["options"]["num_ctx"] == 2048
    await provider.aclose()


async def test_a_model_that_is_not_pulled_is_named_with_the_command(wire: Wire, provider: Provider) -> None:
    wire.pages = pulled("mistral:7b")
    with pytest.raises(NotPulled, match=f"it has mistral:7b.*ollama pull {MODEL}$"):
        await provider.check()


async def test_a_name_without_a_tag_means_the_latest(wire: Wire) -> None:
    wire.pages = pulled("llama3.2:latest")
    provider = open_provider(parse_model("llama3.2"), ModelSettings(base_url=wire.url))
    assert (await provider.check()).model.model == "llama3.2"
    await provider.aclose()


@pytest.mark.parametrize(
    ("page", "why"),
    [
        ((200, []), "not answer as Ollama"),
        ((200, {"data": []}), "not answer as Ollama"),
        ((404, "nothing here"), "not answer as Ollama"),
        ((502, {"detail": "bad gateway"}), "HTTP 502.*bad gateway"),
    ],
)
async def test_a_server_that_is_no_ollama_is_named(
    wire: Wire, provider: Provider, page: tuple[int, Any], why: str
) -> None:
    wire.pages["/api/tags"] = page
    with pytest.raises(Unreachable, match=why):
        await provider.check()


async def test_a_model_can_be_pulled(wire: Wire, llama: type[Llama], provider: Provider) -> None:
    steps = [
        {"status": "pulling 8f2c"},
        {"status": "pulling 8f2c", "total": 10, "completed": 4},
        {"status": "success"},
    ]
    wire.replies = [llama.reply([json.dumps(step).encode() + b"\n" for step in steps])]
    assert isinstance(provider, OllamaProvider)
    assert [step async for step in provider.pull()] == ["pulling 8f2c", "pulling 8f2c 40%", "success"]
    assert wire.seen[0].body["model"] == MODEL


async def test_a_model_that_nobody_has_cannot_be_pulled(
    wire: Wire, llama: type[Llama], provider: Provider
) -> None:
    wire.replies = [llama.reply([b'{"error": "pull model manifest: file does not exist"}\n'])]
    assert isinstance(provider, OllamaProvider)
    with pytest.raises(RequestRefused, match="file does not exist"):
        [step async for step in provider.pull()]
