"""The contract: skeleton, stubs and tests, written by the master and proved before anybody works on it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from codegod_kit.plan import Plan, Task, dump_plan, parse_plan
from codegod_orchestrator.authoring import Author, missing
from codegod_orchestrator.change_contract import (
    ChangeProof,
    begin_change,
    failing_before,
    texts_of,
    with_present,
    with_raised,
)
from codegod_orchestrator.contract_files import (
    FILES_PER_BATCH,
    MANIFEST,
    PLAN_FILE,
    batches,
    contract_files,
    is_test_file,
    stub_files,
    to_rewrite,
)
from codegod_orchestrator.empty_tests import about, empty_tests
from codegod_orchestrator.entry import broken_entry
from codegod_orchestrator.evidence import EMPTY, Evidence, TestSeen, evidence_of, tests_of, with_hollow
from codegod_orchestrator.hollow.null_evidence import PROVED, told
from codegod_orchestrator.hollow.null_runs import Hollow, hollow_tests
from codegod_orchestrator.journal import Contract
from codegod_orchestrator.planning import lasting
from codegod_orchestrator.redgreen import judge_red, only_unproved, red_of, red_on_stubs, unproved_tasks
from codegod_orchestrator.revisions import text_at
from codegod_orchestrator.surveying import Ground
from codegod_orchestrator.toolset import Desk, Toolset, fresh_tree
from codegod_orchestrator.voice import Voice
from codegod_workers import Finding
from codegod_workers.findings import beside_tests, from_tests
from codegod_workers.worker import ToolRefused

__all__ = [
    "CHECK_SECONDS",
    "CONTRACT_REF",
    "CONTRACT_TRIES",
    "ENVIRONMENT_SECONDS",
    "FILES_PER_BATCH",
    "MAIN_REF",
    "MANIFEST",
    "PLAN_FILE",
    "ContractRefused",
    "Contractor",
    "batches",
    "contract_files",
    "contract_findings",
    "is_test_file",
    "stub_files",
    "to_rewrite",
]

CONTRACT_REF = "refs/codegod/contract"
MAIN_REF = "refs/heads/main"
CONTRACT_TREE = "contract"
SKELETON_TREE = "skeleton"

CONTRACT_TRIES = 3  # the contract and two corrections
ENVIRONMENT_SECONDS = 600.0  # a first download of a web framework over a slow line
CHECK_SECONDS = 300.0
# Without lint: style in a stub helps nobody. Types and imports hold before any worker starts.
CONTRACT_STAGES = ("syntax", "types", "imports", "tests")


class ContractRefused(Exception):
    """The contract, or its amendment, does not hold; the message names what was wrong last."""

    def __init__(self, findings: Sequence[Finding], tries: int = CONTRACT_TRIES) -> None:
        reasons = "; ".join(str(finding) for finding in findings[:3])
        answers = f"after {tries} answers " if tries > 1 else ""
        super().__init__(
            f"The contract did not hold {answers}({reasons}). Try a stronger --master, a plan "
            "with smaller tasks (--plan), or a simpler prompt."
        )
        self.findings = tuple(findings)


@dataclass(frozen=True, slots=True)
class Proof:
    """What a contract's tree has shown: on its stubs, and on null bodies when the stubs left nothing to mend."""

    report: Mapping[str, Any]
    findings: tuple[Finding, ...]
    hollow: Hollow = field(default_factory=Hollow)
    before: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Of a change: tests that failed before it and prove none of its tasks."""
    empty: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Tests that cannot fail whatever comes back."""

    def evidence(self, tree: str, level: str) -> Evidence:
        shown_nothing = {**self.hollow.tests, **self.before, **self.empty}
        return with_hollow(evidence_of(self.report, tree, level), shown_nothing)


