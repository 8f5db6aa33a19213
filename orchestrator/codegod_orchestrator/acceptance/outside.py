"""Tests from outside, on the tree at a desk: against the application where one is started, else against the library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from codegod_orchestrator.toolset import Desk
from codegod_workers.worker import ToolRefused

ENVIRONMENT_SECONDS = 600.0  # a first download of a web framework over a slow line
RUN_SECONDS = 300.0  # a dozen tests with processes of their own, on a busy machine


async def seen_from_outside(
    desk: Desk, start: str, health: str, tests: Sequence[str], *, library: bool
) -> Mapping[str, Any]:
    """What `tests` report; a tool that refuses is the one finding.

    Of a `library` they import the project itself, before anything of the same name that its environment holds.
    """
    try:
        await desk.call("sandbox.env_prepare", {}, within=ENVIRONMENT_SECONDS)
        if library:
            asked: dict[str, Any] = {"stages": ["tests"], "tests": list(tests), "timeout_s": RUN_SECONDS}
            return (await desk.call("sandbox.check_run", asked, within=RUN_SECONDS + 30)).data or {}
        asked = {"command": start, "health": health, "tests": list(tests), "timeout_s": RUN_SECONDS}
        return (await desk.call("sandbox.app_check", asked, within=RUN_SECONDS + 30)).data or {}
    except ToolRefused as fault:
        return {"findings": [{"message": fault.text}]}
