"""The orchestrator's tools, as a host sees them: through the protocol, in both of its eras."""

import json
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import ollama
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, TextContent, TextResourceContents

from codegod_kit import RESULT_LIMIT_BYTES, ServerSettings, UsageFault, dump_plan
from codegod_orchestrator.doors.host_asks import WAIT_SECONDS
from codegod_orchestrator.doors.host_resources import bounded, newest
from codegod_orchestrator.doors.mcp import build_server, create
from codegod_orchestrator.doors.runs import BUILDS_AT_A_TIME, EVENTS_PAGE
from codegod_orchestrator.doors.settings import Settings
from codegod_orchestrator.journal import ClaimedBuild, Journal
from codegod_orchestrator.ladder import Step

# Where the era could matter. What opens a build's servers is slow, and the same behind both.
BOTH_ERAS = pytest.mark.parametrize("mode", ["auto", pytest.param("legacy", marks=pytest.mark.long)])
PATIENCE_SECONDS = 40  # opening the servers of a build on a busy machine takes a few seconds

Call = Callable[..., Awaitable[dict[str, Any]]]


def said(result: CallToolResult) -> str:
    return "\n".join(part.text for part in result.content if isinstance(part, TextContent))


@asynccontextmanager
async def host(
    settings: Settings, mode: str = "auto", environment: Mapping[str, str] | None = None
) -> AsyncIterator[Client]:
    """A host with the orchestrator in its own process."""
    settings = Settings(settings.state, {**settings.environment, **(environment or {})})
    settings.builds.mkdir(parents=True, exist_ok=True)
    (settings.state / "results").mkdir(exist_ok=True)
    served = ServerSettings(settings.state / "results", settings.state, None, settings.environment)
    async with Client(build_server(settings, served), mode=mode) as client:
        yield client


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """What a tool answers; it must not be an error."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, said(result)
    assert isinstance(result.structured_content, dict)
    return result.structured_content


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    """The words that a tool refuses with."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    return said(result)


async def until(client: Client, build: str, *, state: str = "", line: str = "") -> dict[str, Any]:
    """Wait for a build as a host does, until it has ended in `state` or says `line`; the last answer, with all lines."""
    lines: list[str] = []
    cursor = 0
    with anyio.fail_after(PATIENCE_SECONDS):
        while True:
            answer = await call(client, "build_wait", build=build, cursor=cursor, timeout_s=10)
            lines += answer["lines"]
            cursor = answer["cursor"]
            if (answer["ended"] and answer["state"] == state) or (line and any(line in one for one in lines)):
                return {**answer, "lines": lines}
            assert not answer["ended"], lines


