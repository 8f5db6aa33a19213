"""The end of a build: what an application needs besides its code, one last run, and the user's own repository."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from codegod_kit.plan import Plan
from codegod_orchestrator.acceptance.answer import STAGE
from codegod_orchestrator.acceptance.hidden_tests import Acceptance
from codegod_orchestrator.acceptance.run import AcceptanceRun
from codegod_orchestrator.contract import CHECK_SECONDS, ENVIRONMENT_SECONDS, MAIN_REF, MANIFEST
from codegod_orchestrator.evidence import evidence_of
from codegod_orchestrator.finish.artifacts import DOCKERFILE, NODE_MANIFEST, missing_artifacts
from codegod_orchestrator.finish.kubernetes import exposed_port
from codegod_orchestrator.journal import Attempt, ClaimedBuild
from codegod_orchestrator.kept_plan import keep_plan
from codegod_orchestrator.surveying import Ground
from codegod_orchestrator.toolset import Desk, Toolset, commit_at, fresh_tree
from codegod_workers import Finding
from codegod_workers.findings import from_report

FINAL_TREE = "final"
DELIVER_SECONDS = 120.0
IMAGE_SECONDS = 660.0  # the tool's own ten minutes, and a little
FILES_LISTED = 1_000
IMAGE_SEEN = "image.seen"
STILL_FAILING = "change.still_failing"
BEHAVIOURS_NAMED = 5  # a reason is read at a glance; the report has every behaviour


@dataclass(frozen=True, slots=True)
class Finisher:
    """Completes and delivers what has landed, whether that is all of the plan or a part."""

    plan: Plan
    claimed: ClaimedBuild
    toolset: Toolset
    prompt: str = ""
    """What the user asked for: some artifacts are written only when they are."""
    ground: Ground | None = None
    """The repository that was changed; None: a new application is delivered."""

    async def finish(
        self, out: str, accepted: Mapping[str, Attempt], acceptance: Acceptance | None = None
    ) -> tuple[Finding, ...]:
        """Deliver `main` to the folder `out`; the findings of the last runs on it, none when all is green and proved."""
        branch = self.ground.origin.branch if self.ground else ""
        desk = await self.toolset.finishing(FINAL_TREE, deliver=out, branch=branch)
        await fresh_tree(desk, revision=MAIN_REF)
        if self.ground is not None:
            await keep_plan(desk, self.plan, self.ground, self.toolset.build)
        else:
            await self._complete(desk)
        findings = await self._last_run(desk)
        if acceptance is not None:
            findings = (*findings, *await AcceptanceRun(self.claimed, self.toolset).run(acceptance))
        if self.ground is None or self.ground.survey.ours:
            await self._image(desk)
        await self._annotate(desk, accepted)
        if accepted or self.ground is None:
            await self._deliver(desk, out, branch)
        return findings

    async def _deliver(self, desk: Desk, out: str, branch: str) -> None:
        """A repository in a new folder, or a branch of the repository that was changed."""
        arguments = {"destination": out} | ({"branch": branch} if branch else {})
        tool = "git.branch_deliver" if branch else "git.repo_deliver"
        delivered = await desk.call(tool, arguments, within=DELIVER_SECONDS)
        await self.claimed.append("build.delivered", dict(delivered.data or {}))

    async def _complete(self, desk: Desk) -> None:
        """Add the README, container files, workflow and manifests that no task of the plan has written."""
        listed = (await desk.call("sandbox.file_search", {"pattern": "*", "limit": FILES_LISTED})).data or {}
        present = {str(path) for path in listed.get("paths", ())}
        artifacts = missing_artifacts(
            self.plan,
            await _text(desk, MANIFEST, present),
            present,
            node=await _text(desk, NODE_MANIFEST, present),
            dockerfile=await _text(desk, DOCKERFILE, present),
            prompt=self.prompt,
        )
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
        head = await commit_at(desk, MAIN_REF)
        evidence = evidence_of(report, str(head["tree"]), self.toolset.level)
        await self.claimed.append("build.checked", evidence.model_dump(mode="json"))
        if self.ground is not None:
            await self.claimed.append(STILL_FAILING, {"tests": list(report.get("known", ()))})
        return from_report(report)

    async def _image(self, desk: Desk) -> None:
        """What an engine makes of the Dockerfile, where there is one; the report says when there is none."""
        dockerfile = await desk.maybe("sandbox.file_read", {"path": DOCKERFILE})
        if dockerfile is None:
            return
        arguments = {"health": self.plan.health, "port": exposed_port(dockerfile.text)}
        seen = await desk.view.call("sandbox.image_check", arguments, within=IMAGE_SECONDS)
        report = {"note": seen.text} if seen.is_error else seen.data or {}
        await self.claimed.append(IMAGE_SEEN, {"built": False, "answered": False, **report})

    async def _annotate(self, desk: Desk, accepted: Mapping[str, Attempt]) -> None:
        """What proves each task, as a note on the commit that it landed with."""
        for attempt in accepted.values():
            if attempt.evidence is not None:
                await desk.call("git.git_note", {"revision": attempt.commit, "text": note_of(attempt)})


async def _text(desk: Desk, path: str, present: Container[str]) -> str:
    """The file as it stands; nothing when it is not there, or no text."""
    found = await desk.maybe("sandbox.file_read", {"path": path}) if path in present else None
    return found.text if found else ""


def why_partial(
    plan: Plan, accepted: Container[str], findings: Sequence[Finding], weak: Sequence[str] = ()
) -> str:
    """Why a build that was delivered is not done, behaviours by name; empty when it is.

    `weak` are the tasks whose contract tests prove nothing: that is enough only where tests from outside have seen every
    behaviour.
    """
    missing = [task.id for task in plan.tasks if task.id not in accepted]
    unproved = [finding for finding in findings if finding.stage == STAGE]
    others = [finding for finding in findings if finding.stage != STAGE]
    reasons = [f"not built: {', '.join(missing)}"] if missing else []
    reasons += [f"the last run on main: {others[0]}"] if others else []
    if weak and (unproved or not plan.behaviours or not all(one.test for one in plan.behaviours)):
        reasons.append(f"empty answers would pass every test of: {', '.join(weak)}")
    if unproved:
        named = [f"{one.path} ({one.message})" for one in unproved[:BEHAVIOURS_NAMED]]
        more = len(unproved) - len(named)
        reasons.append(f"not proved: {'; '.join(named)}{f'; and {more} more' if more else ''}")
    return "; ".join(reasons)


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
