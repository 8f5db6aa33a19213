"""Black-box tests of somebody else's on what a build has made: in the sandbox, on a tree of their own."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from codegod_kit.plan import Behaviour, parse_plan
from codegod_orchestrator.acceptance.answer import is_test_path
from codegod_orchestrator.acceptance.run import RUN_SECONDS, BehaviourSeen, behaviours_seen
from codegod_orchestrator.contract import ENVIRONMENT_SECONDS, MAIN_REF
from codegod_orchestrator.doors.engine import Engine
from codegod_orchestrator.journal import Build
from codegod_orchestrator.toolset import Desk, Toolset, fresh_tree
from codegod_workers.worker import ToolRefused

HIDDEN_TREE = "hidden"


async def seen_from_outside(
    engine: Engine, build: Build, behaviours: Sequence[Behaviour], tests: Mapping[str, str]
) -> tuple[BehaviourSeen, ...]:
    """What `tests` see of each behaviour in the application that stands on `main`, started as its plan says.

    A build that has no plan, or nothing on `main`, shows nothing: each of its behaviours is an error.
    """
    if not build.plan:
        return behaviours_seen(behaviours, {"findings": [{"message": "there is no plan"}]})
    plan = parse_plan(build.plan)
    asked = {
        "command": plan.start,
        "health": plan.health,
        "tests": [path for path in tests if is_test_path(path)],
        "timeout_s": RUN_SECONDS,
    }
    async with engine.journal.claim_build(build.id, owner=f"pid {os.getpid()}"):
        desk = await Toolset(engine.mesh, build.id, engine.facts.sandbox_level).finishing(HIDDEN_TREE)
        try:
            report = await _report(desk, tests, asked)
        except ToolRefused as fault:
            report = {"findings": [{"message": fault.text}]}
        await desk.maybe("git.worktree_remove", {})
    return behaviours_seen(behaviours, report)


async def _report(desk: Desk, tests: Mapping[str, str], asked: Mapping[str, Any]) -> Mapping[str, Any]:
    await fresh_tree(desk, revision=MAIN_REF)
    for path, text in tests.items():
        await desk.call("sandbox.file_write", {"path": path, "content": text})
    await desk.call("sandbox.env_prepare", {}, within=ENVIRONMENT_SECONDS)
    return (await desk.call("sandbox.app_check", asked, within=RUN_SECONDS + 30)).data or {}
