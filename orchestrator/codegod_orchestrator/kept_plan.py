"""plan.yaml in the branch of a change: brought up to date in a result of ours, as it was in any other repository."""

from __future__ import annotations

from codegod_kit.plan import Plan, dump_plan, parse_plan
from codegod_orchestrator.contract_files import PLAN_FILE
from codegod_orchestrator.merged_plan import merged_plan
from codegod_orchestrator.planning import lasting
from codegod_orchestrator.revisions import text_at
from codegod_orchestrator.surveying import BASE_REF, Ground
from codegod_orchestrator.toolset import Desk

MAIN_REF = "refs/heads/main"


async def keep_plan(desk: Desk, change: Plan, ground: Ground, build: str) -> None:
    """Commit plan.yaml to `main` as the branch is to have it, if it is otherwise there now."""
    before = await text_at(desk, BASE_REF, PLAN_FILE)
    wanted = before
    if ground.survey.ours and before:
        wanted = dump_plan(lasting(merged_plan(parse_plan(before), change)))
    if wanted == await text_at(desk, MAIN_REF, PLAN_FILE):
        return
    if wanted is None:
        await desk.call("sandbox.file_delete", {"path": PLAN_FILE})
    else:
        await desk.call("sandbox.file_write", {"path": PLAN_FILE, "content": wanted})
    arguments = {
        "message": f"Keep {PLAN_FILE} up to date",
        "ref": MAIN_REF,
        "trailers": [f"Build-Id: {build}"],
    }
    await desk.call("git.git_commit", arguments)
