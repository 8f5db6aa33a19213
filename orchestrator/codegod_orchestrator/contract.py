"""The contract: skeleton, stubs and tests, written by the master and proved before anybody works on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from codegod_kit.plan import Plan, Task, dump_plan
from codegod_orchestrator.evidence import evidence_of, tests_of
from codegod_orchestrator.journal import Contract
from codegod_orchestrator.master import contract_request
from codegod_orchestrator.planning import lasting
from codegod_orchestrator.redgreen import judge_red
from codegod_orchestrator.toolset import Desk, Toolset, fresh_tree
from codegod_orchestrator.voice import Voice
from codegod_workers import AnswerFault, Finding, parse_answer
from codegod_workers.findings import beside_tests, from_fault, from_tests
from codegod_workers.worker import ToolRefused

CONTRACT_REF = "refs/codegod/contract"
MAIN_REF = "refs/heads/main"
CONTRACT_TREE = "contract"
SKELETON_TREE = "skeleton"
PLAN_FILE = "plan.yaml"
MANIFEST = "pyproject.toml"

CONTRACT_TRIES = 3  # the contract and two corrections
FILES_PER_BATCH = 10  # ten files of 200 lines come near the answer limit of current frontier models
ENVIRONMENT_SECONDS = 600.0  # a first download of a web framework over a slow line
CHECK_SECONDS = 300.0
# Without lint: style in a stub helps nobody. Types and imports hold before any worker starts.
CONTRACT_STAGES = ("syntax", "types", "imports", "tests")


class ContractRefused(Exception):
    """The master could not write a contract that holds; the message names what was wrong last."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        reasons = "; ".join(str(finding) for finding in findings[:3])
        super().__init__(
            f"The contract did not hold after {CONTRACT_TRIES} answers ({reasons}). Try a stronger --master, a plan "
            "with smaller tasks (--plan), or a simpler prompt."
        )
        self.findings = tuple(findings)


