"""`codegod doctor --model`: a model on loopback is asked the micro-tasks, judged in the sandbox, and what it can is kept."""

import argparse
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from codegod_orchestrator.doors.commands import doctor
from codegod_workers.answer import fenced
from codegod_workers.capability import read_capability
from codegod_workers.micro_tasks import MicroTask, micro_tasks

MODEL = "ollama:played:7b"
PLAN = {
    "name": "count",
    "skeleton": ["pyproject.toml"],
    "tasks": [
        {"id": "counting", "type": "backend", "title": "Count", "files": ["src/count.py"]},
        {"id": "cli", "type": "backend", "title": "CLI", "files": ["src/cli.py"], "depends": ["counting"]},
        {
            "id": "docs",
            "type": "documentation",
            "title": "README",
            "files": ["README.md"],
            "depends": ["cli"],
        },
    ],
}
WORK = {
    "backend-function": {
        "durations.py": "import re\n\n\ndef parse(text: str) -> int:\n"
        '    found = re.fullmatch(r"(?:(\\d+)h)?(?:(\\d+)m)?(?:(\\d+)s)?", text)\n'
        "    if not text or found is None:\n        raise ValueError(text)\n"
        "    hours, minutes, seconds = (int(part or 0) for part in found.groups())\n"
        "    return hours * 3600 + minutes * 60 + seconds\n"
    },
    "backend-repair": {
        "pages.py": "def pages(items: list[int], size: int) -> list[list[int]]:\n    if size < 1:\n"
        "        raise ValueError(size)\n    return [items[at : at + size] for at in range(0, len(items), size)]\n"
    },
    "testing-slug": {
        "test_slug.py": "from slug import slug\n\n\ndef test_slug():\n    assert slug('A, b') == 'a-b'\n"
        "    assert slug('!') == ''\n"
    },
    "frontend-form": {
        "web/index.html": '<!doctype html>\n<label>Title <input name="title"></label>\n<button>Add</button>\n'
        '<ul id="todos"></ul>\n<script src="app.js"></script>\n'
    },
    "devops-image": {
        "Dockerfile": 'FROM python:3.12-slim\nCOPY . .\nRUN pip install .\nUSER app\nENTRYPOINT ["words"]\n'
    },
    "documentation-readme": {"README.md": '# Words\n\n```bash\npip install .\nwords "a b"\npytest\n```\n'},
}


def _blocks(files: dict[str, str]) -> str:
    return "\n\n".join(fenced(path, text) for path, text in files.items())


def faultless(task: MicroTask) -> dict[str, Any]:
    """The message of a model that can do everything."""
    if task.kind == "arguments":
        ((path, text),) = task.files.items()
        return _call("sandbox__file_write", {"path": path, "content": text})
    if task.tool:
        return _call(task.tool, task.arguments)
    if task.kind == "control":
        return {"content": f"{task.expects}: it cannot be"}
    if task.kind == "plan":
        return {"content": f"```json\n{json.dumps(PLAN)}\n```"}
    return {"content": task.expects or _blocks(WORK.get(task.id, task.files))}


def small(task: MicroTask) -> dict[str, Any]:
    """The message of a model that loses backslashes in JSON, calls tools for nothing and tests nothing."""
    message = faultless(task)
    if task.kind == "arguments":
        text = message["tool_calls"][0]["function"]["arguments"]["content"]
        return _call(
            "sandbox__file_write", {**task.arguments, "path": next(iter(task.files)), "content": text[:-9]}
        )
    if task.id == "choose-none":
        return _call("sandbox__file_read", {"path": "ready"})
    if task.id in {"testing-slug", "master-plan", "devops-image"}:
        return {"content": "I would rather not."}
    return message


def _call(name: str, arguments: dict[str, str]) -> dict[str, Any]:
    return {"content": "", "tool_calls": [{"function": {"name": name, "arguments": arguments}}]}


@dataclass
class Played:
    """An Ollama with one model; of a prompt longer than `window` characters it says that it read less."""

    says: Callable[[MicroTask], dict[str, Any]]
    window: int = 1_000_000
    url: str = ""
    asked: list[str] = field(default_factory=list)

    def chat(self, body: dict[str, Any]) -> dict[str, Any]:
        texts = [str(message["content"]) for message in body["messages"]]
        name = texts[-1].split("Task: ", 1)[1].split("\n", 1)[0]
        self.asked.append(name)
        task = next(task for task in micro_tasks() if task.id == name)
        length = sum(map(len, texts))
        count = length // 4 if length <= self.window else self.window // 8
        return {
            "message": {"role": "assistant", **self.says(task)},
            "done": True,
            "done_reason": "stop",
            "prompt_eval_count": count,
            "eval_count": 9,
        }


@pytest.fixture
def serve(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Played], Played]]:
    servers: list[ThreadingHTTPServer] = []

    def start(played: Played) -> Played:
        class Handler(_Handler):
            model = played

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        played.url = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("OLLAMA_HOST", played.url)
        monkeypatch.setenv("CODEGOD_STATE_DIR", str(state_dir))
        return played

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    model: ClassVar[Played]

    def do_GET(self) -> None:
        self._send({"models": [{"model": "played:7b", "name": "played:7b"}]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])) or b"{}")
        if self.path == "/api/chat":
            self._send(self.model.chat(body))
        else:
            info = {"general.architecture": "qwen2", "qwen2.context_length": 32_768}
            self._send({"model_info": info, "capabilities": ["completion", "tools"], "details": {}})

    def _send(self, value: object) -> None:
        data = json.dumps(value).encode() + b"\n"
        self.send_response(200)
        self.send_header("content-type", "application/x-ndjson")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the test's output is the command's."""


def _doctor(model: str) -> int:
    return doctor.run(argparse.Namespace(model=model))


@pytest.mark.long
def test_a_model_that_can_do_everything_gets_the_loop_and_every_role(
    serve: Callable[[Played], Played], state_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    played = serve(Played(faultless))
    assert _doctor(MODEL) == 0
    known = read_capability(state_dir, MODEL)
    assert known is not None
    assert [result for result in known.results if not result.passed] == []
    assert (known.mode, known.in_json, known.context_tokens, known.master) == ("tools", True, None, True)
    assert set(known.roles) == {"backend", "testing", "frontend", "devops", "documentation"}
    assert played.asked == [task.id for task in micro_tasks()]
    assert "passed    22 of 22" in capsys.readouterr().out


@pytest.mark.long
def test_a_small_model_gets_fences_the_context_that_it_reads_and_the_roles_that_it_fills(
    serve: Callable[[Played], Played], state_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(Played(small, window=24_000))
    assert _doctor(MODEL) == 0
    known = read_capability(state_dir, MODEL)
    assert known is not None
    assert (known.mode, known.in_json, known.context_tokens, known.master) == ("fences", False, 8_192, False)
    assert set(known.roles) == {"backend", "frontend", "documentation"}
    assert known.fits("api")
    assert not known.fits("testing")
    said = capsys.readouterr().out
    assert "one answer of fenced files, without tools; files come as fenced blocks alone" in said
    assert "context-16k" in said


@pytest.mark.parametrize(
    ("model", "said"),
    [("simulator", "name a real model"), ("ollama:absent:1b", "ollama pull absent:1b")],
)
def test_a_model_that_cannot_be_asked_is_refused_with_the_next_step(
    serve: Callable[[Played], Played], capsys: pytest.CaptureFixture[str], model: str, said: str
) -> None:
    serve(Played(faultless))
    assert _doctor(model) == 2
    assert said in capsys.readouterr().err
