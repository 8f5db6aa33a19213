"""The tool `app_check`: the application started in the sandbox, and tests that see it from outside."""

import json
import re
import shlex
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import anyio
from mcp.server import MCPServer
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from pydantic import BaseModel, Field

from codegod_kit import ToolFault, Workspaces, seconds_left
from codegod_kit.beneath import PathRefused, names_of
from codegod_sandbox.checks.bench import Bench, last_words
from codegod_sandbox.checks.lines import Nonce
from codegod_sandbox.checks.records import CheckReport, Done, Finding, StageReport, TestResult
from codegod_sandbox.checks.suite_stage import judged
from codegod_sandbox.checks.tool import SELECTED_TESTS, NoEnvironment, TooManyTests
from codegod_sandbox.environments import Environments
from codegod_sandbox.execution import Sandbox
from codegod_sandbox.files.places import Workspace
from codegod_sandbox.files.shown import shown
from codegod_sandbox.languages.kits import own_go
from codegod_sandbox.languages.npm import Node
from codegod_sandbox.languages.spoken import survey
from codegod_sandbox.spec import ENV, FILES, RunResult, mounted

_TIMEOUT_SECONDS: Final = 600.0
# Two programs run beside each other: the application, and its tests with what they start themselves.
_MEMORY_BYTES: Final = 2 << 30
# A test from outside may start a process and wait for it.
_TEST_SECONDS: Final = 60.0
# A Python web framework on a busy machine takes a few seconds to import; nothing takes this long and then works.
_START_SECONDS: Final = 30.0
_COMPILE_SECONDS: Final = 120.0  # `go run` compiles what its cache does not have
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_NO_LOOPBACK: Final = (
    "this sandbox has no loopback, so nothing was started; with bubblewrap installed it would be"
)
_LOG_CHARS: Final = 4_000
_TOLD_FINDINGS: Final = 20


class BadAppCommand(ToolFault):
    """The text is no command line."""

    def __init__(self, command: str, why: str) -> None:
        super().__init__(
            f"{command!r} cannot start an application: {why}. Write one command without a shell, e.g. "
            "'python -m todo --port {port}' for a server, or 'python -m wordcount' for a command-line tool."
        )
        self.command = command


class BadAppTest(ToolFault):
    """The text selects no test from outside."""

    def __init__(self, test: str) -> None:
        super().__init__(
            f"{test!r} selects no test in a folder of its own. Give e.g. 'acceptance/test_api.py::test_create'."
        )
        self.test = test


class AppSeen(BaseModel):
    """What became of the application's own process."""

    started: bool = Field(description="Whether it ran and answered; false when there was nothing to start")
    health: str = Field(
        description="What it answered, or why it did not; empty when nothing was to be started"
    )
    log: str = Field(description="The end of what it wrote")
    tried: bool = Field(default=True, description="False where the sandbox has no loopback to serve on")


class AppReport(CheckReport):
    """A check whose tests saw the running application from outside."""

    app: AppSeen


@dataclass(frozen=True, slots=True)
class _App:
    command: str
    health: str

    @property
    def serves(self) -> bool:
        return "{port}" in self.command

    @property
    def program(self) -> str:
        """The first word that is no variable."""
        return next((word for word in shlex.split(self.command) if not _VARIABLE.match(word)), "")


@dataclass(frozen=True, slots=True)
class _Kit:
    """The tools that a run gets beside Python: which, where they lie, and what they are told of where things are."""

    name: str = ""
    folder: Path | None = None
    arguments: tuple[str, ...] = ()


def register_app_check(
    server: MCPServer[Any], workspaces: Workspaces, sandbox: Sandbox, environments: Environments
) -> None:
    """Add `app_check` to `server`."""

    @server.tool(
        annotations=ToolAnnotations(
            read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        )
    )
    async def app_check(
        workspace: Workspace = "",
        command: Annotated[
            str,
            Field(description="What starts the application, e.g. `python -m todo --port {port}`; or empty"),
        ] = "",
        health: Annotated[
            str, Field(description="Path that answers below 500 when it is up, e.g. `/health`")
        ] = "",
        tests: Annotated[
            list[str],
            Field(
                description="Tests from outside, in a folder of their own, e.g. `['acceptance/test_api.py']`"
            ),
        ] = [],  # noqa: B006 - schema
        timeout_s: Annotated[
            float, Field(gt=0, le=_TIMEOUT_SECONDS, description="Seconds for everything")
        ] = 120,
    ) -> Annotated[CallToolResult, AppReport]:
        """Start the application on loopback, wait for its health, run tests against it (APP_URL, APP_COMMAND), stop it.

        Example: app_check(command="python -m todo --port {port}", health="/health", tests=["acceptance/test_api.py"])
        """
        tree = workspaces.path(workspace)
        app = _App(command.strip(), health.strip())
        _check_command(app)
        if len(tests) > SELECTED_TESTS:
            raise TooManyTests(len(tests))
        wanted = tuple(map(_selected, tests))
        env = await environments.find(tree)
        if env is None:
            raise NoEnvironment
        deadline = time.monotonic() + seconds_left(timeout_s)
        seen = await anyio.to_thread.run_sync(survey, tree)
        bench = Bench(sandbox, tree, env, {}, wanted, deadline, seen, environments.kits)
        return _result(await _run(bench, app, _kit_for(bench, app)))