@dataclass(frozen=True, slots=True)
class Contractor:
    """Gets the contract of one build written, proved and committed."""

    plan: Plan
    master: Voice
    toolset: Toolset
    review: str = ""
    material: str = ""

    async def contract(self) -> Contract:
        """The proved contract: tests on `CONTRACT_REF`, skeleton and stubs as the first commit of `main`.

        A build that was killed in between finds the contract's commit and goes on from there.
        """
        desk = await self.toolset.contracting(CONTRACT_TREE)
        await desk.call("git.git_init", {})
        commit = await self._standing()
        if commit:
            await fresh_tree(desk, revision=commit)
            report = await self._run(desk)
        else:
            await fresh_tree(desk, revision="")
            report = await self._write(desk)
            commit = await self._commit(desk)
        return await self._keep(commit, report)

    async def _standing(self) -> str:
        """The commit of a contract that an earlier run of this build had written, or nothing."""
        desk = await self.toolset.contracting(CONTRACT_TREE)
        found = await desk.maybe("git.git_show", {"revision": CONTRACT_REF})
        return "" if found is None else str((found.data or {}).get("id", ""))

    async def _write(self, desk: Desk) -> Mapping[str, Any]:
        """Ask for the files until they hold; the report of the run that showed it."""
        await desk.call("sandbox.file_write", {"path": PLAN_FILE, "content": dump_plan(lasting(self.plan))})
        wanted: Sequence[str] = contract_files(self.plan)
        findings: tuple[Finding, ...] = ()
        written: dict[str, str] = {}
        for attempt in range(1, CONTRACT_TRIES + 1):
            findings = await self._ask(desk, wanted, written, findings, attempt)
            missing = [path for path in contract_files(self.plan) if path not in written]
            if not findings and not missing:
                report = await self._run(desk)
                findings = contract_findings(self.plan, report)
                if not findings:
                    return report
            await self.master.claimed.append(
                "contract.sent_back", {"findings": [str(one) for one in findings]}
            )
            wanted = [*missing, *(path for path in to_rewrite(self.plan, findings) if path not in missing)]
        raise ContractRefused(findings)

    async def _ask(
        self,
        desk: Desk,
        wanted: Sequence[str],
        written: dict[str, str],
        findings: tuple[Finding, ...],
        attempt: int,
    ) -> tuple[Finding, ...]:
        """Ask for `wanted` in batches and write what comes; what could not be read is returned as findings."""
        unread: list[Finding] = []
        asked: set[str] = set()
        for batch in batches(wanted):
            asked.update(batch)
            request = contract_request(
                self.plan,
                batch,
                written=written,
                later=[path for path in wanted if path not in asked],
                review=self.review,
                material=self.material,
                findings=findings,
                attempt=attempt,
            )
            reply = await self.master.ask(request, "contract")
            try:
                answer = parse_answer(reply.text, batch)
            except AnswerFault as fault:
                unread.extend(from_fault("answer", str(fault), batch[0]))
                continue
            for path, text in answer.files.items():
                await desk.call("sandbox.file_write", {"path": path, "content": text})
                written[path] = text
            left = [path for path in batch if path not in written]
            unread.extend(Finding(stage="answer", path=path, message="this file is missing") for path in left)
        return tuple(unread)

    async def _run(self, desk: Desk) -> Mapping[str, Any]:
        """Prepare the environment and run the contract on its stubs; what cannot be installed is a finding."""
        try:
            await desk.call("sandbox.env_prepare", {}, within=ENVIRONMENT_SECONDS)
        except ToolRefused as fault:
            finding = {"stage": "environment", "path": MANIFEST, "message": fault.text}
            return {"ok": False, "findings": [finding], "tests": []}
        arguments = {"stages": list(CONTRACT_STAGES), "tests": ["."]}
        return (await desk.call("sandbox.check_run", arguments, within=CHECK_SECONDS)).data or {}

    async def _commit(self, desk: Desk) -> str:
        arguments = {"message": "Contract: skeleton, stubs and tests", "ref": CONTRACT_REF}
        return str(((await desk.call("git.git_commit", arguments)).data or {})["id"])

    async def _keep(self, commit: str, report: Mapping[str, Any]) -> Contract:
        """Make `main` start with the skeleton, then let the journal know the contract."""
        main = await self._start_main(commit)
        evidence = evidence_of(report, str(main["tree"]), self.toolset.level)
        return await self.master.claimed.save_contract(commit, evidence.tree, evidence)

    async def _start_main(self, commit: str) -> Mapping[str, Any]:
        """The first commit of `main`: the contract without the tests of its tasks, which land with them."""
        desk = await self.toolset.contracting(SKELETON_TREE)
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


def contract_files(plan: Plan) -> tuple[str, ...]:
    """What the master writes: the skeleton, a stub for every code file, then the tests."""
    tests = tuple(path for task in plan.tasks for path in task.tests)
    return (*plan.skeleton, *stub_files(plan), *tests)


def stub_files(plan: Plan) -> tuple[str, ...]:
    """The task-owned files that start as stubs: Python code, and not tests."""
    return tuple(path for task in plan.tasks for path in task.files if _is_stub(path))


def _is_stub(path: str) -> bool:
    return path.endswith(".py") and not is_test_file(path)


def is_test_file(path: str) -> bool:
    """Whether pytest would look into `path` for tests or fixtures."""
    pure = PurePosixPath(path)
    return pure.name.startswith("test_") or pure.name.endswith("_test.py") or pure.name == "conftest.py"


def batches(files: Sequence[str]) -> Iterator[Sequence[str]]:
    """`files` in runs of at most `FILES_PER_BATCH`; tests never share a batch with what they test."""
    code = [path for path in files if not is_test_file(path)]
    tests = [path for path in files if is_test_file(path)]
    for part in (code, tests):
        for start in range(0, len(part), FILES_PER_BATCH):
            yield part[start : start + FILES_PER_BATCH]


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


def to_rewrite(plan: Plan, findings: Sequence[Finding]) -> tuple[str, ...]:
    """The contract's files that findings name, with the stub behind a wrong test; all when they name none."""
    files = contract_files(plan)
    named = {finding.path.partition("::")[0] for finding in findings}
    for task in plan.tasks:
        if named.intersection(task.tests):
            named.update(_stubs_of(task))
    return tuple(path for path in files if path in named) or files


def _stubs_of(task: Task) -> tuple[str, ...]:
    return tuple(path for path in task.files if _is_stub(path))
