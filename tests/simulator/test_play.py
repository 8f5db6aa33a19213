"""Master and workers as the real clients meet them: over loopback, in both wire formats."""

import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from codegod_kit.plan import Plan
from codegod_models import (
    Message,
    ModelReply,
    ModelRequest,
    ModelSettings,
    Provider,
    RequestRefused,
    TransientFault,
    complete,
    open_provider,
    parse_model,
)
from codegod_simulator.app import MASTER, WORKER, build_app
from codegod_simulator.faults import Faults, parse_fault
from codegod_simulator.library import open_library
from codegod_simulator.play import Manner, Player
from codegod_workers import parse_answer

Serve = Callable[..., AbstractAsyncContextManager[str]]

PLAN = "Step: plan\nAttempt: 1\n\n<request>\n{words}\n</request>"
TASK = "Step: task\nProject: {project}\nTask: {task}\nAttempt: {attempt}\n\nFiles to write:\n{files}"
CONTRACT = "Step: contract\nProject: {project}\nAttempt: 1\n\nFiles to write:\n{files}"
STORAGE = "src/todo/storage.py"


@asynccontextmanager
async def serving(
    *faults: str, references: tuple[Path, ...] = (), latency: float = 0.0
) -> AsyncIterator[str]:
    """The simulator's application behind a real socket."""
    player = Player(
        open_library(references),
        Faults([parse_fault(fault) for fault in faults]),
        Manner({"master": latency, "worker": latency}, seed=1),
    )
    config = uvicorn.Config(
        build_app(player), port=0, log_level="critical", lifespan="off", timeout_graceful_shutdown=1
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        await server.shutdown()


def client(url: str, role: str, **settings: Any) -> Provider:
    name = f"anthropic:{MASTER}" if role == "master" else f"ollama:{WORKER}"
    return open_provider(parse_model(name), ModelSettings(base_url=url, simulated=True, **settings))


async def ask(provider: Provider, text: str, max_tokens: int = 8000, **more: Any) -> ModelReply:
    request = ModelRequest("You write files.", (Message("user", text),), max_tokens)
    try:
        return await complete(provider, request, deadline=time.time() + 20, first_delay=0.01, **more)
    finally:
        await provider.aclose()


def task(attempt: int = 1, project: str = "todo-api", name: str = "storage", *files: str) -> str:
    listed = "\n".join(f"- {path}" for path in files or (STORAGE,))
    return TASK.format(project=project, task=name, attempt=attempt, files=listed)


@pytest.mark.parametrize("role", ["master", pytest.param("worker", marks=pytest.mark.long)])
async def test_a_plan_names_specifications_where_they_are_served(simulator: str, role: str) -> None:
    reply = await ask(client(simulator, role), PLAN.format(words="create a  REST API for todo management."))
    data = json.loads(reply.text.removeprefix("```json\n").removesuffix("```\n"))
    plan = Plan.model_validate(data)
    assert (plan.name, plan.prompts) == ("todo-api", ())
    assert plan.references == (f"{simulator}/specs/todo-api/problem-details.json",)
    async with httpx.AsyncClient() as http:
        served = await http.get(plan.references[0])
    assert served.json()["openapi"].startswith("3.")
    assert reply.simulated
    assert reply.model.startswith("simulator:")


@pytest.mark.parametrize("role", ["master", "worker"])
async def test_a_contract_is_written_file_by_file(simulator: str, role: str) -> None:
    files = ["src/todo/app.py", STORAGE, "tests/test_storage.py"]
    listed = "\n".join(f"- {path}" for path in files)
    reply = await ask(client(simulator, role), CONTRACT.format(project="todo-api", files=listed))
    answer = parse_answer(reply.text, files)
    assert list(answer.files) == files
    assert "raise NotImplementedError" in answer.files[STORAGE]
    assert "raise NotImplementedError" not in answer.files["src/todo/app.py"]


async def test_a_worker_is_wrong_first_and_right_then(simulator: str) -> None:
    first = await ask(client(simulator, "worker"), task(1))
    again = await ask(client(simulator, "worker"), task(1))
    second = await ask(client(simulator, "worker"), task(2))
    assert first.text == again.text, "what was asked decides, not how often"
    assert "Todo | None" in first.text
    assert "Todo | None" not in second.text


async def test_usage_is_counted_from_the_text(simulator: str) -> None:
    for role in ("master", "worker"):
        reply = await ask(client(simulator, role), task(2))
        assert reply.usage.output_tokens == -(-len(reply.text.encode()) // 4)
        assert reply.usage.input_tokens is not None
        assert 20 < reply.usage.input_tokens < 40


async def test_an_answer_is_no_longer_than_asked_for(simulator: str) -> None:
    for role in ("master", "worker"):
        reply = await ask(client(simulator, role), task(2), max_tokens=50)
        assert reply.stop == "length"
        assert reply.usage.output_tokens == 50


async def test_the_models_say_what_they_are(simulator: str) -> None:
    for role, context in (("master", 200_000), ("worker", 16_384)):
        provider = client(simulator, role)
        info = await provider.check()
        await provider.aclose()
        assert info.context_tokens == context
        assert info.price is not None
        assert "simulated" in info.price.note


@pytest.mark.parametrize("role", ["master", "worker"])
@pytest.mark.parametrize(
    ("text", "why"),
    [
        (PLAN.format(words="Build me a rocket"), "Build me a rocket"),
        ("Hello, who are you?", "Step:"),
        (task(1, "nothing"), "'nothing'"),
        (task(1, "todo-api", "nothing"), "no task 'nothing'"),
        (task(1, "todo-api", "storage", "src/todo/models.py"), "does not own it"),
        ("Step: task\nProject: todo-api\nTask: storage\nAttempt: 1\n", "Files to write"),
    ],
)
async def test_an_unknown_question_is_refused_in_each_format(
    simulator: str, role: str, text: str, why: str
) -> None:
    with pytest.raises(RequestRefused, match=why) as caught:
        await ask(client(simulator, role), text)
    assert caught.value.status == 400


async def test_an_unknown_request_is_told_which_are_known_and_how_to_get_a_model(simulator: str) -> None:
    with pytest.raises(RequestRefused) as caught:
        await ask(client(simulator, "master"), PLAN.format(words="Build me a rocket"))
    for part in (
        "Create a REST API for todo management",
        "ANTHROPIC_API_KEY",
        "OLLAMA_HOST",
        "--master",
        "--worker",
    ):
        assert part in str(caught.value)


async def test_a_prompt_beyond_the_context_is_refused(simulator: str) -> None:
    async with httpx.AsyncClient(base_url=simulator) as http:
        body = {"model": WORKER, "messages": [{"role": "user", "content": task(1) + "\n\n" + "x" * 20_000}]}
        plain = await http.post("/api/chat", json=body)
        roomy = await http.post("/api/chat", json={**body, "options": {"num_ctx": 8192}, "stream": False})
    assert (plain.status_code, roomy.status_code) == (400, 200)
    assert "prompt is too long" in plain.json()["error"]


@pytest.mark.long
@pytest.mark.parametrize("role", ["master", "worker"])
@pytest.mark.parametrize("kind", ["429", "500", "overload", "cut", "hang"])
async def test_a_fault_of_the_wire_strikes_once_and_the_client_gets_over_it(role: str, kind: str) -> None:
    told: list[TransientFault] = []
    text = task(1) if role == "worker" else PLAN.format(words="Create a todo REST API")
    async with serving(f"{role}:{kind}") as url:
        provider = client(url, role, idle_seconds=0.4, first_seconds=0.4)
        reply = await ask(provider, text, on_retry=lambda fault, _: told.append(fault))
    assert (reply.tries, reply.stop, len(told)) == (2, "end", 1)


async def test_a_truncated_answer_says_that_it_is_one() -> None:
    async with serving("worker:truncation") as url:
        first = await ask(client(url, "worker"), task(1))
        second = await ask(client(url, "worker"), task(2))
    assert (first.stop, second.stop) == ("length", "end")
    with pytest.raises(Exception, match="never closed"):
        parse_answer(first.text, [STORAGE])


async def test_prose_around_the_files_does_not_hide_them() -> None:
    async with serving("worker:prose@storage.2") as url:
        reply = await ask(client(url, "worker"), task(2))
    assert reply.text.startswith("Sure!")
    assert list(parse_answer(reply.text, [STORAGE]).files) == [STORAGE]


@pytest.mark.parametrize(
    ("fault", "struck"),
    [
        ("worker:truncation@storage", (True, False, False)),
        ("worker:truncation@storage.2", (False, True, False)),
        ("worker:truncation@storage.*", (True, True, False)),
        ("worker:truncation@*", (True, False, True)),
        ("worker:truncation", (True, False, True)),
        ("master:truncation", (False, False, False)),
    ],
)
async def test_a_fault_strikes_what_it_names(fault: str, struck: tuple[bool, bool, bool]) -> None:
    routes = task(1, "todo-api", "routes", "src/todo/routes.py")
    async with serving(fault) as url:
        replies = [await ask(client(url, "worker"), text) for text in (task(1), task(2), routes)]
    assert tuple(reply.stop == "length" for reply in replies) == struck


@pytest.mark.long
async def test_latency_is_taken_before_and_while_an_answer_is_written() -> None:
    heard: list[float] = []
    async with serving(latency=0.5) as url:
        started = time.monotonic()
        await ask(client(url, "worker"), task(1), on_text=lambda _: heard.append(time.monotonic() - started))
    assert heard[0] >= 0.5 * 0.7 / 2
    assert heard[-1] - heard[0] >= 0.05


async def test_a_project_of_ones_own_is_played(small_reference: Path) -> None:
    async with serving(references=(small_reference,)) as url:
        plan = await ask(client(url, "master"), PLAN.format(words="Say hello!"))
        text = task(2, "hello", "readme", "README.md")
        readme = await ask(client(url, "worker"), text)
    assert '"name": "hello"' in plan.text
    assert readme.text == "````markdown README.md\n# hello\n\n```\nhello\n```\n````\n"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/v1/messages", b"{oops", 400),
        ("POST", "/v1/messages", b"[]", 400),
        ("POST", "/v1/messages", b'{"model": "claude-simulated"}', 400),
        ("POST", "/v1/messages", b'{"model": "claude-simulated", "max_tokens": 9, "messages": "hi"}', 400),
        ("POST", "/v1/messages", b'{"model": "claude-other"}', 404),
        ("GET", "/v1/models/claude-other", b"", 404),
        ("POST", "/v1/messages/count_tokens", b"{}", 400),
        ("POST", "/api/chat", b"{oops", 400),
        ("POST", "/api/chat", b'{"model": "qwen2.5-coder:7b"}', 400),
        (
            "POST",
            "/api/chat",
            b'{"model": "qwen2.5-coder:7b", "messages": [], "options": {"num_ctx": "x"}}',
            400,
        ),
        ("POST", "/api/chat", b'{"model": "mistral"}', 404),
        ("POST", "/api/show", b'{"model": "mistral"}', 404),
        ("GET", "/specs/nothing/a.json", b"", 404),
        ("GET", "/specs/todo-api/nothing.json", b"", 404),
        ("GET", "/specs/todo-api/..%2Fplan.yaml", b"", 404),
    ],
)
async def test_what_is_wrong_on_the_wire_is_an_error_in_its_format(
    simulator: str, method: str, path: str, body: bytes, status: int
) -> None:
    async with httpx.AsyncClient(base_url=simulator) as http:
        response = await http.request(method, path, content=body)
    assert response.status_code == status
    assert response.json()["error"]


async def test_the_smaller_routes_answer_as_the_real_ones_do(simulator: str) -> None:
    async with httpx.AsyncClient(base_url=simulator) as http:
        body = {"model": MASTER, "max_tokens": 9, "messages": [{"role": "user", "content": "x" * 40}]}
        counted = await http.post("/v1/messages/count_tokens", json=body)
        listed = await http.get("/v1/models", headers={"anthropic-version": "2026-10-21"})
        running, version = await http.get("/api/ps"), await http.get("/api/version")
    assert counted.json() == {"input_tokens": 10}
    assert [model["id"] for model in listed.json()["data"]] == [MASTER]
    assert running.json()["models"][0]["name"] == WORKER
    assert version.json()["version"]


async def test_an_answer_can_be_had_in_one_piece(simulator: str) -> None:
    async with httpx.AsyncClient(base_url=simulator) as http:
        messages = [{"role": "user", "content": [{"type": "text", "text": task(2)}]}]
        master = await http.post(
            "/v1/messages", json={"model": MASTER, "max_tokens": 9000, "messages": messages}
        )
        worker = await http.post("/api/chat", json={"model": WORKER, "stream": False, "messages": messages})
    assert master.json()["content"][0]["text"] == worker.json()["message"]["content"]
    assert (master.json()["stop_reason"], worker.json()["done_reason"]) == ("end_turn", "stop")
