"""A host without any key has a whole build made over stdio, and is master and worker of it: it answers every question."""

import json
import re
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from mcp import Client, StdioServerParameters
from mcp_types import TextResourceContents

HOST_SECONDS = 240
PROMPT = "Write a tiny money library"
_SECTION = re.compile(r"(?:^|\n\n)# (Instructions|You were asked|You answered|The question)\n\n")


class Played:
    """A host's model: the bundled simulator answers what the host was asked, as it would any client."""

    def __init__(self, url: str, model: str) -> None:
        self._url = url
        self._model = model
        self.steps: Counter[str] = Counter()

    async def answer(self, text: str) -> str:
        system, messages = conversation(text)
        self.steps[messages[-1]["content"].partition("\n")[0].removeprefix("Step: ")] += 1
        body = {"model": self._model, "max_tokens": 64_000, "system": system, "messages": messages}
        async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
            reply = await http.post(f"{self._url}/v1/messages", json=body)
        assert reply.status_code == 200, reply.text
        return str(reply.json()["content"][0]["text"])


def conversation(text: str) -> tuple[str, list[dict[str, str]]]:
    """The instructions and the turns that a question shows."""
    _, *parts = _SECTION.split(text)
    system, messages = "", []
    for title, body in zip(parts[::2], parts[1::2], strict=True):
        if title == "Instructions":
            system = body
        else:
            role = "assistant" if title == "You answered" else "user"
            messages.append({"role": role, "content": body})
    return system, messages


PROGRAM = '''\
"""Prints the sum of its arguments."""

import sys

from pennies.ledger import total


def main() -> None:
    """Print the sum of the amounts on the command line."""
    print(total(sys.argv[1:]))


if __name__ == "__main__":
    main()
'''
HIDDEN_TEST = """\
import os
import subprocess


def test_amounts_are_added() -> None:
    command = [*os.environ["APP_COMMAND"].split(), "1.10", "2.95"]
    assert subprocess.run(command, capture_output=True, text=True, timeout=20).stdout == "4.05\\n"
"""
BEHAVIOURS = """\
start: python -m pennies
behaviours:
  - {id: B1, text: Amounts are added, test: "acceptance/test_pennies.py::test_amounts_are_added"}
"""


def with_program(folder: Path) -> Path:
    """The made-up project with a command that a black-box test can run: a host's behaviours need one."""
    plan = (folder / "plan.yaml").read_text("utf-8")
    plan = plan[: plan.index("behaviours:")] + BEHAVIOURS + plan[plan.index("skeleton:") :]
    plan = plan.replace("skeleton: [pyproject.toml,", "skeleton: [pyproject.toml, src/pennies/__main__.py,")
    (folder / "plan.yaml").write_text(plan, "utf-8")
    (folder / "files/src/pennies/__main__.py").write_text(PROGRAM, "utf-8")
    (folder / "acceptance").mkdir()
    (folder / "acceptance/test_pennies.py").write_text(HIDDEN_TEST, "utf-8")
    return folder


@pytest.fixture
def played(project: Callable[..., Path], wrong_amount: Any) -> Iterator[Played]:
    """The made-up reference project, whose first try at the amounts is wrong."""
    folder = with_program(project(amount__1=wrong_amount))
    command = [sys.executable, "-m", "codegod_simulator", "--port", "0", "--reference", str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        told = json.loads(process.stdout.readline())
        yield Played(told["url"], told["master"])
        process.stdin.close()
        process.wait(30)


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert isinstance(result.structured_content, dict)
    return result.structured_content


async def answer_all(client: Client, build: str, played: Played) -> dict[str, Any]:
    """What a host does until its build has ended; it remembers nothing, so it is shown every question whole."""
    while True:
        found = await call(client, "question_next", build=build, timeout_s=45)
        if found["ended"]:
            return found
        if not found["question"]:
            continue
        text, page = found["text"], found
        while page["next_cursor"]:
            asked = {"question": page["question"], "cursor": page["next_cursor"]}
            page = await call(client, "question_next", **asked)
            text += page["text"]
        answer = await played.answer(text)
        half = len(answer) // 2
        await call(client, "question_answer", question=found["question"], text=answer[:half], more=True)
        await call(client, "question_answer", question=found["question"], text=answer[half:])


@pytest.mark.long
@pytest.mark.timeout(HOST_SECONDS + 30)
async def test_a_host_is_master_and_worker_of_a_whole_build(
    place: Any, played: Played, git: Callable[..., str], suite: Any
) -> None:
    out = place.folder / "out"
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "codegod_orchestrator.doors.mcp", "--root", str(place.folder)],
        env=place.environment,
        cwd=place.folder,
    )
    asked = {"prompt": PROMPT, "out": str(out), "master": "host:", "worker": "host:"}
    with anyio.fail_after(HOST_SECONDS):
        async with Client(server) as client:
            begun = await call(client, "build_start", **asked)
            build = begun["build"]
            ended = await answer_all(client, build, played)
            status = await call(client, "build_status", build=build)
            report = (await client.call_tool("build_result", {"build": build})).content[0]
            content = (await client.read_resource(f"build://{build}/evidence")).contents[0]
    assert begun["simulated"] is False
    assert (status["state"], status["reason"]) == ("done", ""), (status["reason"], report)
    assert "build_result" in ended["next"]
    assert {task["id"]: task["state"] for task in status["tasks"]} == dict.fromkeys(
        ("amount", "ledger", "readme"), "accepted"
    )
    assert played.steps["plan"] == 1
    assert played.steps["task"] == 4  # the amounts were sent back once
    assert isinstance(content, TextResourceContents)
    evidence = json.loads(content.text)
    assert evidence["simulated"] == []
    assert {task["task"]: task["state"] for task in evidence["tasks"]}["amount"] == "accepted"
    assert suite(out).returncode == 0
    assert "Model: host" in git(out, "log", "--first-parent", "--format=%B")


def start(place: Any, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "codegod_orchestrator.doors.mcp", "--root", str(place.folder), *options]
    return subprocess.Popen(command, env=place.environment, cwd=place.folder, stderr=subprocess.DEVNULL)


@asynccontextmanager
async def served(place: Any) -> AsyncIterator[str]:
    """The orchestrator over HTTP: a server that stays while hosts come and go."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = start(place, "--http", f"127.0.0.1:{port}")
    try:
        async with httpx.AsyncClient(trust_env=False) as http:
            while True:
                try:
                    assert (await http.get(f"http://127.0.0.1:{port}/health")).status_code == 200
                    break
                except httpx.ConnectError:
                    assert process.poll() is None
                    await anyio.sleep(0.05)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.long
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_host_that_connects_again_finds_its_question_and_its_answer_counts(
    place: Any, mode: str
) -> None:
    asked = {"prompt": PROMPT, "master": "host:", "worker": "host:"}
    with anyio.fail_after(60):
        async with served(place) as url:
            async with Client(url, mode=mode) as client:
                build = (await call(client, "build_start", **asked))["build"]
                first = await call(client, "question_next", build=build, timeout_s=45)
                half = {"question": first["question"], "text": "half an answer", "more": True}
                await call(client, "question_answer", **half)
            async with Client(url, mode=mode) as client:
                again = await call(client, "question_next", timeout_s=0)
                assert (again["question"], again["text"]) == (first["question"], first["text"])
                given = await call(client, "question_answer", question=again["question"], text="no idea")
                assert (given["whole"], given["chars"]) == (True, len("no idea"))
                following = await call(client, "question_next", build=build, timeout_s=45)
                assert following["question"] not in ("", first["question"])
                await call(client, "build_cancel", build=build)
