"""What the hidden tests of a change say before it: a test that passes already is no sign that anything was done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import anyio

from codegod_orchestrator.acceptance.answer import AcceptanceAnswer, is_test_path
from codegod_orchestrator.acceptance.outside import seen_from_outside
from codegod_orchestrator.acceptance.run import behaviours_seen
from codegod_orchestrator.toolset import Toolset, fresh_tree

BEFORE_TREE = "acceptance.before"


@dataclass(frozen=True, slots=True)
class AcceptanceBefore:
    """Runs hidden tests on the repository as it was; `started` is how it is started, where that is fixed."""

    toolset: Toolset
    started: tuple[str, str] = ("", "")

    async def passing(self, answer: AcceptanceAnswer) -> tuple[str, ...]:
        """The ids of the behaviours that are there already."""
        start, health = self.started if self.started[0] else (answer.wanted.start, answer.wanted.health)
        tests = [path for path in answer.files if is_test_path(path)]
        if not tests:
            return ()
        report = await self._run(answer.files, start, health, tests)
        return tuple(one.id for one in behaviours_seen(answer.wanted.behaviours, report) if one.proved)

    async def _run(
        self, files: Mapping[str, str], start: str, health: str, tests: list[str]
    ) -> Mapping[str, object]:
        desk = await self.toolset.finishing(BEFORE_TREE)
        await fresh_tree(desk, revision="")
        try:
            for path, text in files.items():
                await desk.call("sandbox.file_write", {"path": path, "content": text})
            return await seen_from_outside(desk, start, health, tests, library=not start)
        finally:
            with anyio.CancelScope(shield=True):
                await desk.maybe("git.worktree_remove", {})
