"""A host that nobody here wrote, in an environment without any of our packages, has a whole build made over stdio."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

INSTALL_SECONDS = 300
HOST_SECONDS = 170
UV = [sys.executable, "-m", "uv", "--quiet"]
PROMPT = "Write a tiny money library"

# Tools are listed, a build is started and waited for in slices, its report and a resource are read: all that a host does.
HOST = """
import asyncio, json, sys
from fastmcp import Client

async def main(config, asked):
    async with Client(config) as client:
        tools = sorted(tool.name for tool in await client.list_tools())
        started = (await client.call_tool("build_start", asked)).structured_content
        build, cursor, lines, waits = started["build"], 0, [], 0
        while True:
            waits += 1
            news = (await client.call_tool("build_wait", {"build": build, "cursor": cursor})).structured_content
            lines += news["lines"]
            cursor = news["cursor"]
            if news["ended"]:
                break
        report = (await client.call_tool("build_result", {"build": build})).content[0].text
        evidence = json.loads((await client.read_resource(f"build://{build}/evidence"))[0].text)
        unknown = await client.call_tool("build_status", {"build": "b-nothere1"}, raise_on_error=False)
    told = {"tools": tools, "started": started, "news": news, "lines": lines, "report": report, "waits": waits}
    print(json.dumps(told | {"evidence": evidence, "unknown": unknown.content[0].text}))

asyncio.run(main(json.loads(sys.argv[1]), json.loads(sys.argv[2])))
"""


@pytest.fixture
def foreign_python(state_dir: Path) -> Path:
    """The Python of a fresh environment with fastmcp in it, from the index that the user's own tools are set to."""
    home = state_dir / "foreign"
    for command in (["venv", str(home)], ["pip", "install", "--python", str(home), "fastmcp>=4,<5"]):
        made = subprocess.run(
            [*UV, *command], capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )
        assert made.returncode == 0, made.stderr
    return home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


@pytest.mark.long
@pytest.mark.timeout(INSTALL_SECONDS + HOST_SECONDS)
def test_a_foreign_host_has_a_whole_build_made(
    place: Any, project: Callable[..., Path], wrong_amount: Any, git: Any, suite: Any, foreign_python: Path
) -> None:
    out = place.folder / "out"
    server = {
        "command": str(Path(sys.executable).with_name("codegod-orchestrator")),
        "args": ["--root", str(place.folder)],
        "env": place.environment,
    }
    asked = {"prompt": PROMPT, "worker": f"simulator:{project(amount__1=wrong_amount)}", "out": str(out)}
    ran = subprocess.run(
        [str(foreign_python), "-c", HOST, json.dumps({"mcpServers": {"codegod": server}}), json.dumps(asked)],
        env={name: value for name, value in place.environment.items() if name != "PYTHONPATH"},
        cwd=place.folder,
        capture_output=True,
        text=True,
        timeout=HOST_SECONDS,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    told = json.loads(ran.stdout)

    assert {"build_start", "build_wait", "build_result", "plan_preview"} <= set(told["tools"])
    assert told["started"]["simulated"] is True
    assert told["started"]["out"] == str(out)
    assert (told["news"]["state"], told["news"]["ended"]) == ("done", True), told["lines"]
    assert told["waits"] > 1
    assert "  amount.1 sent back" in told["lines"]
    assert "  amount.2 accepted and on main" in told["lines"]
    assert str(out) in told["report"]
    assert "simulated" in told["report"]
    assert {task["task"]: task["state"] for task in told["evidence"]["tasks"]} == dict.fromkeys(
        ("amount", "ledger", "readme"), "accepted"
    )
    assert "build_list" in told["unknown"]
    assert suite(out).returncode == 0
    assert git(out, "status", "--porcelain") == ""
