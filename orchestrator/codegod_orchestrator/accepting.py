"""The accept lane: one candidate at a time is proposed, checked on its own tree, proved and landed."""

from __future__ import annotations

import textwrap
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import anyio

from codegod_kit.plan import Plan, Task
from codegod_mesh import ServerDown
from codegod_orchestrator.change_contract import emptied_sources
from codegod_orchestrator.contract import (
    CHECK_SECONDS,
    CONTRACT_REF,
    ENVIRONMENT_SECONDS,
    MANIFEST,
    is_test_file,
)
from codegod_orchestrator.documents import broken_links
from codegod_orchestrator.evidence import evidence_of, tests_of
from codegod_orchestrator.journal import Attempt, ClaimedBuild, Journal
from codegod_orchestrator.redgreen import Red, judge_green
from codegod_orchestrator.signatures import drifted
from codegod_orchestrator.toolset import Desk, Toolset, fresh_tree
from codegod_workers import Finding, Submission
from codegod_workers.findings import from_fault, from_report, speaks_of
from codegod_workers.worker import ToolRefused

MESSAGE_WIDTH = 72
REASON_CHARACTERS = 200  # one finding, for a note; the journal has all of them
NO_TESTS = "no-tests"  # the rule by which the sandbox says that there was no test to run
FLAKY = "flaky"
# What puts something into a tree: an attempt that called none of these has done nothing, whatever it says.
WRITES = (
    "sandbox.file_write",
    "sandbox.file_append",
    "sandbox.file_edit",
    "sandbox.files_edit",
    "sandbox.file_move",
    "sandbox.file_copy",
    "sandbox.file_delete",
    "sandbox.exec_run",
)
COMMITS = ("git.git_commit",)
_MET = frozenset({"passed", "skipped"})


@dataclass(frozen=True, slots=True)
class Proof:
    """What was seen on a candidate: the report of its one run, and what speaks against it."""

    report: Mapping[str, Any]
    findings: tuple[Finding, ...]


