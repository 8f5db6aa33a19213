"""A journal with a build that has come as far as its tasks, and a model server that never answers."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from codegod_kit.plan import Plan
from codegod_orchestrator.doors.settings import Settings
from codegod_orchestrator.evidence import Evidence, TestSeen
from codegod_orchestrator.journal import Build, ClaimedBuild, Journal
from codegod_orchestrator.options import BuildOptions

PLAN = Plan.model_validate(
    {
        "name": "demo",
        "skeleton": ["pyproject.toml"],
        "tasks": [
            {"id": "storage", "type": "database", "title": "Storage", "files": ["src/storage.py"]},
            {
                "id": "api",
                "type": "api",
                "title": "Routes",
                "files": ["src/api.py"],
                "depends": ["storage"],
            },
        ],
    }
)


class Begun:
    """Brings builds to the state in which their tasks run."""

    plan = PLAN
    green = Evidence(
        tree="tree-1",
        level="bubblewrap",
        tests=(TestSeen(id="tests/test_storage.py::test_it", outcome="passed"),),
    )

    async def create(self, journal: Journal, prompt: str = "Make a demo", out: str = "/out") -> Build:
        options = BuildOptions(master="ollama:silent", ladder=("ollama:silent",))
        return await journal.create_build(prompt, out=out, options=options.model_dump(mode="json"))

    async def up_to_tasks(self, claimed: ClaimedBuild) -> None:
        await claimed.save_plan(self.plan)
        await claimed.advance("contracting")
        await claimed.save_contract("contract-1", "tree-0", self.green)
        await claimed.advance("running")


@pytest.fixture
def begun() -> Begun:
    return Begun()


@pytest.fixture
def settings(state_dir: Path) -> Settings:
    return Settings(state_dir, {"PATH": "/usr/bin:/bin"})


@pytest.fixture
async def journal(settings: Settings) -> AsyncIterator[Journal]:
    async with Journal.open(settings.journal) as opened:
        yield opened


class SilentModels:
    """An Ollama on loopback that has one model, and takes every question without ever answering it."""

    def __init__(self) -> None:
        self.url = ""
        self.asked = asyncio.Event()

    @property
    def environment(self) -> Mapping[str, str]:
        return {"OLLAMA_HOST": self.url, "WORKER_MODEL": "ollama:silent", "CODEGOD_NUM_CTX": "131072"}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                path = head.split(b" ")[1].decode()
                length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                await reader.readexactly(int(length[0].partition(b":")[2])) if length else b""
                if path == "/api/chat":
                    self.asked.set()
                    await reader.read()  # until whoever asked has gone
                    return
                body = json.dumps(self._page(path)).encode()
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # whoever asked has gone
        finally:
            writer.close()

    def _page(self, path: str) -> dict[str, Any]:
        pages: dict[str, dict[str, Any]] = {
            "/api/tags": {"models": [{"model": "silent:latest", "name": "silent:latest"}]},
            "/api/show": {
                "details": {},
                "model_info": {"silent.context_length": 131072},
                "capabilities": ["completion"],
            },
        }
        return pages.get(path, {"version": "0.12.0"})


@pytest.fixture
async def silent() -> AsyncIterator[SilentModels]:
    models = SilentModels()
    server = await asyncio.start_server(models.serve, "127.0.0.1", 0)
    models.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield models
