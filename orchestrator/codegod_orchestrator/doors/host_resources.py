"""A build as resources: its state, its last events, and what it proved."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ResourceNotFoundError

from codegod_kit import RESULT_LIMIT_BYTES
from codegod_orchestrator.doors.host_answers import events_of, status_of
from codegod_orchestrator.doors.host_state import hosted
from codegod_orchestrator.doors.runs import Runs
from codegod_orchestrator.journal import UnknownBuild
from codegod_orchestrator.reports.report import evidence_document

DETAILS = (
    "tool_calls",
    "model_calls",
    "calls_made",
    "stages",
    "findings",
    "tests",
)  # the least telling first
WHOLE = "too long for one resource; `codegod report --json` has all of it"


def add_resources(server: MCPServer[Any]) -> None:
    """Give `server` the resources below `build://{build}`."""

    async def read(ctx: Context[Any, Any], build: str, show: Callable[[Runs, str], Any]) -> str:
        try:
            shown = await show(hosted(ctx).runs, build)
        except UnknownBuild as fault:
            raise ResourceNotFoundError(
                f"No build is called {build!r}. Call build_list() to see them."
            ) from fault
        return bounded(shown) if isinstance(shown, dict) else newest(shown)

    @server.resource("build://{build}", mime_type="application/json")
    async def build_state(build: str, ctx: Context[Any, Any]) -> str:
        """The state of a build and its tasks."""

        async def status(runs: Runs, build: str) -> dict[str, Any]:
            return (await status_of(runs, build)).model_dump(mode="json")

        return await read(ctx, build, status)

    @server.resource("build://{build}/events", mime_type="application/json")
    async def build_events(build: str, ctx: Context[Any, Any]) -> str:
        """The last events of a build, long texts cut."""
        return await read(ctx, build, events_of)

    @server.resource("build://{build}/evidence", mime_type="application/json")
    async def build_evidence(build: str, ctx: Context[Any, Any]) -> str:
        """What a build proved, task by task, and what it did not."""

        async def evidence(runs: Runs, build: str) -> dict[str, Any]:
            return await evidence_document(runs.journal, build)

        return await read(ctx, build, evidence)


def bounded(document: dict[str, Any]) -> str:
    """`document` as JSON of `RESULT_LIMIT_BYTES` at most: what is too long goes without its details, and says so."""
    left_out: list[str] = []
    for detail in DETAILS:
        if _fits(text := _written(document)):
            return text
        left_out.append(detail)
        document = {**_without(document, detail), "left_out": f"{', '.join(left_out)}: {WHOLE}"}
    text = _written(document)
    return text if _fits(text) else _written({"left_out": f"everything: {WHOLE}"})


def newest(events: Sequence[dict[str, Any]]) -> str:
    """The last of `events` as JSON of `RESULT_LIMIT_BYTES` at most; their numbers tell where it begins."""
    while not _fits(text := _written(events)) and events:
        events = events[len(events) // 2 + 1 :]
    return text


def _written(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1, default=str)


def _fits(text: str) -> bool:
    return len(text.encode("utf-8", "replace")) <= RESULT_LIMIT_BYTES


def _without(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {key: _without(inner, name) for key, inner in value.items() if key != name}
    return [_without(inner, name) for inner in value] if isinstance(value, list) else value
