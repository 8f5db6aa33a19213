"""Amendments of the contract: how one is carried out so that a crash at any moment leaves it whole or undone.

What it will be is journalled first, then the contract gets its next version (with its own RED), then the journal lets the
tasks concerned begin anew, then `main` gets what it needs of it. A build that is taken up again goes on behind the last
of these that is on record.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import anyio

from codegod_kit.plan import Plan, Task, parse_plan
from codegod_orchestrator.accepting import NO_TESTS, REASON_CHARACTERS, AcceptLane
from codegod_orchestrator.contract import (
    CHECK_SECONDS,
    ENVIRONMENT_SECONDS,
    MAIN_REF,
    PLAN_FILE,
    ContractRefused,
    stub_files,
)
from codegod_orchestrator.journal import ClaimedBuild, Contract, Event, Journal
from codegod_orchestrator.redgreen import red_of, unproved_tasks
from codegod_orchestrator.toolset import Desk, Toolset, fresh_tree
from codegod_workers import Finding
from codegod_workers.findings import from_report
from codegod_workers.worker import ToolRefused

BEGUN: Final = "amendment.begun"
DROPPED: Final = "amendment.dropped"
AMENDED: Final = "contract.amended"
REVISED: Final = "plan.revised"
SETTLED: Final = "contract.settled"
UNSETTLED: Final = "contract.unsettled"

# What has to hold on `main` at every commit. Style of a stub is nobody's concern.
MAIN_STAGES: Final = ("syntax", "imports", "tests")
RECHECK_TREE: Final = "recheck"
NOTHING_TO_MERGE: Final = "changes nothing in"  # the git server's words: `main` has it all already


class Contracts(Protocol):
    """Writes versions of the contract of one plan; `Contractor` does."""

    async def amend(self, task: Task, files: Mapping[str, str], weak: Collection[str]) -> Contract: ...


@dataclass(frozen=True, slots=True)
class Amendment:
    """What is going to change: files of the contract, and the plan when that is revised with them."""

    task: Task
    """Whose attempts led to it."""
    told: Mapping[str, Any]
    """Why, for the journal and the report."""
    files: Mapping[str, str] = field(default_factory=dict)
    reopened: Mapping[str, str] = field(default_factory=dict)
    """Accepted tasks that have to be done once more, with the reason."""
    plan: Plan | None = None

    @property
    def changed(self) -> tuple[str, ...]:
        """The contract's files that may be others than before."""
        return (PLAN_FILE, *self.files) if self.plan else tuple(self.files)


@dataclass(frozen=True, slots=True)
class Recheck:
    """What the accepted work of a build says to changed contract files."""

    reopened: Mapping[str, str]
    findings: tuple[Finding, ...]