@BOTH_ERAS
async def test_every_tool_tells_a_host_what_it_does_and_how_it_is_called(
    settings: Settings, mode: str
) -> None:
    async with host(settings, mode) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        templates = (await client.list_resource_templates()).resource_templates
    assert set(tools) == {
        "build_start",
        "change_start",
        "build_wait",
        "build_status",
        "build_cancel",
        "build_result",
        "build_list",
        "build_resume",
        "plan_preview",
        "question_next",
        "question_answer",
    }
    for tool in tools.values():
        assert f"Example: {tool.name}(" in (tool.description or "")
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint is not None
        for argument in tool.input_schema["properties"].values():
            assert argument["description"]
            assert "anyOf" not in argument and "$ref" not in argument
        kept = ollama.Tool.model_validate(
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": tool.input_schema,
                },
            }
        )
        assert kept.function is not None and kept.function.parameters is not None
        names = set(kept.function.parameters.properties or {})
        assert names == set(tool.input_schema["properties"])
    read_only = {name for name, tool in tools.items() if tool.annotations and tool.annotations.read_only_hint}
    assert read_only == {"build_wait", "build_status", "build_result", "build_list"}
    assert {template.uri_template for template in templates} == {
        "build://{build}",
        "build://{build}/events",
        "build://{build}/evidence",
    }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"prompt": "  "}, ("prompt is empty", "build_start(prompt=")),
        ({"prompt": "x" * 100_001}, ("100001", "`api_spec`")),
        ({"prompt": "Make an iOS app"}, ("iOS",)),
        ({"prompt": "x", "platform": ["fridge"]}, ("`platform` 'fridge'", "backend, web or cli")),
        ({"prompt": "x", "stack": ["FastAPI"]}, ("`stack` 'FastAPI'", "backend=FastAPI")),
        ({"prompt": "x", "api_spec": ["/etc/passwd"]}, ("'/etc/passwd'", "https://")),
        ({"prompt": "x", "max_tokens": "many"}, ("`max_tokens` 'many'", "1 or more")),
        ({"prompt": "x", "max_cost": "2", "master": "host:"}, ("price of 'host'", "`max_tokens`")),
        ({"prompt": "x", "worker": "ollama:small"}, ("no master", "`master`")),
        ({"prompt": "x", "plan": "name: [1"}, ("plan",)),
        ({"prompt": "x", "out": "taken"}, ("is not empty", "`out`")),
        ({"prompt": "x", "out": "../builds/mine"}, ("where builds do their work", "`out`")),
        ({"prompt": "x", "out": "taken/thesis.txt/here"}, ("thesis.txt", "`out`")),
        ({"promt": "x"}, ("'promt'", "`prompt`")),
        ({}, ("`prompt`",)),
    ],
)
async def test_a_build_that_cannot_start_says_what_to_change_and_leaves_nothing(
    settings: Settings, arguments: dict[str, Any], words: tuple[str, ...]
) -> None:
    async with host(settings) as client:
        taken = settings.state / "results" / "taken"
        taken.mkdir()
        (taken / "thesis.txt").write_text("years of work", encoding="utf-8")
        answer = await refused(client, "build_start", **arguments)
        assert all(word in answer for word in words), answer
        assert "codegod " not in answer and "--" not in answer
        assert (await call(client, "build_list"))["builds"] == []
    assert [path.name for path in taken.iterdir()] == ["thesis.txt"]


@BOTH_ERAS
@pytest.mark.parametrize(
    "tool", ["build_wait", "build_status", "build_cancel", "build_result", "build_resume"]
)
async def test_an_unknown_build_points_at_the_list(settings: Settings, mode: str, tool: str) -> None:
    async with host(settings, mode) as client:
        answer = await refused(client, tool, build="b-nothere1")
    assert answer == "No build is called 'b-nothere1'. Call build_list() to see the builds."


@BOTH_ERAS
@pytest.mark.parametrize("name", ["", "/events", "/evidence"])
async def test_the_resources_of_an_unknown_build_are_not_found(
    settings: Settings, mode: str, name: str
) -> None:
    async with host(settings, mode) as client:
        with pytest.raises(MCPError, match="No build is called 'b-nothere1'") as refusal:
            await client.read_resource(f"build://b-nothere1{name}")
    assert refusal.value.error.code == -32602


@BOTH_ERAS
async def test_a_build_whose_model_cannot_be_reached_fails_and_says_so(settings: Settings, mode: str) -> None:
    nowhere = {"OLLAMA_HOST": "127.0.0.1:9"}
    async with host(settings, mode, nowhere) as client:
        with anyio.fail_after(5):
            started = await call(
                client, "build_start", prompt="Make a thing", master="ollama:m", worker="ollama:m"
            )
        assert started["simulated"] is False and started["note"] == ""
        assert started["out"] == str(settings.state / "results" / "make-a-thing")
        ended = await until(client, started["build"], state="failed")
        assert ended["ended"] is True
        assert "127.0.0.1:9" in ended["reason"]
        assert any(line.startswith("failed: ") and "127.0.0.1:9" in line for line in ended["lines"])
        assert "build_resume" in ended["next"]

        # Nothing has changed: taken up again it stays as it is, and the reason stands beside it.
        again = await call(client, "build_resume", build=started["build"])
        told = await until(client, started["build"], line="not taken up again: ")
        assert told["state"] == "failed"
        assert again["build"] == started["build"]
    assert not (settings.state / "results" / "make-a-thing").exists()


