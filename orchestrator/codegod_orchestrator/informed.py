"""Tools whose checks know what was wrong before a change began, and do not tell it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from codegod_mesh import CallResult, ToolSpec
from codegod_orchestrator.known import Known, failing_elsewhere, told, with_findings, without_known

CHECK: Final = frozenset({"sandbox.check_run", "sandbox__check_run"})
# Each by itself: what was wrong before would end the check before it has come to what is new.
STAGES: Final = ("syntax", "rules", "lint", "types", "imports", "tests")
# The suite of a grown project takes longer than that of an application that was just written.
SUITE_SECONDS = 280.0
ANSWER_SECONDS = 20.0  # what a check takes beside its own time, at most


class Calls(Protocol):
    """The tools of one purpose: a view of the mesh, or one that is informed."""

    @property
    def tools(self) -> Sequence[ToolSpec]: ...

    async def call(self, name: str, arguments: Mapping[str, Any], *, within: float = ...) -> CallResult: ...


@dataclass(frozen=True, slots=True)
class Informed:
    """`view`, whose checks leave out what is `known`."""

    view: Calls
    known: Known

    @property
    def tools(self) -> Sequence[ToolSpec]:
        return self.view.tools

    async def call(self, name: str, arguments: Mapping[str, Any], *, within: float = 60.0) -> CallResult:
        """As the view has it; a check runs every stage that was asked for, and tells what is new."""
        if name not in CHECK:
            return await self.view.call(name, arguments, within=within)
        asked = {"timeout_s": min(SUITE_SECONDS, max(1.0, within - ANSWER_SECONDS)), **arguments}
        asked["stages"] = arguments.get("stages") or list(STAGES)
        result = await self.view.call(name, asked, within=within)
        if result.is_error or not result.data:
            return result
        report = without_known(await self._with_elsewhere(name, asked, result.data, within), self.known)
        return CallResult(False, told(report), report)

    async def _with_elsewhere(
        self, name: str, asked: Mapping[str, Any], report: Mapping[str, Any], within: float
    ) -> Mapping[str, Any]:
        """The report, with what it keeps to itself of files that were not asked about: some of it may be new."""
        stages = failing_elsewhere(report)
        if not stages:
            return report
        whole = await self.view.call(
            name, {**asked, "stages": stages, "paths": [], "tests": []}, within=within
        )
        return with_findings(report, (whole.data or {}).get("findings", ()))
