"""A host has a repository changed: the tool's refusals, and a change that begins."""

import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp_types import CallToolResult, TextContent

from codegod_kit import ServerSettings
from codegod_orchestrator.doors.mcp import build_server
from codegod_orchestrator.doors.settings import Settings

PATIENCE_SECONDS = 60  # opening the servers of a build on a busy machine takes a few seconds


def said(result: CallToolResult) -> str:
    return "\n".join(part.text for part in result.content if isinstance(part, TextContent))


@asynccontextmanager
async def host(settings: Settings, environment: Mapping[str, str]) -> AsyncIterator[Client]:
    settings = Settings(settings.state, {**settings.environment, **environment})
    settings.builds.mkdir(parents=True, exist_ok=True)
    served = ServerSettings(settings.state, settings.state, None, settings.environment)
    async with Client(build_server(settings, served)) as client:
        yield client


def repository(folder: Path) -> Path:
    folder.mkdir()
    (folder / "app.py").write_text("X = 1\n", encoding="utf-8")
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "one"]):
        identity = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org"]
        subprocess.run(["git", *identity, *command], cwd=folder, check=True, timeout=30)
    return folder


@pytest.mark.long
async def test_a_change_begins_and_one_that_cannot_says_what_to_mend(
    settings: Settings, silent: Any, tmp_path: Path
) -> None:
    own = repository(tmp_path / "own")
    models = {"master": "ollama:silent", "worker": "ollama:silent"}
    async with host(settings, silent.environment) as client:
        for folder, words in {
            str(tmp_path / "none"): "is no folder",
            str(tmp_path): "is no git repository",
        }.items():
            answer = await client.call_tool("change_start", {"folder": folder, "prompt": "Mend it", **models})
            assert answer.is_error and words in said(answer), said(answer)
        (own / "mine.txt").touch()
        asked = {"folder": str(own), "prompt": "Mend it", **models}
        answer = await client.call_tool("change_start", asked)
        assert answer.is_error and "mine.txt" in said(answer) and "git stash -u" in said(answer)
        listed = await client.call_tool("build_list", {})
        assert (listed.structured_content or {})["builds"] == []
        (own / "mine.txt").unlink()
        begun = await client.call_tool("change_start", asked)
        assert not begun.is_error, said(begun)
        with anyio.fail_after(PATIENCE_SECONDS):
            await silent.asked.wait()  # the repository is surveyed by then, and the master asked
        again = await client.call_tool("change_start", {**asked, "branch": "codegod/mend-it"})
        assert again.is_error and "another change" in said(again)