@dataclass(slots=True)
class Amender:
    """Carries out amendments of one build, one at a time, and keeps the accept lane's plan and contract current."""

    journal: Journal
    claimed: ClaimedBuild
    toolset: Toolset
    lane: AcceptLane
    contracts: Callable[[Plan], Contracts]
    turn: anyio.Lock = field(default_factory=anyio.Lock)
    """Held by whoever prepares an amendment: what two of them say about one contract would not fit together. No task
    begins or is given up meanwhile."""
    busy: set[str] = field(default_factory=set)
    """The tasks that somebody works on: none of them may change under their hands."""

    async def refresh(self) -> None:
        """Let the lane judge by the newest plan and contract of the journal."""
        build = await self.journal.build(self.claimed.id)
        contract = (await self.journal.contracts(self.claimed.id))[-1]
        self.lane.plan = parse_plan(build.plan)
        self.lane.red = red_of(self.lane.plan, contract.evidence.tests)
        self.lane.contract = contract.commit

    async def take_up(self) -> None:
        """Finish the amendment that a crash has interrupted, if there is one."""
        kinds = (BEGUN, DROPPED, AMENDED, REVISED, SETTLED)
        events = await self.journal.events_of(self.claimed.id, kinds)
        if events and events[-1].kind == BEGUN:
            amendment = self._from(events[-1])
            contract = (await self.journal.contracts(self.claimed.id))[-1]
            if contract.version == events[-1].data["before"]:
                try:
                    contract = await self.write(amendment)
                except ContractRefused:
                    return  # it stands in the journal, and the ladder goes on
            async with self.lane.turn:
                await self.conclude(amendment, contract)
        elif events and events[-1].kind in {AMENDED, REVISED}:
            async with self.lane.turn:
                await self._settle(events[-1].task, events[-1].data["files"])

    async def begin(self, amendment: Amendment) -> None:
        """Put on record what is going to change; `write` and `conclude` follow."""
        versions = await self.journal.contracts(self.claimed.id)
        told = {
            **amendment.told,
            "before": versions[-1].version,
            "files": dict(amendment.files),
            "reopened": dict(amendment.reopened),
            "plan": amendment.plan.model_dump(mode="json") if amendment.plan else None,
        }
        await self.claimed.append(BEGUN, told, task=amendment.task.id)

    async def write(self, amendment: Amendment) -> Contract:
        """The contract's next version; raises `ContractRefused` when it would not hold, and the amendment is dropped."""
        contracts = self.contracts(amendment.plan or self.lane.plan)
        try:
            weak = unproved_tasks(self.lane.plan, self.lane.red)
            return await contracts.amend(amendment.task, amendment.files, weak)
        except ContractRefused as fault:
            told = {**amendment.told, "findings": [str(one) for one in fault.findings]}
            await self.claimed.append(DROPPED, told, task=amendment.task.id)
            raise

    async def conclude(self, amendment: Amendment, contract: Contract) -> None:
        """Let the tasks concerned begin anew under `contract`, and `main` have what it needs of it.

        Call it with the lane's turn, so that nothing lands in between.
        """
        older = [
            one for one in await self.journal.contracts(self.claimed.id) if one.version < contract.version
        ]
        before = {test.id for one in older[-1:] for test in one.evidence.tests}
        now = {test.id for test in contract.evidence.tests}
        told = {
            **amendment.told,
            "contract": contract.version,
            "files": sorted(amendment.changed),
            "tests_added": sorted(now - before),
            "tests_removed": sorted(before - now),
        }
        if amendment.plan:
            await self.claimed.revise_plan(amendment.plan, amendment.task.id, told)
        else:
            await self.claimed.amend(amendment.task.id, amendment.reopened, told)
        await self._settle(amendment.task.id, amendment.changed)

    async def recheck(self, task: Task, files: Mapping[str, str]) -> Recheck:
        """Try changed contract `files` on `main` as it stands, with the work that was accepted by the old ones.

        An accepted task whose own contract files change and whose code does not hold by them is to be done once more;
        anything else that breaks speaks against the files.
        """
        accepted = await self._accepted()
        reopened = {
            other.id: f"its stub was amended for {task.id!r}"
            for other in self.lane.plan.tasks
            if other.id in accepted and files.keys() & set(other.files)
        }
        wanted = on_main(self.lane.plan, accepted - reopened.keys(), await self._ever_accepted())
        changed = {path: text for path, text in files.items() if path in wanted}
        if not changed:
            return Recheck(reopened, ())
        findings = await self._check_on_main(changed)
        for other in self.lane.plan.tasks:
            own = set(other.tests) & changed.keys()
            if other.id in accepted and any(_file(finding) in own for finding in findings):
                reopened[other.id] = f"it does not pass its tests as amended for {task.id!r}"
                findings = tuple(finding for finding in findings if _file(finding) not in own)
        return Recheck(reopened, findings)

    async def _check_on_main(self, files: Mapping[str, str]) -> tuple[Finding, ...]:
        desk = await self.toolset.contracting(RECHECK_TREE)
        await fresh_tree(desk, revision=MAIN_REF)
        for path, text in files.items():
            await desk.call("sandbox.file_write", {"path": path, "content": text})
        try:
            return await _run(desk)
        finally:
            await desk.maybe("git.worktree_remove", {})

    async def _settle(self, asker: str, changed: Collection[str]) -> None:
        """Bring what `main` needs of the `changed` files onto it, in one commit that is green; then let tasks go on."""
        await self.refresh()
        version = (await self.journal.contracts(self.claimed.id))[-1].version
        wanted = on_main(self.lane.plan, await self._accepted(), await self._ever_accepted())
        # What has not changed is left as it is: a landing may have added to the manifest since.
        paths = sorted(wanted.intersection(changed))
        task = next((one for one in self.lane.plan.tasks if one.id == asker), self.lane.plan.tasks[0])
        desk = await self.toolset.accepting(task, "", tree=f"contract.{version}")
        candidate = await self._propose(desk, paths) if paths else None
        commit = await self._land(task, desk, candidate, version) if candidate else ""
        await self.claimed.settle({"version": version, "commit": commit})

    async def _propose(self, desk: Desk, paths: Sequence[str]) -> Mapping[str, Any] | None:
        """A candidate of `main` with the contract's files at `paths`; None when `main` has them so already."""
        arguments = {
            "source": MAIN_REF,
            "paths": [],
            "overlay": self.lane.contract,
            "overlay_paths": list(paths),
        }
        try:
            return (await desk.call("git.merge_propose", arguments)).data or {}
        except ToolRefused as fault:
            if NOTHING_TO_MERGE in fault.text:
                return None
            raise

    async def _land(self, task: Task, desk: Desk, candidate: Mapping[str, Any], version: int) -> str:
        """The commit on `main`; nothing when the candidate is not green, which stands in the journal then."""
        place = str(candidate["workspace"]).partition("/")[2]
        findings = await _run(await self.toolset.accepting(task, "", tree=place))
        if findings:
            told = {"version": version, "findings": [str(one) for one in findings]}
            await self.claimed.append(UNSETTLED, told)
            reason = str(findings[0])[:REASON_CHARACTERS]
            await desk.call("git.merge_drop", {"candidate": candidate["candidate"], "reason": reason})
            return ""
        arguments = {
            "candidate": candidate["candidate"],
            "expected_head": candidate["head"],
            "message": f"Contract, version {version}",
            "trailers": [f"Build-Id: {self.toolset.build}", f"Contract-Version: {version}"],
        }
        return str(((await desk.call("git.merge_land", arguments)).data or {})["id"])

    async def _accepted(self) -> set[str]:
        tasks = await self.journal.tasks(self.claimed.id)
        return {task.id for task in tasks if task.state == "accepted"}

    async def _ever_accepted(self) -> set[str]:
        attempts = await self.journal.attempts(self.claimed.id)
        return {attempt.task for attempt in attempts if attempt.state == "accepted"}

    def _from(self, event: Event) -> Amendment:
        """The amendment that an event of `BEGUN` tells of."""
        told = dict(event.data)
        said = told.pop("plan")
        plan = Plan.model_validate(said) if said else None
        task = next(one for one in self.lane.plan.tasks if one.id == event.task)
        del told["before"]
        return Amendment(
            task=task,
            files=told.pop("files"),
            reopened=told.pop("reopened"),
            plan=plan,
            told=told,
        )