def _kit_for(bench: Bench, app: _App) -> _Kit:
    """Go's tools for a command of Go, JavaScript's where there is some; of what is not there, nothing."""
    kits, env = bench.kits, ENV if bench.env else ""
    if kits is None:
        return _Kit()
    if app.program == "go" and (folder := kits.find("go")) is not None:
        own = own_go(kits.settings.environment)
        root = str(own) if own is not None else f"{mounted('kit')}/go"
        return _Kit("go", folder, (mounted("kit"), env, root))
    if (
        "javascript" in bench.survey.languages
        and isinstance(kits.node, Node)
        and (folder := kits.find("js")) is not None
    ):
        return _Kit("js", folder, (mounted("kit"), env, FILES, str(kits.node.node)))
    return _Kit()


def _check_command(app: _App) -> None:
    try:
        words = shlex.split(app.command)
    except ValueError as error:
        raise BadAppCommand(app.command, str(error).lower()) from error
    if app.command and not words:
        raise BadAppCommand(app.command, "it names no program")
    if not app.command.isprintable():
        raise BadAppCommand(app.command, "it holds characters that are none")
    if app.health and not (app.serves and app.health.startswith("/") and app.health.isprintable()):
        raise BadAppCommand(
            app.command, f"the health path {app.health!r} needs a '{{port}}' in it and begins with '/'"
        )


def _selected(test: str) -> str:
    path, colons, name = test.strip().partition("::")
    try:
        place = "/".join(names_of(path))
    except PathRefused as error:
        raise BadAppTest(test) from error
    # In a folder of their own, so that the application's copy can do without them.
    if place.startswith("-") or "/" not in place or not test.isprintable():
        raise BadAppTest(test)
    return f"{place}{colons}{name}"


async def _run(bench: Bench, app: _App, kit: _Kit) -> AppReport:
    nonce = Nonce()
    request = {
        "nonce": nonce.word,
        "env": True,
        "tests": list(bench.tests),
        "test_seconds": min(_TEST_SECONDS, max(1.0, bench.seconds_left * 0.8)),
        "command": app.command,
        "health": app.health,
        "start_seconds": min(
            _COMPILE_SECONDS if kit.name == "go" else _START_SECONDS, max(1.0, bench.seconds_left * 0.5)
        ),
        "kit": kit.name,
    }
    result = await bench.run(
        "run_app",
        *kit.arguments,
        stdin=json.dumps(request).encode(),
        site=True,
        memory_bytes=_MEMORY_BYTES,
        kit=kit.folder,
    )
    seen = _seen(nonce, result)
    if app.serves and seen.tried and not seen.started:
        return _not_started(bench, seen, result)
    done = judged(nonce, result) if bench.tests else Done(skipped="no tests were asked for")
    return _report(done, seen, result)


def _seen(nonce: Nonce, result: RunResult) -> AppSeen:
    for line in nonce.lines(result):
        if line["kind"] == "app":
            log = shown_text(str(line["log"]))
            return AppSeen(started=bool(line["started"]), health=shown(str(line["health"])), log=log)
        if line["kind"] == "unreachable":
            return AppSeen(started=False, health=_NO_LOOPBACK, log="", tried=False)
    return AppSeen(started=False, health="", log="")


def shown_text(text: str) -> str:
    """The end of a log as lines that are safe to show."""
    return "\n".join(shown(line) for line in text.splitlines())[-_LOG_CHARS:]


def _not_started(bench: Bench, seen: AppSeen, result: RunResult) -> AppReport:
    """Nothing was seen of any behaviour: each test says why."""
    why = seen.health or f"the run ended before it was up ({last_words(result)})"
    said = [line for line in seen.log.splitlines() if line.strip()]
    message = f"The application did not start: {why}{f'; its last words: {said[-1][:300]}' if said else ''}"
    finding = Finding(stage="tests", path="", line=0, rule="app-start", message=message)
    tests = tuple(
        TestResult(id=test, outcome="error", reason="error", message=message) for test in bench.tests
    )
    return _report(
        Done((finding,), tests=tests, seconds=result.seconds),
        seen.model_copy(update={"health": why}),
        result,
    )


def _report(done: Done, seen: AppSeen, result: RunResult) -> AppReport:
    stage = StageReport(
        name="tests", status=done.status, seconds=round(result.seconds, 3), note=done.skipped or done.note
    )
    return AppReport(
        ok=done.status != "failed",
        stages=[stage],
        findings=list(done.findings),
        advice=[],
        tests=list(done.tests),
        level=result.level,
        app=seen,
    )


def _result(report: AppReport) -> CallToolResult:
    return CallToolResult(
        content=[TextContent(type="text", text="\n".join(_told(report)))],
        structured_content=report.model_dump(mode="json"),
    )


def _told(report: AppReport) -> Iterator[str]:
    """The report for a reader: a verdict, the application, what failed."""
    yield "The check passed." if report.ok else "The check failed."
    if report.app.health:
        yield f"The application {'was up' if report.app.started else 'was not up'}: {report.app.health}"
    yield f"{_passed(report.tests)} of {len(report.tests)} tests passed."
    for finding in report.findings[:_TOLD_FINDINGS]:
        yield f"- {finding.message}"
    if report.app.log and not report.ok:
        yield f"The end of the application's log:\n{report.app.log}"


def _passed(tests: Sequence[TestResult]) -> int:
    return sum(test.outcome == "passed" for test in tests)
