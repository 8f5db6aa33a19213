"""What the usage says was read from the cache, as the real client hears it and as the rules have it."""

from typing import Any

import httpx
import pytest

from codegod_simulator.app import MASTER
from codegod_simulator.prompt_cache import LEAST_TOKENS, LOOKBACK_BLOCKS, PromptCache, blocks_of
from codegod_simulator.wire import BadRequest, Cached

MARK: dict[str, Any] = {"cache_control": {"type": "ephemeral"}}
LONG = "x" * 4 * LEAST_TOKENS
QUESTION = (
    "Step: task\nProject: todo-api\nTask: storage\nAttempt: 2\n\nFiles to write:\n- src/todo/storage.py"
)


def text(said: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": said, **more}


def turn(said: str, role: str = "user", **more: Any) -> dict[str, Any]:
    return {"role": role, "content": [text(said, **more)]}


def read(cache: PromptCache, *messages: dict[str, Any], system: Any = "", **body: Any) -> Cached:
    return cache.read("m", blocks_of({"system": system, "messages": list(messages), **body}))


def test_a_conversation_that_grows_reads_all_that_it_said_before() -> None:
    cache = PromptCache()
    system = [text(LONG, **MARK)]
    first = read(cache, turn("a" * 400, **MARK), system=system)
    second = read(cache, turn("a" * 400), turn("b" * 40, "assistant"), turn("c" * 80, **MARK), system=system)
    assert first == Cached(read=0, written=LEAST_TOKENS + 100)
    assert second == Cached(read=LEAST_TOKENS + 100, written=30)


def test_another_conversation_reads_the_system_prompt_alone() -> None:
    cache = PromptCache()
    read(cache, turn("one", **MARK), system=[text(LONG, **MARK)])
    assert read(cache, turn("other", **MARK), system=[text(LONG, **MARK)]) == Cached(LEAST_TOKENS, 2)


def test_one_changed_letter_in_front_breaks_the_prefix() -> None:
    cache = PromptCache()
    read(cache, turn("one", **MARK), system=[text(LONG, **MARK)])
    assert read(cache, turn("one", **MARK), system=[text(f"y{LONG}", **MARK)]).read == 0


def test_a_prompt_below_the_least_length_is_not_kept() -> None:
    cache = PromptCache()
    for _ in range(2):
        assert read(cache, turn("x" * 4 * (LEAST_TOKENS - 1), **MARK)) == Cached()


def test_nothing_is_kept_that_was_not_marked() -> None:
    cache = PromptCache()
    for _ in range(2):
        assert read(cache, turn(LONG)) == Cached()


def test_one_mark_for_the_whole_request_falls_on_its_last_block() -> None:
    cache = PromptCache()
    assert read(cache, turn(LONG), **MARK) == Cached(0, LEAST_TOKENS)
    assert read(cache, turn(LONG), turn("b", "assistant"), turn("c"), **MARK) == Cached(LEAST_TOKENS, 2)


def test_plain_text_and_a_block_of_text_are_the_same_prompt() -> None:
    cache = PromptCache()
    read(cache, turn(LONG), **MARK)
    assert read(cache, {"role": "user", "content": LONG}, **MARK).read == LEAST_TOKENS


@pytest.mark.parametrize(("later", "seen"), [(LOOKBACK_BLOCKS - 1, True), (LOOKBACK_BLOCKS, False)])
def test_a_mark_sees_so_many_blocks_back(later: int, seen: bool) -> None:
    cache = PromptCache()
    read(cache, turn(LONG), **MARK)
    more = [turn("more") for _ in range(later)]
    assert bool(read(cache, turn(LONG), *more, **MARK).read) is seen


def test_what_is_not_used_for_five_minutes_is_forgotten() -> None:
    now = [0.0]
    cache = PromptCache(lambda: now[0])
    reads = []
    for seconds in (0.0, 299.0, 598.0, 899.0):  # the third is in time because the second renewed it
        now[0] = seconds
        reads.append(bool(read(cache, turn(LONG), **MARK).read))
    assert reads == [False, True, True, False]


def test_models_keep_nothing_for_each_other() -> None:
    cache = PromptCache()
    blocks = blocks_of({"messages": [turn(LONG)], **MARK})
    assert cache.read("a", blocks).written
    assert not cache.read("b", blocks).read


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [turn("x", **MARK) for _ in range(5)]},
        {"messages": [turn("x", cache_control={"type": "ephemeral", "ttl": "2h"})]},
        {
            "system": [text("x", **MARK)],
            "messages": [turn("x", cache_control={"type": "ephemeral", "ttl": "1h"})],
        },
    ],
)
def test_marks_that_the_api_refuses_are_refused(body: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match="cache_control"):
        blocks_of(body)


async def test_the_usage_on_the_wire_counts_every_token_once(simulator: str) -> None:
    body = {"model": MASTER, "max_tokens": 9000, "system": [text(LONG, **MARK)]}
    async with httpx.AsyncClient(base_url=simulator) as http:
        usages = [
            (await http.post("/v1/messages", json={**body, "messages": [turn(QUESTION)]})).json()["usage"]
            for _ in range(2)
        ]
        streamed = await http.post(
            "/v1/messages", json={**body, "messages": [turn(QUESTION)], "stream": True}
        )
    asked = -(-len(QUESTION) // 4)
    kept = {"cache_creation_input_tokens": LEAST_TOKENS, "cache_read_input_tokens": 0}
    again = {"cache_creation_input_tokens": 0, "cache_read_input_tokens": LEAST_TOKENS}
    assert [{**usage, "output_tokens": 0} for usage in usages] == [
        {"input_tokens": asked, **kept, "output_tokens": 0},
        {"input_tokens": asked, **again, "output_tokens": 0},
    ]
    assert f'"cache_read_input_tokens": {LEAST_TOKENS}' in streamed.text
