"""Reads files as they stand in a commit."""

from __future__ import annotations

from codegod_orchestrator.toolset import Desk


async def text_at(desk: Desk, revision: str, path: str) -> str | None:
    """The whole text of `path` in `revision`, however many pages it has; None when it is not there."""
    pages: list[str] = []
    cursor = ""
    while True:
        arguments = {"revision": revision, "path": path, "cursor": cursor}
        page = await desk.maybe("git.git_show", arguments)
        if page is None or not page.data:
            return None
        pages.append(str(page.data.get("text", "")))
        cursor = str(page.data.get("next_cursor") or "")
        if not cursor:
            return "".join(pages)
