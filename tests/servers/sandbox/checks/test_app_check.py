"""The tool `app_check`: a server is started beside its tests, and a command is run by them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp_types import CallToolResult

from codegod_kit import ServerSettings, Workspaces, tool_server
from codegod_sandbox.app_tools import register_app_check
from codegod_sandbox.execution import Sandbox

from .conftest import said

SERVER = """\
import http.server
import sys
import urllib.parse
from pathlib import Path


class Handler(http.server.BaseHTTPRequestHandler):
    words = []

    def do_GET(self):
        self.words.append(urllib.parse.urlparse(self.path).query)
        self.send_response({"/broken": 500}.get(self.path, 200))
        self.end_headers()
        self.wfile.write(" ".join([*self.words, *(path.name for path in Path(".").iterdir())]).encode())


if __name__ == "__main__":
    print("serving", sys.argv[1], flush=True)
    http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
TESTS = """\
import os
import urllib.request


def read(query=""):
    with urllib.request.urlopen(os.environ["APP_URL"] + query) as answer:
        return answer.read().decode().split()


def test_a_word_is_kept():
    read("/?apple")
    assert "apple" in read()


def test_the_application_does_not_see_its_tests():
    assert "src" in read()
    assert "acceptance" not in read()


def test_it_sings():
    assert "la" in read()
"""
COMMAND_TESTS = """\
import os
import shlex
import subprocess


def test_the_words_come_back():
    done = subprocess.run([*shlex.split(os.environ["APP_COMMAND"]), "a", "b"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (3, "a b\\n")
"""
PROJECT = {
    "pyproject.toml": '[project]\nname = "echo"\nversion = "1"\n\n[project.scripts]\necho-words = "echo.tool:main"\n',
    "src/echo/__init__.py": "",
    "src/echo/server.py": SERVER,
    "src/echo/tool.py": "import sys\n\n\ndef main():\n    print(*sys.argv[1:])\n    return 3\n\n\nif __name__ == '__main__':\n    sys.exit(main())\n",
    "acceptance/test_echo.py": TESTS,
    "acceptance/test_words.py": COMMAND_TESTS,
    # A project's own conftest could bend any outcome; it is no part of a look from outside.
    "conftest.py": "raise RuntimeError('never loaded')\n",
}
START = "python -m echo.server {port}"

Check = Callable[..., Awaitable[CallToolResult]]


@pytest.fixture
def level() -> str:
    """The sandbox's level; a test may ask for another."""
    return "bubblewrap"


@pytest.fixture
async def check(checker: Any, shared_state: Path, level: str) -> AsyncIterator[Check]:
    """Calls the tool on the project."""
    checker.write(PROJECT)
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "CODEGOD_SANDBOX": level}
    settings = ServerSettings(root=checker.root, state=shared_state, environment=environment)
    server = tool_server("sandbox", settings, instructions="Applications of a test.")
    register_app_check(server, Workspaces(settings), Sandbox(settings), checker.environments)
    async with Client(server) as client:

        async def call(more: Mapping[str, str] | None = None, **arguments: Any) -> CallToolResult:
            checker.write(more or {})
            with anyio.fail_after(90):
                return await client.call_tool("app_check", arguments)

        yield call


def data(result: CallToolResult) -> dict[str, Any]:
    assert not result.is_error, said(result)
    return result.structured_content or {}


def outcomes(result: CallToolResult) -> dict[str, str]:
    return {test["id"].partition("::")[2]: test["outcome"] for test in data(result)["tests"]}


async def test_a_server_is_started_seen_from_outside_and_stopped(check: Check) -> None:
    result = await check(command=START, health="/up", tests=["acceptance/test_echo.py"])
    assert outcomes(result) == {
        "test_a_word_is_kept": "passed",
        "test_the_application_does_not_see_its_tests": "passed",
        "test_it_sings": "failed",
    }
    assert data(result)["ok"] is False
    app = data(result)["app"]
    assert (app["started"], app["health"]) == (True, "GET /up: 200")
    assert app["log"].startswith("serving ")


@pytest.mark.parametrize("command", ["python -m echo.tool", "echo-words", "LOUD=1 python -m echo.tool"])
async def test_a_command_line_tool_is_run_by_its_tests(check: Check, command: str) -> None:
    result = await check(command=command, tests=["acceptance/test_words.py::test_the_words_come_back"])
    assert outcomes(result) == {"test_the_words_come_back": "passed"}
    assert data(result)["ok"] is True
    assert data(result)["app"] == {"started": False, "health": "", "log": "", "tried": True}


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("python -m echo.nothing {port}", "it ended with status 1 before it answered"),
        ("no-such-program {port}", "cannot be run: No such file"),
    ],
)
async def test_what_does_not_start_proves_nothing(check: Check, command: str, why: str) -> None:
    result = await check(command=command, tests=["acceptance/test_echo.py::test_a_word_is_kept"])
    assert outcomes(result) == {"test_a_word_is_kept": "error"}
    assert why in said(result)
    assert data(result)["app"]["started"] is False


@pytest.mark.parametrize("level", ["landlock"])
async def test_without_a_loopback_nothing_is_started_and_other_tests_run_all_the_same(check: Check) -> None:
    tests = {
        "acceptance/test_inside.py": "def test_it_is_imported():\n    import echo\n    assert echo.__name__ == 'echo'\n"
    }
    result = await check(
        more=tests, command=START, tests=["acceptance/test_inside.py", "acceptance/test_echo.py"]
    )
    assert outcomes(result)["test_it_is_imported"] == "passed"
    assert outcomes(result)["test_a_word_is_kept"] == "failed"
    assert (data(result)["app"]["started"], data(result)["app"]["tried"]) == (False, False)
    assert "has no loopback" in said(result)


@pytest.mark.long
async def test_a_health_check_that_fails_is_no_health(check: Check) -> None:
    result = await check(command=START, health="/broken", timeout_s=4)
    assert data(result)["ok"] is False
    assert "GET /broken: 500" in data(result)["app"]["health"]


async def test_without_tests_the_health_alone_is_seen(check: Check) -> None:
    result = await check(command=START)
    assert data(result)["ok"] is True
    assert data(result)["app"]["started"] is True


async def test_a_test_that_is_not_there_is_not_proved(check: Check) -> None:
    result = await check(
        command=START, tests=["acceptance/test_echo.py::test_it_flies", "acceptance/test_no.py"]
    )
    assert data(result)["ok"] is False
    assert set(outcomes(result).values()) == {"error"}


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"command": "python 'x {port}"}, "no closing quotation"),
        ({"command": "python -m a", "health": "/up"}, "needs a '{port}'"),
        ({"command": START, "health": "up"}, "begins with '/'"),
        ({"tests": ["test_echo.py"]}, "a folder of its own"),
        ({"tests": ["../acceptance/test_echo.py"]}, "a folder of its own"),
    ],
)
async def test_what_cannot_be_started_or_run_is_said(
    check: Check, arguments: dict[str, Any], why: str
) -> None:
    result = await check(**arguments)
    assert result.is_error
    assert why in said(result)