@dataclass(frozen=True, slots=True)
class Contractor:
    """Gets the contract of one build written, proved and committed, and later its amendments."""

    plan: Plan
    master: Voice
    toolset: Toolset
    review: str = ""
    material: str = ""
    ground: Ground | None = None
    """The repository that is changed; None: the contract is of a new application."""

    async def contract(self) -> Contract:
        """The proved contract: tests on `CONTRACT_REF`, skeleton and stubs as the first commit of `main`.

        A build that was killed in between finds the contract's commit and goes on from there.
        """
        desk = await self._desk()
        await desk.call("git.git_init", {})
        commit = await self._standing()
        if commit:
            proof = await self._prove_standing(desk, commit)
        else:
            await fresh_tree(desk, revision="")
            proof = await self._write(desk, await self._author(desk))
            commit = str((await self._commit(desk, "Contract: skeleton, stubs and tests"))["id"])
        main = await self._start_main(commit)
        return await self._keep(commit, str(main["tree"]), proof)

    async def amend(self, task: Task, files: Mapping[str, str], weak: Collection[str] = ()) -> Contract:
        """The contract's next version: the newest one with `files`, proved anew as a whole.

        The tasks `weak` are those that no test proved before: they may stay so, and no other may become so.

        For a revised plan, what is no longer in it goes as well. Raises `ContractRefused` when these are no files of
        the contract, or do not hold. `main` is left as it is: a task's tests get there with the task. After a crash
        between commit and journal, the same call finds the commit and goes on from there.
        """
        allowed = (PLAN_FILE, *contract_files(self.plan))
        if foreign := missing(tuple(files), allowed):
            raise ContractRefused(_foreign(foreign, allowed), tries=1)
        desk = await self._desk()
        commit = await self._standing()
        await fresh_tree(desk, revision=commit)
        changed = await self._apply(desk, commit, files)
        proof = await self._prove(desk, {**await self._texts_at(desk, commit), **files})
        if proof.findings:
            now_weak = unproved_tasks(self.plan, red_of(self.plan, proof.evidence("", "").tests))
            if not only_unproved(proof.findings) or set(now_weak) - set(weak):
                raise ContractRefused(proof.findings, tries=1)
            proof = replace(proof, findings=())
        if changed:
            commit = str((await self._commit(desk, f"Contract amended for {task.id}"))["id"])
        return await self._keep_commit(desk, commit, proof)

    async def _apply(self, desk: Desk, commit: str, files: Mapping[str, str]) -> bool:
        """Write `files` and the plan over the tree of `commit`, and take out what the plan no longer has."""
        before = await text_at(desk, commit, PLAN_FILE)
        texts = {PLAN_FILE: dump_plan(lasting(self.plan)), **files}
        changed = {path: text for path, text in texts.items() if text != await text_at(desk, commit, path)}
        for path, text in changed.items():
            await desk.call("sandbox.file_write", {"path": path, "content": text})
        dropped = missing(contract_files(parse_plan(before)) if before else (), contract_files(self.plan))
        for path in dropped:
            await desk.call("sandbox.file_delete", {"path": path})
        return bool(changed or dropped)

    async def _author(self, desk: Desk) -> Author:
        """Who writes; of a repository that is changed, the tasks' files stand as they are."""
        if self.ground is None:
            return Author(self.plan, self.master, self.review, self.material)
        existing = await texts_of(desk, stub_files(self.plan))
        shown = await texts_of(desk, [path for path in contract_files(self.plan) if path not in existing])
        return Author(
            self.plan,
            self.master,
            self.review,
            self.material,
            repository=with_present(self.ground.text, shown),
            existing=tuple(existing),
            written=existing,
        )

    async def _desk(self) -> Desk:
        return await self.toolset.contracting(CONTRACT_TREE)

    async def _standing(self) -> str:
        """The commit of the contract that this build has so far, or nothing."""
        found = await (await self._desk()).maybe("git.git_show", {"revision": CONTRACT_REF})
        return "" if found is None else str((found.data or {}).get("id", ""))

    async def _texts_at(self, desk: Desk, commit: str) -> dict[str, str]:
        """The plan's contract files as far as `commit` has them."""
        texts = {path: await text_at(desk, commit, path) for path in contract_files(self.plan)}
        return {path: text for path, text in texts.items() if text is not None}

    async def _write(self, desk: Desk, author: Author) -> Proof:
        """Ask for the files that are missing until all of them hold.

        When nothing is wrong any more but that a task's tests prove nothing, the build goes on after `CONTRACT_TRIES`
        answers: it cannot be done unless its acceptance tests show what these tests do not.
        """
        await desk.call("sandbox.file_write", {"path": PLAN_FILE, "content": dump_plan(lasting(self.plan))})
        files = contract_files(self.plan)
        wanted: Sequence[str] = missing(files, author.written)
        findings: tuple[Finding, ...] = ()
        proof: Proof | None = None
        for attempt in range(1, CONTRACT_TRIES + 1):
            findings = await author.write(desk, wanted, findings, attempt)
            left = missing(files, author.written)
            proof = None
            if not findings and not left:
                proof = await self._prove(desk, author.written)
                if not proof.findings:
                    return proof
                findings = proof.findings
            await self.master.claimed.append(
                "contract.sent_back", {"findings": [str(one) for one in findings]}
            )
            wanted = [*left, *(path for path in author.again(findings) if path not in left)]
        if proof is not None and only_unproved(findings):
            return replace(proof, findings=())
        raise ContractRefused(findings)

    async def _prove_standing(self, desk: Desk, commit: str) -> Proof:
        await fresh_tree(desk, revision=commit)
        return await self._prove(desk, await self._texts_at(desk, commit))

    async def _prove(self, desk: Desk, files: Mapping[str, str]) -> Proof:
        """What the desk's tree, which holds `files`, shows on its stubs; where that is sound, on null bodies as well."""
        change = ChangeProof(self.plan, self.toolset, desk) if self.ground else None
        if change and (lost := await change.lost(files)):
            return Proof({}, lost)
        report = await self._run(desk)
        if change:
            report = with_raised(report)
        findings = contract_findings(self.plan, report)
        if not findings:
            findings = await broken_entry(desk, self.plan.start, contract_files(self.plan))
        if not findings and change:
            findings = await change.findings(files)
        if findings:
            return Proof(report, findings)
        tests = tests_of(report)
        stubs = [path for path in stub_files(self.plan) if path in files]
        hollow = await hollow_tests(self.toolset, files, stubs, red_on_stubs(self.plan, tests))
        cannot_fail = await self._cannot_fail(desk, with_hollow(evidence_of(report, ""), hollow.tests).tests)
        empty = {test: (EMPTY,) for ids in cannot_fail.values() for test in ids}
        seen = with_hollow(evidence_of(report, ""), {**hollow.tests, **empty}).tests
        findings = (*cannot_fail, *judge_red(self.plan, seen, {one.path for one in cannot_fail}))
        await self._tell(seen, hollow)
        known = self.ground.survey.known.tests if self.ground else ()
        before = failing_before(self.plan, seen, known)
        return Proof(report, (*findings, *hollow.doubts) if findings else (), hollow, before, empty)

    async def _cannot_fail(self, desk: Desk, tests: Sequence[TestSeen]) -> Mapping[Finding, Collection[str]]:
        """What of the contract tests that would be evidence cannot fail, with the ids of these tests."""
        red = frozenset(red_of(self.plan, tests).evidence)
        return about(await empty_tests(desk), [test for test in tests if test.id in red])

    async def _tell(self, seen: Sequence[TestSeen], nulls: Hollow) -> None:
        """Journal which tests prove something, which of them empty bodies pass, and in which languages that was tried."""
        hollow = {test.id: list(test.hollow) for test in seen if test.hollow}
        red = red_of(self.plan, seen)
        counted = {"evidence": len(red.evidence), "guards": len(red.guards), "hollow": hollow}
        await self.master.claimed.append(PROVED, {**counted, **told(nulls)})

    async def _run(self, desk: Desk) -> Mapping[str, Any]:
        """Prepare the environment and run the contract on its stubs; what cannot be installed is a finding."""
        try:
            await desk.call("sandbox.env_prepare", {}, within=ENVIRONMENT_SECONDS)
        except ToolRefused as fault:
            finding = {"stage": "environment", "path": MANIFEST, "message": fault.text}
            return {"ok": False, "findings": [finding], "tests": []}
        arguments = {"stages": list(CONTRACT_STAGES), "tests": ["."]}
        return (await desk.call("sandbox.check_run", arguments, within=CHECK_SECONDS)).data or {}

    async def _commit(self, desk: Desk, message: str) -> Mapping[str, Any]:
        return (await desk.call("git.git_commit", {"message": message, "ref": CONTRACT_REF})).data or {}

    async def _keep_commit(self, desk: Desk, commit: str, proof: Proof) -> Contract:
        shown = (await desk.call("git.git_show", {"revision": commit})).data or {}
        return await self._keep(commit, str(shown["commit"]["tree"]), proof)

    async def _keep(self, commit: str, tree: str, proof: Proof) -> Contract:
        """Let the journal know the contract; `tree` is what its evidence is about."""
        evidence = proof.evidence(tree, self.toolset.level)
        return await self.master.claimed.save_contract(commit, tree, evidence)

    async def _start_main(self, commit: str) -> Mapping[str, Any]:
        """The first commit of `main`: the contract without the tests of its tasks, which land with them."""
        desk = await self.toolset.contracting(SKELETON_TREE)
        if self.ground is not None:
            title = f"Declarations for {self.plan.name}"
            return await begin_change(desk, self.plan, commit, title, self.toolset.build)
        standing = await desk.maybe("git.git_show", {"revision": MAIN_REF})
        if standing is not None and standing.data:
            return standing.data["commit"]  # type: ignore[no-any-return]  # the tool's own structure
        paths = [PLAN_FILE, *self.plan.skeleton, *stub_files(self.plan)]
        await fresh_tree(desk, revision="", overlay=commit, overlay_paths=paths)
        arguments = {
            "message": f"Skeleton of {self.plan.name}",
            "ref": MAIN_REF,
            "trailers": [f"Build-Id: {self.toolset.build}"],
        }
        return (await desk.call("git.git_commit", arguments)).data or {}


def contract_findings(plan: Plan, report: Mapping[str, Any]) -> tuple[Finding, ...]:
    """What is wrong with a contract that ran on its stubs; RED where green is wanted and the other way round."""
    contract_tests = {path for task in plan.tasks for path in task.tests}
    found = [
        *beside_tests(report),
        *(test for test in from_tests(report) if test.path.partition("::")[0] not in contract_tests),
    ]
    if found and not report.get("tests"):
        return tuple(found)  # nothing ran, so nothing can be said about single tests
    return (*found, *judge_red(plan, tests_of(report)))


def _foreign(foreign: Sequence[str], allowed: Collection[str]) -> tuple[Finding, ...]:
    message = f"this is no file of the contract; it has {', '.join(allowed)}"
    return tuple(Finding(stage="contract", path=path, message=message) for path in foreign)
