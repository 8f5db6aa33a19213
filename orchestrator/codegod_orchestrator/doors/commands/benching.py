"""Makes the builds of a bench: each run to its end, judged by its project's own tests, counted."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio
from rich.console import Console

from codegod_orchestrator.acceptance.run import BehaviourSeen
from codegod_orchestrator.doors.benched import BenchedBuild
from codegod_orchestrator.doors.commands.running import log_of
from codegod_orchestrator.doors.engine import Engine, Opened
from codegod_orchestrator.doors.hidden import seen_from_outside
from codegod_orchestrator.doors.live import LiveView
from codegod_orchestrator.doors.log_file import logging_to
from codegod_orchestrator.doors.played import PlayedProject
from codegod_orchestrator.options import BuildOptions
from codegod_orchestrator.reports.rates import tallies_of
from codegod_orchestrator.reports.report import Report, read_report
from codegod_orchestrator.spend import Amount
from codegod_orchestrator.states import BUILD_ENDS


@dataclass(frozen=True, slots=True)
class Benching:
    """Makes the builds of one run, one after the other: times are compared, so none shares the machine with another."""

    engine: Engine
    opened: Opened
    options: BuildOptions
    console: Console

    async def builds(self, projects: Sequence[PlayedProject]) -> tuple[BenchedBuild, ...]:
        with tempfile.TemporaryDirectory(prefix="codegod-bench-") as place:
            return tuple([await self._build(project, Path(place)) for project in projects])

    async def _build(self, project: PlayedProject, place: Path) -> BenchedBuild:
        journal = self.engine.journal
        build = await journal.create_build(
            project.prompt,
            out=str(place / project.name),
            options=self.options.model_dump(mode="json"),
        )
        self.console.print(f"[bold]{build.id}[/bold]  {project.name}", highlight=False)
        try:
            await self._run(build.id)
        finally:
            with anyio.CancelScope(shield=True):
                await self._end(build.id)
        report = await read_report(journal, build.id)
        tested = [one for one in project.behaviours if one.test]
        seen = await seen_from_outside(self.engine, report.build, tested, project.tests)
        return _benched(project.name, report, seen)

    async def _run(self, build: str) -> None:
        """Run it to its end while showing what happens."""
        view = LiveView(self.console, self.engine.journal, build)
        with logging_to(log_of(self.engine, build)):
            try:
                async with anyio.create_task_group() as group:
                    group.start_soon(view.follow)
                    await self.engine.run(build, self.opened.models)
                    group.cancel_scope.cancel()
            finally:
                with anyio.CancelScope(shield=True):
                    await view.finish()

    async def _end(self, build: str) -> None:
        """Cancel a build that was interrupted: its place is gone, so nobody can take it up again."""
        journal = self.engine.journal
        if (await journal.build(build)).state in BUILD_ENDS:
            return
        async with journal.claim_build(build, owner=f"pid {os.getpid()}") as claimed:
            await claimed.advance("cancelled", reason="its bench was interrupted")


def _benched(project: str, report: Report, seen: Sequence[BehaviourSeen]) -> BenchedBuild:
    worker = report.spend.by_rung.get(0, Amount())
    return BenchedBuild(
        project=project,
        build=report.build.id,
        state=report.build.state,
        reason=report.build.reason,
        behaviours=len(seen),
        proved=sum(one.proved for one in seen),
        tallies=tallies_of(report.tasks),
        calls=worker.calls,
        tokens=worker.tokens,
        model_seconds=round(worker.seconds, 1),
        seconds=round(report.worked, 1),
        cost=worker.cost,
        unpriced_calls=worker.unpriced_calls,
    )
