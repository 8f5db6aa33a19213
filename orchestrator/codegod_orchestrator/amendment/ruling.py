"""Rulings: the master, who does not see the answers, says whether code, test or specification is wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import pydantic

from codegod_kit.plan import Plan, Task
from codegod_models import Message, ModelFault, ModelRequest
from codegod_orchestrator.amendment.amending import AMENDED, Amender, Amendment
from codegod_orchestrator.amendment.disputes import Dispute, dispute_of
from codegod_orchestrator.contract import CONTRACT_TREE, PLAN_FILE, ContractRefused, stub_files
from codegod_orchestrator.journal import Attempt
from codegod_orchestrator.master import SYSTEM
from codegod_orchestrator.revisions import text_at
from codegod_orchestrator.voice import Voice
from codegod_workers import AnswerFault, Finding, parse_answer
from codegod_workers.answer import NoFiles, UnnamedFile, fenced, json_block

# A contract that is wrong thrice was not understood: a stronger master, or a user, has to look at it.
AMENDMENTS_PER_TASK = 2
# A weak worker fails in ever new ways, and each is a question to the dearest model of the build.
RULINGS_PER_TASK = 4
RULING_TRIES = 2  # the ruling, and one correction of files that did not hold
RULING_TOKENS = 16_000  # the tests and stubs of one task, and some of the skeleton

RULED: Final = "contract.ruled"


class Said(pydantic.BaseModel):
    """The control part of a ruling."""

    model_config = pydantic.ConfigDict(frozen=True)

    ruling: Literal["code", "test", "spec"]
    reason: str = pydantic.Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Ruling:
    said: Said
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Judge:
    """Has disputes about a task's contract ruled, and the contract amended where it is wrong."""

    master: Voice
    amender: Amender
    amendments: int = AMENDMENTS_PER_TASK

    async def review(self, task: Task, attempts: Sequence[Attempt], forgiven: int) -> bool:
        """Whether the contract was amended, so that the task begins anew; False: the ladder goes on."""
        if dispute_of(task, attempts, forgiven=forgiven) is None:
            return False  # without waiting for whoever amends something now
        async with self.amender.turn:
            claimed = self.amender.claimed
            events = await self.amender.journal.events_of(claimed.id, (RULED, AMENDED))
            own = [event for event in events if event.task == task.id]
            ruled = {str(event.data.get("about", "")) for event in own}
            amended = sum(event.kind == AMENDED for event in own)
            if amended >= self.amendments or len(own) >= RULINGS_PER_TASK:
                return False
            dispute = dispute_of(task, attempts, forgiven=forgiven, ruled=ruled)
            return dispute is not None and await self._rule(task, dispute)

    async def _rule(self, task: Task, dispute: Dispute) -> bool:
        claimed = self.amender.claimed
        plan = self.amender.lane.plan
        shown = await self._texts(correctable(plan, task))
        findings: tuple[Finding, ...] = ()
        for number in range(1, RULING_TRIES + 1):
            request = ruling_request(plan, task, dispute, shown, findings, number)
            try:
                reply = await self.master.ask(request, "ruling", task=task.id)
            except ModelFault as fault:
                await claimed.append("ruling.unanswered", {"reason": str(fault)}, task=task.id)
                return False
            ruling, findings = read_ruling(reply.text, correctable(plan, task), shown)
            if ruling and ruling.said.ruling == "code":
                await claimed.append(RULED, _told(dispute, ruling.said), task=task.id)
                return False
            if ruling:
                findings = await self._amend(task, dispute, ruling)
                if not findings:
                    return True
            told = {"findings": [str(one) for one in findings]}
            await claimed.append("ruling.sent_back", told, task=task.id)
        said = Said(ruling="code", reason=f"no correction of the contract held: {findings[0]}")
        await claimed.append(RULED, {**_told(dispute, said), "given_up": True}, task=task.id)
        return False

    async def _amend(self, task: Task, dispute: Dispute, ruling: Ruling) -> tuple[Finding, ...]:
        """Amend the contract, or the findings that say why it cannot be amended so."""
        async with self.amender.lane.turn:
            recheck = await self.amender.recheck(task, ruling.files)
            if recheck.findings:
                return recheck.findings
            amendment = Amendment(task, _told(dispute, ruling.said), ruling.files, recheck.reopened)
            await self.amender.begin(amendment)
            try:
                contract = await self.amender.write(amendment)
            except ContractRefused as fault:
                return fault.findings
            await self.amender.conclude(amendment, contract)
        return ()

    async def _texts(self, paths: Sequence[str]) -> dict[str, str]:
        """The contract's files at `paths`, as it has them now."""
        desk = await self.amender.toolset.contracting(CONTRACT_TREE)
        found = {path: await text_at(desk, self.amender.lane.contract, path) for path in paths}
        return {path: text for path, text in found.items() if text is not None}


