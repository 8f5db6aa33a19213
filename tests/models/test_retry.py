"""Asking until there is an answer, within a deadline."""

import time
from collections.abc import AsyncGenerator, AsyncIterator

import anyio
import pytest

from codegod_models import (
    Busy,
    Done,
    Event,
    GaveUp,
    Message,
    ModelInfo,
    ModelName,
    ModelRequest,
    ModelSettings,
    OutOfTime,
    Provider,
    RequestRefused,
    StreamCut,
    TextPart,
    TransientFault,
    Usage,
    complete,
    open_provider,
    parse_model,
)

from .conftest import Claude, Gpt, Llama, Reply, Wire

REQUEST = ModelRequest("", (Message("user", "Say hello"),), 1000)


def soon(seconds: float = 20.0) -> float:
    return time.time() + seconds


@pytest.fixture
async def anthropic(wire: Wire) -> AsyncIterator[Provider]:
    settings = ModelSettings(base_url=wire.url, anthropic_api_key="key", idle_seconds=0.5)
    provider = open_provider(parse_model("claude-test"), settings)
    yield provider
    await provider.aclose()


@pytest.fixture
async def ollama(wire: Wire) -> AsyncIterator[Provider]:
    settings = ModelSettings(base_url=wire.url, simulated=True, idle_seconds=0.5, first_seconds=0.5)
    provider = open_provider(parse_model("llama3.2"), settings)
    yield provider
    await provider.aclose()


async def test_a_reply_is_the_whole_answer(wire: Wire, llama: type[Llama], ollama: Provider) -> None:
    wire.replies = [llama.answer("Hel", "lo", prompt_eval_count=11, eval_count=2)]
    heard: list[str] = []
    reply = await complete(ollama, REQUEST, deadline=soon(), on_text=heard.append)
    assert (reply.text, reply.tool_calls, reply.stop, reply.usage) == ("Hello", (), "end", Usage(11, 2))
    assert (reply.model, reply.simulated, reply.tries) == ("simulator:llama3.2", True, 1)
    assert reply.seconds > 0
    assert heard == ["Hel", "lo"]


@pytest.mark.parametrize(
    "trouble",
    [
        Claude.refused(529, "overloaded_error"),
        Claude.refused(500, "api_error"),
        Claude.reply([Claude.start(), *Claude.text("half a"), Claude.error("overloaded_error")]),
        Claude.reply([Claude.start(), *Claude.text("half a")]),
        Claude.reply([Claude.start(), *Claude.text("half a")], then="break off"),
        Claude.reply([Claude.start()], then="hang"),
    ],
    ids=["overloaded", "500", "overload in mid-stream", "cut", "broken off", "silent"],
)
async def test_anthropic_is_asked_again_after_what_may_pass(
    wire: Wire, claude: type[Claude], anthropic: Provider, trouble: Reply
) -> None:
    wire.replies = [trouble, claude.answer("hello")]
    told: list[TransientFault] = []
    reply = await complete(
        anthropic, REQUEST, deadline=soon(), first_delay=0.01, on_retry=lambda fault, _: told.append(fault)
    )
    assert (reply.text, reply.tries, len(told), len(wire.seen)) == ("hello", 2, 1, 2)


@pytest.mark.parametrize(
    "trouble",
    [
        Llama.refused(503, "server busy"),
        Llama.reply([Llama.line("half a"), b'{"error": "runner terminated"}\n']),
        Llama.reply([Llama.line("half a")]),
        Llama.reply([Llama.line("half a")], then="break off"),
        Llama.reply([], then="hang"),
    ],
    ids=["busy", "error in mid-stream", "cut", "broken off", "silent"],
)
async def test_ollama_is_asked_again_after_what_may_pass(
    wire: Wire, llama: type[Llama], ollama: Provider, trouble: Reply
) -> None:
    wire.replies = [trouble, llama.answer("hello")]
    reply = await complete(ollama, REQUEST, deadline=soon(), first_delay=0.01)
    assert (reply.text, reply.tries, len(wire.seen)) == ("hello", 2, 2)


@pytest.mark.parametrize(
    "trouble",
    [
        Gpt.refused(429, "rate limit reached"),
        Gpt.reply([Gpt.delta(content="half a"), Gpt.chunk(error={"message": "upstream", "code": 502})]),
        Gpt.reply([Gpt.delta(content="half a")]),
        Gpt.reply([Gpt.delta(content="half a")], then="break off"),
        Gpt.reply([], then="hang"),
    ],
    ids=["busy", "error in mid-stream", "cut", "broken off", "silent"],
)
async def test_a_compatible_server_is_asked_again_after_what_may_pass(
    wire: Wire, gpt: type[Gpt], trouble: Reply
) -> None:
    wire.replies = [trouble, gpt.answer("hello")]
    settings = ModelSettings(base_url=wire.url, idle_seconds=0.5, first_seconds=0.5)
    provider = open_provider(parse_model("openai:any"), settings)
    reply = await complete(provider, REQUEST, deadline=soon(), first_delay=0.01)
    assert (reply.text, reply.tries, len(wire.seen)) == ("hello", 2, 2)
    await provider.aclose()


