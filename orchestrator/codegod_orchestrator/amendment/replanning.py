"""Replanning: what a worker cannot do goes to the master, who revises what nobody has begun."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from codegod_kit.plan import Plan, Task
from codegod_models import Message, ModelFault, ModelRequest
from codegod_orchestrator.amendment.amending import REVISED, Amender, Amendment
from codegod_orchestrator.authoring import Author
from codegod_orchestrator.capability import NotBuildable, refuse_plan
from codegod_orchestrator.contract import (
    CONTRACT_TREE,
    CONTRACT_TRIES,
    ContractRefused,
    contract_files,
    to_rewrite,
)
from codegod_orchestrator.journal import Attempt
from codegod_orchestrator.master import PLAN_TOKENS, SYSTEM, plan_data
from codegod_orchestrator.planning import read_plan
from codegod_orchestrator.revisions import text_at
from codegod_orchestrator.toolset import fresh_tree
from codegod_orchestrator.voice import Voice
from codegod_workers import Finding

# Each is a question to the dearest model and a new contract; a plan that needs more of them was no plan.
REPLANS_PER_BUILD = 3
REPLAN_TRIES = 2  # the plan and one correction
# A task that falls into more parts than this was the application.
NEW_TASKS_PER_REPLAN = 8

REPLAN_TREE: Final = "replan"
KEPT: Final = "plan.kept"
# How a worker says that it is the plan: the rules of a finding that an attempt was refused with.
ASKS: Final = frozenset({"blocked", "too_big"})
# Tasks in these states may be revised, unless somebody is at work on them.
REVISABLE: Final = frozenset({"ready", "blocked"})
_SAID: Final = {"blocked": "BLOCKED", "too_big": "TOO_BIG"}
_SHOWN: Final = {"inflight": "in flight"}


@dataclass(frozen=True, slots=True)
class Replanner:
    """Has the plan revised when a worker is blocked or its task is too big."""

    master: Voice
    amender: Amender
    replans: int = REPLANS_PER_BUILD
    programs: tuple[str, ...] = ()
    """The programs of this machine that decide what can be built."""

    async def review(self, task: Task, attempts: Sequence[Attempt], forgiven: int) -> bool:
        """Whether the plan was revised; False: the ladder goes on."""
        last = attempts[-1]
        if last.number <= forgiven or asked_by(last) is None:
            return False
        async with self.amender.turn:
            events = await self.amender.journal.events_of(self.amender.claimed.id, (REVISED, KEPT))
            answered = any(event.data.get("attempt") == last.id for event in events)
            if answered or len(events) >= self.replans:
                return False
            return await self._replan(task, last)

    async def _replan(self, task: Task, attempt: Attempt) -> bool:
        claimed = self.amender.claimed
        standing = self.amender.lane.plan
        asked = asked_by(attempt)
        told = {
            "attempt": attempt.id,
            "asked": asked.rule if asked else "",
            "words": attempt.reason,
            "reason": said_by(attempt),
        }
        states = await self._states(task)
        findings: tuple[Finding, ...] = ()
        for number in range(1, REPLAN_TRIES + 1):
            request = replan_request(standing, task, attempt, states, findings, number)
            try:
                reply = await self.master.ask(request, "replan", task=task.id)
            except ModelFault as fault:
                await claimed.append(KEPT, {**told, "reason": f"no answer: {fault}"}, task=task.id)
                return False
            plan, findings = read_plan(reply.text)
            if plan is not None:
                plan = _as_agreed(plan, standing)
                findings = judge_revision(standing, plan, states, self.programs)
            if plan is not None and not findings:
                return await self._revise(task, plan, told)
            await claimed.append(
                "replan.sent_back", {"findings": [str(one) for one in findings]}, task=task.id
            )
        reason = f"no usable plan in {REPLAN_TRIES} answers: {findings[0]}"
        await claimed.append(KEPT, {**told, "reason": reason}, task=task.id)
        return False

    async def _revise(self, task: Task, plan: Plan, told: Mapping[str, object]) -> bool:
        claimed = self.amender.claimed
        standing = self.amender.lane.plan
        if plan == standing:
            await claimed.append(KEPT, {**told, "reason": "the master left it as it is"}, task=task.id)
            return False
        files = wanted = files_to_write(standing, plan)
        author = await self._author(plan, wanted)
        findings: tuple[Finding, ...] = ()
        for number in range(1, CONTRACT_TRIES + 1):
            try:
                findings = await self._write(author, wanted, findings, number)
            except ModelFault as fault:
                await claimed.append(KEPT, {**told, "reason": f"no answer: {fault}"}, task=task.id)
                return False
            if not findings:
                texts = {path: author.written[path] for path in files}
                amendment = Amendment(task, told, texts, plan=plan)
                findings = await self._carry_out(amendment)
            if not findings:
                return True
            wanted = tuple(path for path in to_rewrite(plan, findings) if path in files) or files
        reason = f"no contract for it held in {CONTRACT_TRIES} answers: {findings[0]}"
        await claimed.append(KEPT, {**told, "reason": reason}, task=task.id)
        return False

    async def _carry_out(self, amendment: Amendment) -> tuple[Finding, ...]:
        """Carry the revision out, or the findings that say why its contract does not hold."""
        await self.amender.begin(amendment)
        try:
            contract = await self.amender.write(amendment)
        except ContractRefused as fault:
            return fault.findings
        async with self.amender.lane.turn:
            await self.amender.conclude(amendment, contract)
        return ()

    async def _author(self, plan: Plan, wanted: Sequence[str]) -> Author:
        """Who writes the contract's files `wanted` of a revised plan, knowing all the others."""
        desk = await self.amender.toolset.contracting(CONTRACT_TREE)
        stand = [path for path in contract_files(plan) if path not in wanted]
        found = {path: await text_at(desk, self.amender.lane.contract, path) for path in stand}
        return Author(
            plan, self.master, written={path: text for path, text in found.items() if text is not None}
        )

    async def _write(
        self, author: Author, wanted: Sequence[str], findings: tuple[Finding, ...], number: int
    ) -> tuple[Finding, ...]:
        """Let the author write `wanted` into a tree of its own; what could not be read is returned."""
        if not wanted:
            return ()
        desk = await self.amender.toolset.contracting(REPLAN_TREE)
        await fresh_tree(desk, revision="")
        return await author.write(desk, wanted, findings, number)

    async def _states(self, asker: Task) -> dict[str, str]:
        """The state of every task, as the master has to know it: what somebody works on is in flight."""
        states: dict[str, str] = {}
        for task in await self.amender.journal.tasks(self.amender.claimed.id):
            busy = task.id in self.amender.busy and task.id != asker.id and task.state in REVISABLE
            states[task.id] = "inflight" if busy else task.state
        return states