@dataclass(slots=True)
class AcceptLane:
    """Lands what is proved. Candidates queue here, so each is checked on the `main` that it will extend."""

    plan: Plan
    claimed: ClaimedBuild
    toolset: Toolset
    red: Red
    journal: Journal
    contract: str = CONTRACT_REF
    """The commit of the contract in force; plan, RED and this change together, when it is amended."""
    turn: anyio.Lock = field(default_factory=anyio.Lock)
    """Held while something lands on `main`."""

    async def accept(self, task: Task, attempt: Attempt, submission: Submission) -> tuple[Finding, ...]:
        """Land `submission`; the findings that forbid it, or nothing when it is on `main`."""
        async with self.turn:
            desk = await self.toolset.accepting(task, attempt.id)
            if findings := await self._not_worked(desk, task, attempt, submission):
                return findings
            try:
                candidate = await self._propose(desk, task, submission)
            except ToolRefused as fault:
                return from_fault("merge", fault.text)
            proof = await self._judge(task, attempt, submission, candidate)
            if proof.findings:
                reason = str(proof.findings[0])[:REASON_CHARACTERS]
                await desk.call("git.merge_drop", {"candidate": candidate["candidate"], "reason": reason})
                return proof.findings
            await self._land(desk, task, attempt, candidate, proof.report)
            await self._remember(desk, task)
            return ()

    async def _judge(
        self, task: Task, attempt: Attempt, submission: Submission, candidate: Mapping[str, Any]
    ) -> Proof:
        """What the merge and the checks say of a candidate. A check that cannot be made speaks against it as well."""
        if refusals := _refusals(candidate, task):
            return Proof({}, refusals)
        try:
            return await self._prove(task, attempt, submission, candidate)
        except ToolRefused as fault:
            return Proof({}, from_fault("checks", str(fault)))

    async def _not_worked(
        self, desk: Desk, task: Task, attempt: Attempt, submission: Submission
    ) -> tuple[Finding, ...]:
        """What the attempt's own record says against it: no work behind its words, or hands on its tests."""
        build = self.toolset.build
        writing = (*WRITES, *self.toolset.extra.get(task.type, ()))
        for tools, undone in ((writing, "wrote anything"), (COMMITS, "committed anything")):
            if not await self.journal.wrote(build, attempt.id, tools):
                return from_fault(
                    "evidence", f"no tool call of this attempt {undone}: it claims work that was not done"
                )
        touched = [path for path in task.tests if not await self._as_agreed(desk, submission.commit, path)]
        return tuple(
            Finding(
                stage="ownership",
                path=path,
                rule="contract",
                message="this file belongs to the contract and was changed: leave the tests as they are and "
                "write the code that passes them",
            )
            for path in touched
        )

    async def _as_agreed(self, desk: Desk, commit: str, path: str) -> bool:
        """Whether `commit` has the contract's own version of the file `path`."""
        blobs: list[object] = []
        for revision in (commit, self.contract):
            found = await desk.maybe("git.git_show", {"revision": revision, "path": path})
            blobs.append((found.data or {}).get("id") if found else None)
        return blobs[0] == blobs[1]

    async def _propose(self, desk: Desk, task: Task, submission: Submission) -> Mapping[str, Any]:
        """The task's own files, its tests as the contract has them, and the manifest if a tool has added to it."""
        shared = [MANIFEST] if submission.dependencies else []
        arguments: dict[str, Any] = {"source": submission.commit, "paths": [*task.files, *shared]}
        if task.tests:
            arguments |= {"overlay": self.contract, "overlay_paths": list(task.tests)}
        return (await desk.call("git.merge_propose", arguments)).data or {}

    async def _prove(
        self, task: Task, attempt: Attempt, submission: Submission, candidate: Mapping[str, Any]
    ) -> Proof:
        """Run everything on the candidate's own tree: the checks, the task's tests and the whole suite, once."""
        desk = await self.toolset.accepting(
            task, attempt.id, tree=str(candidate["workspace"]).partition("/")[2]
        )
        await desk.call("sandbox.env_prepare", {}, within=ENVIRONMENT_SECONDS)
        arguments: dict[str, Any] = {"paths": list(task.files), "tests": ["."]}
        async with self._before(task, attempt, candidate) as baseline:
            arguments |= {"baseline": baseline} if baseline else {}
            report = (await desk.call("sandbox.check_run", arguments, within=CHECK_SECONDS)).data or {}
        findings = (*from_report(report), *judge_green(self.red.of(task), tests_of(report)))
        findings = await self._without_chance(desk, task, attempt, report, findings)
        findings = (*await drifted(desk, task, submission.commit, self.contract), *findings)
        if not task.tests:
            # A project may have no test yet when its first documents land; a task with tests has its evidence.
            findings = tuple(finding for finding in findings if finding.rule != NO_TESTS)
        return Proof(report, findings or await self._other_evidence(desk, task, attempt, submission))

    @asynccontextmanager
    async def _before(self, task: Task, attempt: Attempt, candidate: Mapping[str, Any]) -> AsyncIterator[str]:
        """For a task that owns tests: the handle of `main` as it is, by which deleted and weakened tests show."""
        if not any(is_test_file(path) for path in task.files):
            yield ""
            return
        tree = f"{attempt.id}.base"
        desk = await self.toolset.accepting(task, attempt.id, tree=tree)
        await fresh_tree(desk, revision=candidate["head"])
        try:
            yield f"{self.toolset.build}/{tree}"
        finally:
            await desk.maybe("git.worktree_remove", {})

    async def _without_chance(
        self,
        desk: Desk,
        task: Task,
        attempt: Attempt,
        report: Mapping[str, Any],
        findings: tuple[Finding, ...],
    ) -> tuple[Finding, ...]:
        """One run counts; but a test of others that fails is run once more, and two runs that disagree are a finding."""
        own = {*task.tests, *task.files}
        failed = [test.id for test in tests_of(report) if test.outcome not in _MET and test.file not in own]
        if not failed:
            return findings
        arguments = {"stages": ["tests"], "tests": ["."]}
        again = (await desk.call("sandbox.check_run", arguments, within=CHECK_SECONDS)).data or {}
        passed = {test.id for test in tests_of(again) if test.outcome == "passed"}
        flaky = [test for test in failed if test in passed]
        if not flaky:
            return findings
        await self.claimed.append("suite.disagreed", {"tests": flaky}, task=task.id, attempt=attempt.id)
        others = [
            one
            for one in findings
            if not any(one.path == test or speaks_of(one.message, test) for test in flaky)
        ]
        return (*others, *map(_by_chance, flaky))

    async def _other_evidence(
        self, desk: Desk, task: Task, attempt: Attempt, submission: Submission
    ) -> tuple[Finding, ...]:
        """Evidence for tasks that no contract test proves: tests that fail on stubs, links that lead somewhere."""
        own_tests = [path for path in task.files if is_test_file(path) and not path.endswith("conftest.py")]
        if own_tests:
            return await self._red_of_own(task, attempt, submission, own_tests)
        return await broken_links(desk, [path for path in task.files if path.endswith(".md")])

    async def _red_of_own(
        self, task: Task, attempt: Attempt, submission: Submission, tests: Sequence[str]
    ) -> tuple[Finding, ...]:
        """Tests that a worker wrote have to fail where nothing is implemented: on the contract's stubs.

        Code that was there before is emptied for it.
        """
        desk = await self.toolset.accepting(task, attempt.id, tree=f"{attempt.id}.red")
        await fresh_tree(
            desk, revision=self.contract, overlay=submission.commit, overlay_paths=list(task.files)
        )
        try:
            if self.toolset.base:
                for path, text in (await emptied_sources(desk, self.contract, {})).items():
                    await desk.call("sandbox.file_write", {"path": path, "content": text})
            await desk.call("sandbox.env_prepare", {}, within=ENVIRONMENT_SECONDS)
            arguments = {"stages": ["tests"], "tests": list(tests)}
            report = (await desk.call("sandbox.check_run", arguments, within=CHECK_SECONDS)).data or {}
        finally:
            with anyio.CancelScope(shield=True):
                await desk.maybe("git.worktree_remove", {})
        if any(test.red for test in tests_of(report)):
            return ()
        return from_fault(
            "evidence",
            "these tests pass (or break) where nothing is implemented: assert what the code does",
            tests[0],
        )

    async def _land(
        self,
        desk: Desk,
        task: Task,
        attempt: Attempt,
        candidate: Mapping[str, Any],
        report: Mapping[str, Any],
    ) -> None:
        """Proof into the journal, candidate onto `main`, acceptance into the journal: in this order a crash is safe."""
        await self.claimed.prove_attempt(
            attempt, evidence_of(report, str(candidate["tree"]), self.toolset.level)
        )
        arguments = {
            "candidate": candidate["candidate"],
            "expected_head": candidate["head"],
            "message": message_of(task),
            "trailers": self.toolset.trailers(task.id, attempt.id, attempt.model),
        }
        landed = (await desk.call("git.merge_land", arguments)).data or {}
        await self.claimed.accept_attempt(attempt, commit=str(landed["id"]), tree=str(landed["tree"]))

    async def _remember(self, desk: Desk, task: Task) -> None:
        """Index what landed, from the attempt's own tree: the candidate's went when it landed.

        What is accepted stays accepted when the memory refuses it or is away; the journal has the call.
        """
        with suppress(ServerDown):
            await desk.maybe("memory.memory_index", {"task": task.id, "paths": list(task.files)})


