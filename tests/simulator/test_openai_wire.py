"""The same models in OpenAI's format, as the real client meets them."""

import json
import time
from typing import Any

import httpx
import pytest

from codegod_models import Message, ModelRequest, ModelSettings, complete, open_provider, parse_model
from codegod_simulator.app import STRONG, WORKER
from codegod_simulator.openai_wire import CACHE_STEP, LEAST_TOKENS, OpenAiWire

TASK = "Step: task\nProject: todo-api\nTask: storage\nAttempt: {}\n\nFiles to write:\n- src/todo/storage.py"


def body(attempt: int = 2, **more: Any) -> dict[str, Any]:
    return {"model": WORKER, "messages": [{"role": "user", "content": TASK.format(attempt)}], **more}


@pytest.mark.parametrize("model", [STRONG, WORKER])
async def test_the_client_of_openai_compatible_servers_gets_files_and_usage(
    simulator: str, model: str
) -> None:
    settings = ModelSettings(base_url=simulator, simulated=True)
    provider = open_provider(parse_model(f"openai:{model}"), settings)
    try:
        info = await provider.check()
        request = ModelRequest("You write files.", (Message("user", TASK.format(2)),), 8000)
        reply = await complete(provider, request, deadline=time.time() + 20)
    finally:
        await provider.aclose()
    assert info.context_tokens
    assert reply.text.startswith("```python src/todo/storage.py\n")
    assert reply.stop == "end"
    assert reply.usage.output_tokens == -(-len(reply.text.encode()) // 4)


async def test_the_three_formats_say_the_same(simulator: str) -> None:
    async with httpx.AsyncClient(base_url=simulator) as http:
        openai = (await http.post("/v1/chat/completions", json=body())).json()
        ollama = (await http.post("/api/chat", json=body(stream=False))).json()
    assert openai["choices"][0]["message"]["content"] == ollama["message"]["content"]
    assert openai["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize("wanted", [True, False])
async def test_usage_is_streamed_when_it_is_asked_for(simulator: str, wanted: bool) -> None:
    options: dict[str, Any] = {"stream_options": {"include_usage": True}} if wanted else {}
    async with httpx.AsyncClient(base_url=simulator) as http:
        response = await http.post("/v1/chat/completions", json=body(stream=True, **options))
    *events, last = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    assert last == "[DONE]"
    chunks = [json.loads(event) for event in events]
    assert any(chunk.get("usage") for chunk in chunks) is wanted
    assert [chunk for chunk in chunks if chunk["choices"]][-1]["choices"][0]["finish_reason"] == "stop"


async def test_what_is_wrong_is_an_error_in_its_format(simulator: str) -> None:
    async with httpx.AsyncClient(base_url=simulator) as http:
        unknown = await http.post("/v1/chat/completions", json={**body(), "model": "gpt-other"})
        wrong = await http.post("/v1/chat/completions", json=body(max_tokens="x"))
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "model_not_found")
    assert (wrong.status_code, wrong.json()["error"]["type"]) == (400, "invalid_request_error")


def test_a_beginning_that_comes_again_is_read_from_the_cache() -> None:
    wire = OpenAiWire()
    long = {"role": "system", "content": "x" * 4 * (LEAST_TOKENS + CACHE_STEP)}

    def read(*messages: dict[str, str]) -> int:
        return wire.read({"model": "m", "messages": list(messages)}).take_in().read

    assert read(long, {"role": "user", "content": "one"}) == 0
    assert read(long, {"role": "user", "content": "two"}) == LEAST_TOKENS + CACHE_STEP
    assert read({"role": "user", "content": "short"}) == 0
    assert read({"role": "user", "content": "short"}) == 0