@BOTH_ERAS
async def test_a_build_is_cancelled_while_its_model_is_thinking(
    settings: Settings, mode: str, silent: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with host(settings, mode, silent.environment) as client:
        models = {"master": "ollama:silent", "worker": "ollama:silent"}
        started = await call(client, "build_start", prompt="Make a thing", **models)
        other = await call(client, "build_start", prompt="Make a thing", **models)
        assert other["out"].endswith("make-a-thing-2")
        taken = await refused(client, "build_start", prompt="More", out=started["out"], **models)
        assert started["build"] in taken and "`out`" in taken
        for build in (started["build"], other["build"]):
            await until(client, build, line="asking ollama:silent for")

        busy = await refused(client, "build_resume", build=started["build"])
        assert (
            busy
            == f"Build '{started['build']}' is running. Call build_wait(build='{started['build']}') to follow it."
        )
        with anyio.fail_after(PATIENCE_SECONDS):
            ended = await call(client, "build_cancel", build=started["build"])
        assert (ended["state"], ended["ended"], ended["running"]) == ("cancelled", True, False)
        assert (await call(client, "build_status", build=other["build"]))["running"] is True
        assert "for good" in await refused(client, "build_resume", build=started["build"])
        assert (await call(client, "build_cancel", build=started["build"]))["state"] == "cancelled"
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_build_is_cancelled_before_anything_has_begun(settings: Settings, silent: Any) -> None:
    async with host(settings, environment=silent.environment) as client:
        models = {"master": "ollama:silent", "worker": "ollama:silent"}
        started = await call(client, "build_start", prompt="Make a thing", **models)
        with anyio.fail_after(PATIENCE_SECONDS):
            ended = await call(client, "build_cancel", build=started["build"])
        assert (ended["state"], ended["running"]) == ("cancelled", False)
        await until(client, started["build"], state="cancelled")


@pytest.mark.long
async def test_a_build_that_the_server_left_can_be_resumed_by_the_next_one(
    settings: Settings, silent: Any
) -> None:
    async with host(settings, environment=silent.environment) as client:
        started = await call(
            client, "build_start", prompt="Make a thing", master="ollama:silent", worker="ollama:silent"
        )
        await until(client, started["build"], line="asking")
    silent.asked.clear()
    async with host(settings, environment=silent.environment) as client:
        left = await call(client, "build_wait", build=started["build"], timeout_s=45)
        assert (left["state"], left["ended"]) == ("planning", False)
        assert (
            left["next"]
            == f"Nobody is at work on it. Call build_resume(build='{started['build']}') to go on."
        )
        assert (await call(client, "build_status", build=started["build"]))["running"] is False
        await call(client, "build_resume", build=started["build"])
        with anyio.fail_after(PATIENCE_SECONDS):
            await silent.asked.wait()
        assert (await call(client, "build_status", build=started["build"]))["running"] is True


@pytest.mark.long
async def test_a_build_that_reached_a_limit_goes_on_with_a_larger_one_only(
    settings: Settings, silent: Any, journal: Journal
) -> None:
    models = {"master": "ollama:silent", "worker": "ollama:silent"}
    async with host(settings, environment=silent.environment) as client:
        started = await call(client, "build_start", prompt="Make a thing", max_tokens="1000", **models)
        build = started["build"]
        ended = await until(client, build, state="partial")
        assert "1000 tokens" in ended["reason"]
        assert not silent.asked.is_set()
        assert "`max_tokens` 'none more'" in await refused(
            client, "build_resume", build=build, max_tokens="none more"
        )
        await call(client, "build_resume", build=build, max_tokens="500_000")
        with anyio.fail_after(PATIENCE_SECONDS):
            await silent.asked.wait()
        kept = [event.data for event in await journal.events(build) if event.kind == "limits.changed"]
    assert kept[-1]["tokens"] == 500_000


async def test_a_build_of_another_process_is_asked_to_stop_and_waited_for(
    settings: Settings, journal: Journal, begun: Any
) -> None:
    build = await begun.create(journal)
    heard: list[str] = []

    async def obey(claimed: ClaimedBuild, seen: int) -> None:
        while "cancel.requested" not in heard:
            heard.extend(event.kind for event in await journal.wait_events(build.id, seen, 5))
        await claimed.advance("cancelled", reason="cancelled on request")

    async with host(settings) as client, journal.claim_build(build.id, "a test") as claimed:
        await begun.up_to_tasks(claimed)
        busy = await refused(client, "build_resume", build=build.id)
        seen = (await journal.build(build.id)).last_event
        with anyio.fail_after(PATIENCE_SECONDS):
            async with anyio.create_task_group() as group:
                group.start_soon(obey, claimed, seen)
                ended = await call(client, "build_cancel", build=build.id)
    assert "is running" in busy
    assert (ended["state"], ended["ended"]) == ("cancelled", True)


async def test_a_fault_of_our_own_ends_the_build_and_not_the_server(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("codegod_orchestrator.doors.runs.open_models", broken)
    async with host(settings) as client:
        started = await call(client, "build_start", prompt="Create a REST API for todo management")
        ended = await until(client, started["build"], state="failed")
        assert (await call(client, "build_list"))["builds"][0]["build"] == started["build"]
    assert ended["reason"] == "Code-God itself is at fault (RuntimeError('a bug')); its log says more."


@pytest.mark.long
async def test_builds_that_start_together_get_folders_of_their_own(settings: Settings, silent: Any) -> None:
    outs: list[str] = []

    async def start(client: Client) -> None:
        outs.append((await call(client, "build_start", prompt="Make a thing"))["out"])

    environment = {**silent.environment, "MASTER_MODEL": "ollama:silent"}
    async with host(settings, environment=environment) as client, anyio.create_task_group() as group:
        for _ in range(BUILDS_AT_A_TIME):
            group.start_soon(start, client)
    assert len(set(outs)) == BUILDS_AT_A_TIME


@pytest.mark.long
async def test_only_so_many_builds_run_at_a_time(settings: Settings, silent: Any) -> None:
    async with host(settings, environment=silent.environment) as client:
        models = {"master": "ollama:silent", "worker": "ollama:silent"}
        for _ in range(BUILDS_AT_A_TIME):
            await call(client, "build_start", prompt="Make a thing", **models)
        answer = await refused(client, "build_start", prompt="Make a thing", **models)
    assert f"{BUILDS_AT_A_TIME} builds are running" in answer
    assert "build_cancel" in answer


@BOTH_ERAS
async def test_waiting_wakes_on_what_another_process_writes_and_blocks_no_other_call(
    settings: Settings, mode: str, journal: Journal, begun: Any
) -> None:
    build = await begun.create(journal)
    async with host(settings, mode) as client, journal.claim_build(build.id, "a test") as claimed:
        await begun.up_to_tasks(claimed)
        first = await call(client, "build_wait", build=build.id)
        assert first["lines"] == [
            "  planned demo: 2 tasks",
            "contracting",
            "  the contract holds, with 1 test",
            "running",
        ]
        news: list[dict[str, Any]] = []
        waiting = anyio.Event()

        async def wait() -> None:
            waiting.set()
            news.append(
                await call(client, "build_wait", build=build.id, cursor=first["cursor"], timeout_s=45)
            )

        with anyio.fail_after(20):
            async with anyio.create_task_group() as group:
                group.start_soon(wait)
                await waiting.wait()
                assert (await call(client, "build_status", build=build.id))["state"] == "running"
                assert news == []
                attempt = await claimed.dispatch_attempt("storage", Step("first", 0, "m:m"), base="main-0")
                await claimed.start_attempt(attempt)
    assert news[0]["lines"] == ["  storage.1: first try by m:m"]
    assert news[0]["next"] == f"Call build_wait(build='{build.id}', cursor={news[0]['cursor']})."


@BOTH_ERAS
async def test_events_that_say_nothing_wake_nobody(
    settings: Settings, mode: str, journal: Journal, begun: Any
) -> None:
    build = await begun.create(journal)
    async with host(settings, mode) as client, journal.claim_build(build.id, "a test") as claimed:
        last = (await journal.build(build.id)).last_event
        await claimed.append("model.asked", {"step": "task", "model": "m"}, task="storage")
        answer = await call(client, "build_wait", build=build.id, cursor=last, timeout_s=0.5)
        assert answer["lines"] == []
        assert answer["cursor"] == last + 1


@BOTH_ERAS
async def test_a_cursor_that_never_was_is_refused(
    settings: Settings, mode: str, journal: Journal, begun: Any
) -> None:
    build = await begun.create(journal)
    async with host(settings, mode) as client:
        assert "whose last event is 1" in await refused(client, "build_wait", build=build.id, cursor=7)
        assert "timeout_s" in await refused(client, "build_wait", build=build.id, timeout_s=WAIT_SECONDS + 1)


@BOTH_ERAS
async def test_a_long_history_comes_in_pages(
    settings: Settings, mode: str, journal: Journal, begun: Any
) -> None:
    build = await begun.create(journal)
    async with journal.claim_build(build.id, "a test") as claimed:
        for number in range(2 * EVENTS_PAGE + 10):
            await claimed.append("model.asked", {"step": "plan", "model": f"m{number}"})
        await claimed.advance("failed", reason="enough")
    lines: list[str] = []
    cursor = 0
    async with host(settings, mode) as client:
        for ended in (False, True):
            answer = await call(client, "build_wait", build=build.id, cursor=cursor)
            assert answer["ended"] is ended
            assert len(answer["lines"]) < 2 * EVENTS_PAGE
            lines, cursor = lines + answer["lines"], answer["cursor"]
    assert [line.split()[1] for line in lines[:-1]] == [
        f"m{number}" for number in range(2 * EVENTS_PAGE + 10)
    ]
    assert lines[-1] == "failed: enough"


@BOTH_ERAS
async def test_status_result_and_resources_tell_the_same_build(
    settings: Settings, mode: str, journal: Journal, begun: Any
) -> None:
    build = await begun.create(journal)
    async with journal.claim_build(build.id, "a test") as claimed:
        await begun.up_to_tasks(claimed)
        attempt = await claimed.dispatch_attempt("storage", Step("first", 0, "m:m"), base="main-0")
        await claimed.start_attempt(attempt)
        await claimed.submit_attempt(attempt, commit="c1", tree="t1")
        await claimed.prove_attempt(attempt, begun.green)
        await claimed.accept_attempt(attempt, commit="c1", tree="t1")
        await claimed.advance("failed", reason="\x1b[31mno model\x1b[0m")
    async with host(settings, mode) as client:
        status = await call(client, "build_status", build=build.id)
        report = said(await client.call_tool("build_result", {"build": build.id}))
        listed = (await call(client, "build_list", limit=1))["builds"]
        resources = {}
        for name in ("", "/events", "/evidence"):
            content = (await client.read_resource(f"build://{build.id}{name}")).contents[0]
            assert isinstance(content, TextResourceContents)
            assert content.mime_type == "application/json"
            resources[name] = json.loads(content.text)
    assert status["reason"] == "[31mno model [0m"
    assert [(task["id"], task["state"], task["tries"]) for task in status["tasks"]] == [
        ("storage", "accepted", 1),
        ("api", "ready", 0),
    ]
    assert f"Build {build.id}: failed" in report
    assert listed[0]["build"] == build.id and listed[0]["tasks"] == {"accepted": 1, "ready": 1}
    assert resources[""] == status
    assert [event["kind"] for event in resources["/events"]][-1] == "build.state"
    assert resources["/evidence"]["tasks"][0]["commit"] == "c1"
    assert resources["/evidence"]["not_proved"]


@pytest.mark.parametrize(("calls", "left"), [(10, False), (4_000, True)])
def test_a_long_resource_goes_without_its_details_and_says_so(calls: int, left: bool) -> None:
    attempt = {"attempt": "a.1", "tree": "t1", "tool_calls": ["x" * 100] * calls}
    told = json.loads(bounded({"tasks": [{"task": "a", "attempts": [attempt]}]}))
    assert told["tasks"][0]["attempts"][0]["tree"] == "t1"
    assert ("tool_calls" in told["tasks"][0]["attempts"][0]) is not left
    assert told.get("left_out", "").startswith("tool_calls: " if left else "")
    assert ("left_out" in told) is left


def test_what_is_too_long_without_its_details_is_not_told_at_all() -> None:
    told = bounded({"tasks": ["x" * 100] * 4_000})
    assert list(json.loads(told)) == ["left_out"]


def test_of_too_many_events_the_newest_are_told() -> None:
    events = [{"seq": seq, "data": "ö" * 1_000} for seq in range(1, 301)]
    text = newest(events)
    told = [event["seq"] for event in json.loads(text)]
    assert len(text.encode()) <= RESULT_LIMIT_BYTES
    assert told == list(range(told[0], 301))
    assert newest(events[:2]) == json.dumps(events[:2], ensure_ascii=False, indent=1)


@pytest.mark.long
async def test_a_plan_is_made_without_a_build(settings: Settings) -> None:
    prompt = "Create a REST API for todo management"
    async with host(settings) as client:
        with anyio.fail_after(PATIENCE_SECONDS):
            preview = await call(client, "plan_preview", prompt=prompt)
        assert preview["ready"] is True and preview["simulated"] is True
        assert preview["plan"].startswith("name: todo-api")
        assert preview["tasks"] >= 8
        assert re.match(r"\d+ calls, \d+ tokens, .*\(published figures", preview["forecast"])
        builds = (await call(client, "build_list"))["builds"]
        assert [build["state"] for build in builds] == ["cancelled"]


@pytest.mark.long
async def test_a_prompt_that_the_simulator_does_not_know_says_how_to_get_a_real_model(
    settings: Settings,
) -> None:
    async with host(settings) as client:
        with anyio.fail_after(PATIENCE_SECONDS):
            answer = await refused(client, "plan_preview", prompt="Compose a symphony")
            started = await call(client, "build_start", prompt="Compose a symphony")
            ended = await until(client, started["build"], state="failed")
    assert "ANTHROPIC_API_KEY" in answer
    assert "simulated" in started["note"]
    assert "ANTHROPIC_API_KEY" in ended["reason"]


@pytest.mark.long
async def test_a_plan_that_takes_long_is_fetched_later(
    settings: Settings, silent: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codegod_orchestrator.doors.mcp.WAIT_SECONDS", 1)
    async with host(settings, environment=silent.environment) as client:
        with anyio.fail_after(PATIENCE_SECONDS):
            first = await call(client, "plan_preview", prompt="Make a thing", master="ollama:silent")
            await silent.asked.wait()
            second = await call(client, "plan_preview", prompt="Make a thing", master="ollama:silent")
    assert (first["ready"], second["ready"]) == (False, False)
    assert "Call plan_preview again" in second["next"]


async def test_a_given_plan_is_kept_with_the_build(settings: Settings, journal: Journal, begun: Any) -> None:
    plan = dump_plan(begun.plan)
    nowhere = {"OLLAMA_HOST": "127.0.0.1:9"}
    async with host(settings, environment=nowhere) as client:
        started = await call(
            client,
            "build_start",
            prompt="x",
            out="a/b",
            plan=plan,
            master="ollama:m",
            worker="ollama:m",
            stack=["backend=FastAPI"],
            platform=["backend"],
        )
        await until(client, started["build"], state="failed")
        assert Path(started["out"]) == settings.state / "results" / "a" / "b"
    options = (await journal.build(started["build"])).options
    assert options["plan"] == plan
    assert options["stack"] == {"backend": "FastAPI"}
    assert options["platforms"] == ["backend"]


async def test_the_state_folder_of_the_command_line_goes_before_the_environments(state_dir: Path) -> None:
    named = state_dir / "named"
    settings = ServerSettings(state_dir, named, None, {"CODEGOD_STATE_DIR": str(state_dir / "other")})
    async with Client(create(settings)) as client:
        assert (await call(client, "build_list"))["builds"] == []
    assert (named / "journal.db").exists()
    assert not (state_dir / "other").exists()


@pytest.mark.skipif(
    os.name == "nt", reason="Windows lets nobody make /proc either, but says so in other words"
)
def test_a_state_folder_that_cannot_be_made_is_wrong_usage() -> None:
    with pytest.raises(UsageFault, match="CODEGOD_STATE_DIR"):
        create(ServerSettings(Path("/proc"), Path("/proc/nowhere"), None, {}))