def asked_by(attempt: Attempt) -> Finding | None:
    """What a worker said of the plan in place of an answer, if it did."""
    return next((one for one in attempt.findings if attempt.refused and one.rule in ASKS), None)


def said_by(attempt: Attempt) -> str:
    """The worker's own line, e.g. `TOO_BIG: two modules in one answer`."""
    asked = asked_by(attempt)
    return f"{_SAID.get(asked.rule, asked.rule)}: {asked.message}" if asked else attempt.reason


def replan_request(
    plan: Plan,
    task: Task,
    attempt: Attempt,
    states: Mapping[str, str],
    findings: Sequence[Finding] = (),
    number: int = 1,
) -> ModelRequest:
    """Ask for a revised plan."""
    parts = [
        f"Step: replan\nProject: {plan.name}\nTask: {task.id}\nAttempt: {number}",
        f"# The plan\n\n```json\n{json.dumps(plan_data(plan), indent=1, ensure_ascii=False)}\n```",
        "# The state of its tasks\n\n"
        + "\n".join(f"- {name}: {_SHOWN.get(state, state)}" for name, state in states.items()),
        f"# What the worker of {task.id} said\n\n{said_by(attempt)}",
        "\n".join(["# What was wrong with the last answer", *(f"- {one}" for one in findings)])
        if findings
        else "",
    ]
    text = "\n\n".join(part for part in parts if part)
    return ModelRequest(system=SYSTEM, messages=(Message("user", text),), max_tokens=PLAN_TOKENS)


def judge_revision(
    old: Plan, new: Plan, states: Mapping[str, str], programs: Collection[str] = ()
) -> tuple[Finding, ...]:
    """What forbids `new` in place of `old`; `new` is a valid plan by itself."""
    return tuple(
        Finding(stage="replan", path=path, message=message)
        for path, message in _problems(old, new, states, programs)
    )


def files_to_write(old: Plan, new: Plan) -> tuple[str, ...]:
    """The contract's files that a revised plan needs written: new ones, and those of tasks that became others."""
    before = {task.id: task for task in old.tasks}
    known = set(contract_files(old))
    redone: set[str] = set()
    for task in new.tasks:
        if _work(task) != _work(before.get(task.id)):
            redone.update(task.files, task.tests)
    return tuple(path for path in contract_files(new) if path not in known or path in redone)


def _problems(
    old: Plan, new: Plan, states: Mapping[str, str], programs: Collection[str]
) -> Iterator[tuple[str, str]]:
    revised = {task.id: task for task in new.tasks}
    for task in old.tasks:
        state = states.get(task.id, "")
        if state not in REVISABLE and revised.get(task.id) != task:
            yield task.id, f"this task is {_SHOWN.get(state, state)}: it has to stay exactly as it is"
    for task in new.tasks:
        if task.id in states and task.id not in {one.id for one in old.tasks}:
            yield task.id, "an earlier plan had a task of this id: give the new one another"
    for path in sorted(_owned(old) - _owned(new)):
        yield path, "this file has lost its owner: every file of the old plan needs one"
    for path in sorted(_tests(old) - _tests(new)):
        yield path, "this contract test belongs to no task any more: no test is given up"
    if set(old.skeleton) - set(new.skeleton):
        yield "skeleton", "the skeleton may grow, and loses nothing"
    if len(new.tasks) - len(old.tasks) > NEW_TASKS_PER_REPLAN:
        yield "tasks", f"at most {NEW_TASKS_PER_REPLAN} tasks may be added at a time"
    try:
        refuse_plan(new, programs)
    except NotBuildable as fault:
        yield "", str(fault)


def _as_agreed(plan: Plan, standing: Plan) -> Plan:
    """`plan` with what was agreed on before any task began: a revision is about tasks, not about what is built."""
    agreed = {
        "name",
        "summary",
        "stack",
        "platforms",
        "behaviours",
        "start",
        "health",
        "references",
        "prompts",
    }
    return plan.model_copy(
        update={name: getattr(standing, name) for name in agreed} | {"reasoning": standing.reasoning}
    )


def _work(task: Task | None) -> Mapping[str, object] | None:
    """What of a task its contract files depend on: all but when it is done."""
    return None if task is None else task.model_dump(exclude={"depends", "priority"})


def _owned(plan: Plan) -> set[str]:
    return {*plan.skeleton, *(path for task in plan.tasks for path in (*task.files, *task.tests))}


def _tests(plan: Plan) -> set[str]:
    return {path for task in plan.tasks for path in task.tests}
