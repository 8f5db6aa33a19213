"""The end of a build: what an application needs besides its code, one last run, and the user's own repository."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from codegod_kit.plan import Plan
from codegod_orchestrator.artifacts import missing_artifacts
from codegod_orchestrator.contract import CHECK_SECONDS, ENVIRONMENT_SECONDS, MAIN_REF, MANIFEST
from codegod_orchestrator.evidence import evidence_of
from codegod_orchestrator.journal import Attempt, ClaimedBuild
from codegod_orchestrator.toolset import Desk, Toolset, fresh_tree
from codegod_workers import Finding
from codegod_workers.findings import from_report

FINAL_TREE = "final"
DELIVER_SECONDS = 120.0
FILES_LISTED = 1_000


@dataclass(frozen=True, slots=True)
class Finisher:
    """Completes and delivers what has landed, whether that is all of the plan or a part."""

    plan: Plan
    claimed: ClaimedBuild
    toolset: Toolset

    async def finish(self, out: str, accepted: Mapping[str, Attempt]) -> tuple[Finding, ...]:
        """Deliver `main` to the folder `out`; the findings of the last run on it, none when all is green."""
        desk = await self.toolset.finishing(FINAL_TREE, deliver=out)
        await fresh_tree(desk, revision=MAIN_REF)
        await self._complete(desk)
        findings = await self._last_run(desk)
        await self._annotate(desk, accepted)
        delivered = await desk.call("git.repo_deliver", {"destination": out}, within=DELIVER_SECONDS)
        await self.claimed.append("build.delivered", dict(delivered.data or {}))
        return findings

    async def _complete(self, desk: Desk) -> None:
        """Add the README, Dockerfile and compose file that no task of the plan has written."""
        manifest = await desk.maybe("sandbox.file_read", {"path": MANIFEST})
        listed = (await desk.call("sandbox.file_search", {"pattern": "*", "limit": FILES_LISTED})).data or {}
        present = {str(path) for path in listed.get("paths", ())}
        artifacts = missing_artifacts(self.plan, manifest.text if manifest else "", present)
        if not artifacts:
            return
        for path, text in artifacts.items():
            await desk.call("sandbox.file_write", {"path": path, "content": text})
        arguments = {
            "message": f"Add {', '.join(sorted(artifacts))}",
            "ref": MAIN_REF,
            "trailers": [f"Build-Id: {self.toolset.build}"],
        }
        await desk.call("git.git_commit", arguments)

    async def _last_run(self, desk: Desk) -> tuple[Finding, ...]:
        """The whole suite on the tree that is delivered."""
        await desk.call("sandbox.env_prepare", {}, within=ENVIRONMENT_SECONDS)
        arguments = {"stages": ["syntax", "imports", "tests"], "tests": ["."]}
        report = (await desk.call("sandbox.check_run", arguments, within=CHECK_SECONDS)).data or {}
        head = (await desk.call("git.git_show", {"revision": MAIN_REF})).data or {}
        evidence = evidence_of(report, str(head["commit"]["tree"]), self.toolset.level)
        await self.claimed.append("build.checked", evidence.model_dump(mode="json"))
        return from_report(report)

    async def _annotate(self, desk: Desk, accepted: Mapping[str, Attempt]) -> None:
        """What proves each task, as a note on the commit that it landed with."""
        for attempt in accepted.values():
            if attempt.evidence is not None:
                await desk.call("git.git_note", {"revision": attempt.commit, "text": note_of(attempt)})


def note_of(attempt: Attempt) -> str:
    """The evidence of one accepted attempt, as text for a git note; `codegod report` names each test."""
    evidence: Any = attempt.evidence
    passed = sum(test.outcome == "passed" for test in evidence.tests)
    lines = [
        f"Task: {attempt.task}",
        f"Attempt: {attempt.id} ({attempt.model})",
        f"Tree: {evidence.tree}",
        f"Sandbox: {evidence.level}",
        f"Passed: {passed} of {len(evidence.tests)} tests",
    ]
    return "\n".join(lines) + "\n"
