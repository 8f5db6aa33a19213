"""What `main` says about acceptances: its trailers outlive any crash between landing and journal."""

from __future__ import annotations

from codegod_orchestrator.contract import MAIN_REF
from codegod_orchestrator.journal import Landing
from codegod_orchestrator.toolset import Desk

PAGE = 100


async def landings(desk: Desk, build: str) -> dict[str, Landing]:
    """The landing of every attempt of `build` that is on `main`, newest first."""
    found: dict[str, Landing] = {}
    cursor = ""
    while True:
        arguments = {"revision": MAIN_REF, "trailer": f"Build-Id: {build}", "limit": PAGE, "cursor": cursor}
        page = (await desk.call("git.git_log", arguments)).data or {}
        for commit in page.get("commits", ()):
            if attempt := commit["trailers"].get("Attempt-Id"):
                found.setdefault(attempt, Landing(commit["id"], commit["tree"]))
        cursor = str(page.get("next_cursor") or "")
        if not cursor:
            return found