def correctable(plan: Plan, task: Task) -> tuple[str, ...]:
    """The contract's files that a ruling about `task` may correct: its own, those of what it depends on, the skeleton."""
    near = (task, *(other for other in plan.tasks if other.id in task.depends))
    tests = (path for one in near for path in one.tests)
    stubs = stub_files(plan.model_copy(update={"tasks": near}))
    skeleton = (path for path in plan.skeleton if path != PLAN_FILE)
    return tuple(dict.fromkeys([*tests, *stubs, *skeleton]))


def ruling_request(
    plan: Plan,
    task: Task,
    dispute: Dispute,
    shown: Mapping[str, str],
    findings: Sequence[Finding] = (),
    number: int = 1,
) -> ModelRequest:
    """Ask for a ruling. Nothing of the answers is in it but how the task's tests ended, or the worker's claim."""
    what = {
        "alike": f"{len(dispute.attempts)} answers, written without knowing of each other, fail alike:",
        "claimed": "A worker says that the contract is wrong:",
    }[dispute.kind]
    record = task.model_dump(mode="json", exclude_defaults=True)
    parts = [
        f"Step: ruling\nProject: {plan.name}\nTask: {task.id}\nAttempt: {number}",
        f"# The application\n\n{plan.summary}" if plan.summary else "",
        f"# The task\n\n````json\n{json.dumps(record, indent=1, ensure_ascii=False)}\n````",
        "\n\n".join(["# The contract", *(fenced(path, text) for path, text in shown.items())]),
        "\n".join(["# What failed", "", what, *(f"- {finding}" for finding in dispute.findings)]),
        "Files you may correct:\n" + "\n".join(f"- {path}" for path in correctable(plan, task)),
        "\n".join(["# What was wrong with the last ruling", *(f"- {one}" for one in findings)])
        if findings
        else "",
    ]
    text = "\n\n".join(part for part in parts if part)
    return ModelRequest(system=SYSTEM, messages=(Message("user", text),), max_tokens=RULING_TOKENS)


def read_ruling(
    text: str, allowed: Sequence[str], shown: Mapping[str, str]
) -> tuple[Ruling | None, tuple[Finding, ...]]:
    """The ruling in a master's answer, with the files that it really changes; or the findings that say why there is none."""
    try:
        said = Said.model_validate_json(json_block(text))
        if said.ruling == "code":
            return Ruling(said, {}), ()
        files = parse_answer(text, allowed).files
    except (NoFiles, UnnamedFile):
        missing = "the corrected files are missing: write each whole in a fenced block whose first line ends with its path"
        return None, (Finding(stage="ruling", message=missing),)
    except AnswerFault as fault:
        return None, (Finding(stage="ruling", message=str(fault)),)
    except pydantic.ValidationError as fault:
        return None, tuple(
            Finding(stage="ruling", path=".".join(map(str, error["loc"])), message=error["msg"])
            for error in fault.errors()
        )
    changed = {path: new for path, new in files.items() if new.strip() != shown.get(path, "").strip()}
    if not changed:
        same = "these files stand in the contract just so: correct what is wrong, or rule `code`"
        return None, (Finding(stage="ruling", message=same),)
    return Ruling(said, changed), ()


def _told(dispute: Dispute, said: Said) -> dict[str, object]:
    return {
        "about": dispute.key,
        "attempts": list(dispute.attempts),
        "ruling": said.ruling,
        "reason": said.reason,
    }
