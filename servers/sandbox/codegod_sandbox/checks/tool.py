"""The tool `check_run`."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import anyio
from mcp.server import MCPServer
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from pydantic import Field

from codegod_kit import ToolFault, Workspaces, seconds_left
from codegod_kit.beneath import Beneath, PathRefused, names_of
from codegod_sandbox.checks.baseline_tests import test_files
from codegod_sandbox.checks.bench import Bench
from codegod_sandbox.checks.pipeline import run_all, run_some
from codegod_sandbox.checks.records import CheckReport, StageName
from codegod_sandbox.environments import Environments
from codegod_sandbox.execution import Sandbox
from codegod_sandbox.files.places import Workspace
from codegod_sandbox.languages.spoken import survey

# A model reads the first few; a program reads the data.
_TOLD_FINDINGS: Final = 20
_TIMEOUT_SECONDS: Final = 600.0
SELECTED_TESTS: Final = 500


class NoEnvironment(ToolFault):
    """Tests need the project's packages, and pytest."""

    def __init__(self) -> None:
        super().__init__(
            "The packages of this project are not installed. Call `env_prepare`, then `check_run` again."
        )


class BadTest(ToolFault):
    """The text selects no test."""

    def __init__(self, test: str) -> None:
        super().__init__(
            f"{test!r} selects no test. Give a path or a test, e.g. 'tests/test_app.py::test_add', or '.' for all."
        )
        self.test = test


class TooManyTests(ToolFault):
    """More single tests than a command line takes."""

    def __init__(self, count: int) -> None:
        super().__init__(
            f"{count} tests are selected; {SELECTED_TESTS} is the most. Name their files, or '.' for all."
        )


def register_checks(
    server: MCPServer[Any], workspaces: Workspaces, sandbox: Sandbox, environments: Environments
) -> None:
    """Add `check_run` to `server`."""

    @server.tool(
        annotations=ToolAnnotations(
            read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        )
    )
    async def check_run(
        workspace: Workspace = "",
        tests: Annotated[
            list[str],
            Field(description="Tests to run, e.g. `['tests/test_app.py']`; `['.']` is all, `[]` none"),
        ] = [],  # noqa: B006 - schema
        paths: Annotated[
            list[str],
            Field(description="Files that findings are wanted for, e.g. `['src/app.py']`; `[]` is all"),
        ] = [],  # noqa: B006 - schema
        baseline: Annotated[
            str, Field(description="Workspace as it was before, to see deleted tests; or empty")
        ] = "",
        stages: Annotated[
            list[StageName],
            Field(description="`[]` is all in order; else exactly these, e.g. `['syntax', 'tests']`"),
        ] = [],  # noqa: B006 - schema
        timeout_s: Annotated[
            float, Field(gt=0, le=_TIMEOUT_SECONDS, description="Seconds for everything")
        ] = 120,
    ) -> Annotated[CallToolResult, CheckReport]:
        """Check the project: syntax, rules, lint, types, imports, then the wanted tests. Says where what is wrong.

        Example: check_run(tests=["."])
        """
        tree = workspaces.path(workspace)
        wanted = _selected(tests)
        env = await _environment(
            environments, tree, needed=bool(wanted) and (not stages or "tests" in stages)
        )
        before = await _before(workspaces, baseline) if baseline else {}
        deadline = time.monotonic() + seconds_left(timeout_s)
        seen = await anyio.to_thread.run_sync(survey, tree)
        bench = Bench(sandbox, tree, env, before, wanted, deadline, seen, environments.kits)
        places = [_relative(path) for path in paths]
        missing = await anyio.to_thread.run_sync(_missing, tree, places)
        if stages:
            return _result(await run_some(bench, stages, places, missing))
        return _result(await run_all(bench, places, missing))


async def _environment(environments: Environments, tree: Path, *, needed: bool) -> Path | None:
    try:
        env = await environments.find(tree)
    except ToolFault:
        # The manifest is not one; without tests the stages say so better.
        if needed:
            raise
        return None
    if env is None and needed:
        raise NoEnvironment
    return env


async def _before(workspaces: Workspaces, baseline: str) -> dict[str, str]:
    folder = workspaces.path(baseline)

    def read() -> dict[str, str]:
        with Beneath(folder) as files:
            return test_files(files)

    return await anyio.to_thread.run_sync(read)


def _selected(tests: Sequence[str]) -> tuple[str, ...]:
    selected = []
    if len(tests) > SELECTED_TESTS:
        raise TooManyTests(len(tests))
    for test in tests:
        path, colons, name = test.strip().partition("::")
        try:
            place = _relative(path) or "."
        except PathRefused as error:
            raise BadTest(test) from error
        if place.startswith("-") or not (path and test.isprintable()):
            raise BadTest(test)
        selected.append(f"{place}{colons}{name}")
    return tuple(selected)


def _relative(path: str) -> str:
    return "/".join(names_of(path.removeprefix("/workspace/")))


def _missing(tree: Path, paths: Sequence[str]) -> list[str]:
    with Beneath(tree) as files:
        return [path for path in paths if not files.exists(path)]


def _result(report: CheckReport) -> CallToolResult:
    text = "\n".join(_told(report))
    return CallToolResult(
        content=[TextContent(type="text", text=text)], structured_content=report.model_dump(mode="json")
    )


def _told(report: CheckReport) -> Iterator[str]:
    """The report for a reader: a verdict, the stages, the findings."""
    yield "The check passed." if report.ok else "The check failed."
    yield "; ".join(
        f"{stage.name} {stage.status}{f' ({stage.note})' if stage.note else ''}" for stage in report.stages
    )
    if report.tests:
        passed = sum(test.outcome == "passed" for test in report.tests)
        yield f"{passed} of {len(report.tests)} tests passed"
    for finding in report.findings[:_TOLD_FINDINGS]:
        place = f"{finding.path}:{finding.line}" if finding.line else finding.path
        yield f"{place} [{finding.rule}] {finding.message}".strip()
    if len(report.findings) > _TOLD_FINDINGS:
        yield f"[{len(report.findings) - _TOLD_FINDINGS} more findings]"