def _by_chance(test: str) -> Finding:
    return Finding(
        stage="tests",
        path=test,
        rule=FLAKY,
        message="this test failed and then passed on the same tree, so neither run proves anything: make what it "
        "runs independent of time, order, chance and leftovers",
    )


def message_of(task: Task) -> str:
    """The commit message of a landing: the title, and the description at the width that git's readers have."""
    lines = [textwrap.fill(line, MESSAGE_WIDTH) for line in task.description.splitlines()]
    return "\n".join([task.title, "", *lines]).strip()


def _refusals(candidate: Mapping[str, Any], task: Task) -> tuple[Finding, ...]:
    """What the merge itself says against a candidate."""
    found = [
        Finding(stage="ownership", path=path, message="this file belongs to another task; leave it alone")
        for path in candidate.get("foreign", ())
        if path
        not in task.tests  # laid over the attempt's tree from the contract, and taken from there again
    ]
    found += [
        Finding(stage="merge", path=path, message="this file has changed on main since the task began")
        for path in candidate.get("conflicts", ())
    ]
    if not found and not candidate.get("cut") and not set(task.files).intersection(candidate["changed"]):
        found += from_fault(
            "evidence", "the task's files are on main just as they are here: nothing was done", task.files[0]
        )
    return tuple(found)