LINE = "    assert total([1, 2, 3]) == 6\n"


@pytest.mark.parametrize("thinking", [False, True])
async def test_an_answer_that_repeats_itself_is_cut_off_while_it_streams(
    wire: Wire, llama: type[Llama], ollama: Provider, thinking: bool
) -> None:
    lines = [llama.line(thinking=LINE) if thinking else llama.line(LINE) for _ in range(150)]
    wire.replies = [llama.reply([llama.line("Sure:\n"), *lines], then="hang")]
    with anyio.fail_after(5):
        reply = await complete(ollama, REQUEST, deadline=soon())
        await wire.closed_by_client.wait()
    assert (reply.stop, reply.usage, reply.tries) == ("length", Usage(), 1)
    assert "the same again and again" in reply.note
    assert "assert total([1, 2, 3])" in reply.note
    assert reply.text.startswith("Sure:\n")
    assert len(reply.text) < len(LINE) * 150


async def test_the_server_says_when_to_come_back(
    wire: Wire, claude: type[Claude], anthropic: Provider
) -> None:
    wire.replies = [claude.refused(429, "rate_limit_error", retry_after="0.3"), claude.answer("hello")]
    await complete(anthropic, REQUEST, deadline=soon(), first_delay=0.01)
    assert wire.seen[1].at - wire.seen[0].at >= 0.3


async def test_a_wait_that_ends_after_the_deadline_is_not_begun(
    wire: Wire, claude: type[Claude], anthropic: Provider
) -> None:
    wire.replies = [claude.refused(429, "rate_limit_error", retry_after="3600")]
    with anyio.fail_after(5), pytest.raises(GaveUp, match="3600 s, after the deadline") as caught:
        await complete(anthropic, REQUEST, deadline=soon())
    assert isinstance(caught.value.__cause__, Busy)


@pytest.mark.parametrize("status", [400, 404])
async def test_what_will_not_pass_is_asked_once(
    wire: Wire, claude: type[Claude], anthropic: Provider, status: int
) -> None:
    wire.replies = [claude.refused(status, "invalid_request_error")]
    with pytest.raises(RequestRefused):
        await complete(anthropic, REQUEST, deadline=soon(), first_delay=0.01)
    assert len(wire.seen) == 1


async def test_the_last_try_names_the_last_fault(wire: Wire, llama: type[Llama], ollama: Provider) -> None:
    wire.replies = [llama.reply([llama.line("half a")])]
    with pytest.raises(GaveUp, match=r"cut off.*3 tries") as caught:
        await complete(ollama, REQUEST, deadline=soon(), retries=2, first_delay=0.01)
    assert isinstance(caught.value.last, StreamCut)
    assert len(wire.seen) == 3


async def test_a_server_that_only_keeps_the_line_open_runs_into_the_deadline(
    wire: Wire, llama: type[Llama], ollama: Provider
) -> None:
    wire.replies = [llama.reply([llama.line()] * 100, pause=0.05)]
    with anyio.fail_after(5), pytest.raises(OutOfTime, match="ran out"):
        await complete(ollama, REQUEST, deadline=soon(0.5))


async def test_a_cancelled_question_closes_its_request(
    wire: Wire, llama: type[Llama], ollama: Provider
) -> None:
    wire.replies = [llama.reply([llama.line("half a")], then="hang")]

    async def ask() -> None:
        await complete(ollama, REQUEST, deadline=soon())

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            await wire.hung.wait()
            tasks.cancel_scope.cancel()
        await wire.closed_by_client.wait()


async def test_a_duration_in_place_of_a_deadline_is_a_mistake_of_the_caller(ollama: Provider) -> None:
    with pytest.raises(ValueError, match=r"time\.time\(\)"):
        await complete(ollama, REQUEST, deadline=600)


class Scripted:
    """A provider without a wire: it fails as often as told, then answers."""

    model = ModelName("ollama", "scripted")

    def __init__(self, failures: int) -> None:
        self.failures = failures

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Event, None]:
        yield TextPart("hel")
        if self.failures:
            self.failures -= 1
            raise StreamCut("scripted")
        yield TextPart("lo")
        yield Done("end", Usage(1, 1))

    async def check(self) -> ModelInfo:
        raise AssertionError

    async def aclose(self) -> None: ...


async def test_delays_grow_and_the_text_of_a_failed_try_is_void() -> None:
    delays: list[float] = []
    reply = await complete(
        Scripted(failures=4),
        REQUEST,
        deadline=soon(),
        first_delay=0.001,
        on_retry=lambda _, delay: delays.append(delay),
    )
    assert (reply.text, reply.tries) == ("hello", 5)
    assert all(
        low <= delay <= 2 * low for delay, low in zip(delays, (0.0005, 0.001, 0.002, 0.004), strict=True)
    )