def on_main(plan: Plan, accepted: Collection[str], ever: Collection[str]) -> frozenset[str]:
    """The contract's files that `main` holds as the contract has them.

    The skeleton; the stubs of tasks that were never accepted; the tests of those that are. A task that has to be done
    once more keeps its old code and its old tests there until it is, so that `main` stays green.
    """
    undone = plan.model_copy(update={"tasks": tuple(task for task in plan.tasks if task.id not in ever)})
    tests = (path for task in plan.tasks if task.id in accepted for path in task.tests)
    return frozenset([PLAN_FILE, *plan.skeleton, *stub_files(undone), *tests])


async def _run(desk: Desk) -> tuple[Finding, ...]:
    """What speaks against the tree of `desk` as a state of `main`."""
    try:
        await desk.call("sandbox.env_prepare", {}, within=ENVIRONMENT_SECONDS)
        arguments = {"stages": list(MAIN_STAGES), "tests": ["."]}
        report = (await desk.call("sandbox.check_run", arguments, within=CHECK_SECONDS)).data or {}
    except ToolRefused as fault:
        return (Finding(stage="environment", message=fault.text),)
    return tuple(finding for finding in from_report(report) if finding.rule != NO_TESTS)


def _file(finding: Finding) -> str:
    return finding.path.partition("::")[0]
