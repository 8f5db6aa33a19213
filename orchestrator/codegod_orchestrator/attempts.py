"""One task from ready to accepted or given up: the ladder says what to try, a worker tries it, the lane judges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, Protocol

from codegod_kit.plan import Plan, Task
from codegod_mesh import ServerDown
from codegod_models import ModelFault, estimate_tokens
from codegod_orchestrator.accepting import AcceptLane
from codegod_orchestrator.amendment.amending import AMENDED, Amender
from codegod_orchestrator.contract import ENVIRONMENT_SECONDS, MAIN_REF, is_test_file
from codegod_orchestrator.journal import Attempt, ClaimedBuild, Journal, StaleAttempt
from codegod_orchestrator.ladder import Ladder, Step, history, next_step
from codegod_orchestrator.landings import landings
from codegod_orchestrator.learning import learn
from codegod_orchestrator.neighbours import neighbours
from codegod_orchestrator.options import BuildOptions
from codegod_orchestrator.revisions import text_at
from codegod_orchestrator.standing_answer import standing_answer
from codegod_orchestrator.surveying import FILES_LISTED
from codegod_orchestrator.toolset import Toolset, commit_at
from codegod_orchestrator.voice import Voice
from codegod_workers import Assignment, Finding, Submission, Worker
from codegod_workers.capability import Capability, fitted
from codegod_workers.findings import from_fault
from codegod_workers.splice import long_files
from codegod_workers.worker import ToolRefused

PARTS_TOKENS = 4_096  # some ten definitions of a long file
PROMPT_TOKENS = 2_500  # what a worker is told beside its files and tests: rules, task, findings
LOSSES_PER_TASK = 3  # a task whose worker or server died this often in one run is given up as poison


Ending = Literal["landed", "failed", "changed"]
"""How a task's turn ends. `changed`: the contract or the plan is another one now, so everything is ordered anew."""


class Reviewer(Protocol):
    """Looks at what came of a task's attempts before the ladder goes on."""

    async def review(self, task: Task, attempts: Sequence[Attempt], forgiven: int) -> bool:
        """Whether the contract or the plan was changed because of them."""
        ...


@dataclass(frozen=True, slots=True)
class Earlier:
    """The attempts before one, oldest first; those up to number `forgiven` were made for something else."""

    attempts: Sequence[Attempt]
    forgiven: int
    stands: bool = False
    """Whether the answer that this attempt continues is handed in as it is: its tests are other ones now."""

    @property
    def sent_back(self) -> list[Attempt]:
        return [old for old in self.attempts if old.state == "rejected"]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was wrong with the last answer that still counts."""
        counted = [old for old in self.sent_back if old.number > self.forgiven]
        return counted[-1].findings if counted else ()


class AttemptLost(Exception):
    """A server died under an attempt; nobody has judged it."""

    def __init__(self, attempt: Attempt, reason: str) -> None:
        super().__init__(reason)
        self.attempt = attempt


@dataclass(frozen=True, slots=True)
class TaskRunner:
    """Runs tasks of one build, one call each; several calls may run at a time."""

    options: BuildOptions
    journal: Journal
    claimed: ClaimedBuild
    toolset: Toolset
    ladder: Ladder
    voices: Sequence[Voice]
    amender: Amender
    reviewers: Sequence[Reviewer] = ()
    capabilities: Sequence[Capability | None] = ()
    """What each rung's model was seen to be able to do, where it was probed."""

    @property
    def lane(self) -> AcceptLane:
        return self.amender.lane

    async def run(self, name: str) -> Ending:
        """Try until the task has landed, the ladder has no rung left (the journal says why), or the plan changes."""
        async with self.amender.turn:
            task = await self._ready(name)
            if task is None:
                return "changed"
            self.amender.busy.add(name)
        try:
            return await self._run(task)
        finally:
            self.amender.busy.discard(name)

    async def _ready(self, name: str) -> Task | None:
        """The task as the plan has it now, if it may still begin."""
        states = {task.id: task.state for task in await self.journal.tasks(self.claimed.id)}
        planned = next((task for task in self.lane.plan.tasks if task.id == name), None)
        return planned if states.get(name) == "ready" else None

    async def _run(self, task: Task) -> Ending:
        for _ in range(LOSSES_PER_TASK):
            try:
                return await self._climb(task)
            except AttemptLost as lost:
                # The server may have died after it had landed the candidate: `main` knows.
                found = await landings(await self.toolset.contracting("main"), self.claimed.id)
                if landing := found.get(lost.attempt.id):
                    await self.claimed.accept_attempt(lost.attempt, commit=landing.commit, tree=landing.tree)
                    return "landed"
                await self.claimed.lose_attempt(lost.attempt, str(lost))
        return await self._give_up(task, f"its tools were lost {LOSSES_PER_TASK} times")

    async def _give_up(self, task: Task, reason: str) -> Ending:
        """Its dependents are skipped with it, so nobody may be revising a plan that has them as they were."""
        async with self.amender.turn:
            await self.claimed.fail_task(task.id, reason)
        return "failed"

    async def _climb(self, task: Task) -> Ending:
        """Attempt after attempt, as the ladder says; raises `AttemptLost` when a server dies under one."""
        while True:
            attempts = await self.journal.attempts(self.claimed.id, task.id)
            forgiven = await self._forgiven(task)
            if await self._reviewed(task, attempts, forgiven):
                return "changed"
            counted = history(attempts, forgiven)
            standing = await self._standing(task, attempts, forgiven)
            step = standing or next_step(self.ladder, counted, self._unfit(task))
            if step is None:
                return await self._give_up(task, f"all {len(counted)} attempts of the ladder were sent back")
            attempt = await self.claimed.dispatch_attempt(task.id, step, base=await self._head())
            try:
                earlier = Earlier(attempts, forgiven, stands=standing is not None)
                landed = await self._try(task, step, attempt, earlier)
            except ServerDown as fault:
                raise AttemptLost(attempt, str(fault)) from fault
            await self._put_away(task, attempt)
            if landed:
                return "landed"

    async def _reviewed(self, task: Task, attempts: Sequence[Attempt], forgiven: int) -> bool:
        for reviewer in self.reviewers if attempts else ():
            if await reviewer.review(task, attempts, forgiven):
                return True
        return False

    async def _standing(self, task: Task, attempts: Sequence[Attempt], forgiven: int) -> Step | None:
        """An earlier answer that the contract's newest version may be right about, if there is one."""
        if not forgiven:
            return None
        amendments = await self.journal.events_of(self.claimed.id, (AMENDED,))
        return standing_answer(task, attempts, forgiven, amendments, self.ladder)

    async def _forgiven(self, task: Task) -> int:
        """The attempts up to this number no longer count: build, contract or plan began anew since."""
        tasks = await self.journal.tasks(self.claimed.id)
        return next(one.forgiven for one in tasks if one.id == task.id)

    async def _head(self) -> str:
        desk = await self.toolset.contracting("main")
        return str((await commit_at(desk, MAIN_REF))["id"])

    async def _try(self, task: Task, step: Step, attempt: Attempt, earlier: Earlier) -> bool:
        """One attempt; whatever it brings ends in the journal."""
        try:
            await self._prepare(task, attempt, earlier)
            await self.claimed.start_attempt(attempt)
            submission = await self._perform(task, step, attempt, earlier)
        except (ModelFault, ToolRefused) as fault:
            await self.claimed.reject_attempt(
                attempt, from_fault("attempt", str(fault)), refused=True, reason=str(fault)
            )
            return False
        if submission.outcome != "submitted":
            await self._send_back(attempt, submission, submission.findings)
            return False
        try:
            await self.claimed.submit_attempt(attempt, commit=submission.commit, tree=submission.tree)
            findings = await self.lane.accept(task, attempt, submission)
        except StaleAttempt:
            return False  # another attempt counts by now; the journal has the event
        if findings:
            await self._send_back(attempt, submission, findings)
        else:
            await learn(await self.toolset.accepting(task, attempt.id), task, attempt, earlier.attempts)
        return not findings

    async def _put_away(self, task: Task, attempt: Attempt) -> None:
        """Remove the attempt's tree; its commit stays under its own ref. A tree that is left costs disk alone."""
        with suppress(ServerDown):
            desk = await self.toolset.accepting(task, attempt.id)
            await desk.maybe("git.worktree_remove", {})

    async def _prepare(self, task: Task, attempt: Attempt, earlier: Earlier) -> None:
        """The attempt's own tree: `main`, or the answer that it repairs, with the task's tests laid over it."""
        desk = await self.toolset.accepting(task, attempt.id, tree=attempt.id)
        arguments: dict[str, object] = {"revision": _revision(attempt, earlier)}
        if task.tests:
            arguments |= {"overlay": self.lane.contract, "overlay_paths": list(task.tests)}
        await desk.call("git.worktree_create", arguments)
        await desk.call("sandbox.env_prepare", {}, within=ENVIRONMENT_SECONDS)

    async def _perform(self, task: Task, step: Step, attempt: Attempt, earlier: Earlier) -> Submission:
        tools = await self.toolset.working(task, attempt)
        worker = Worker(ask=self.voices[step.rung].for_task(task.id, attempt.id), tools=tools)
        assignment = self._assignment(task, step, attempt, earlier)
        if self.toolset.base:
            assignment = await self._in_repository(assignment)
        if earlier.stands:
            told = {"answer": attempt.continues}
            await self.claimed.append("answer.repeated", told, task=task.id, attempt=attempt.id)
            return await worker.repeat(assignment)
        return await worker.perform(fitted(assignment, self._known(step.rung)))

    async def _in_repository(self, assignment: Assignment) -> Assignment:
        """The assignment with the files that its own files and tests use, out of a repository that is changed.

        Who changes long files may write single definitions: where the prompt is short of room, it gets what such an
        answer does not need.
        """
        task = assignment.task
        desk = await self.toolset.accepting(task, assignment.attempt)
        listed = (await desk.call("sandbox.file_search", {"pattern": "*", "limit": FILES_LISTED})).data or {}
        own = (*task.files, *task.tests)
        texts = {path: await text_at(desk, self.lane.contract, path) or "" for path in own}
        near = neighbours(texts, [str(path) for path in listed.get("paths", ())])
        update: dict[str, object] = {"reads": tuple(dict.fromkeys((*assignment.reads, *near)))}
        room = assignment.context_tokens - assignment.answer_tokens - PROMPT_TOKENS
        tight = sum(map(estimate_tokens, texts.values())) > room
        if tight and long_files({path: texts[path] for path in task.files}):
            update["answer_tokens"] = min(assignment.answer_tokens, PARTS_TOKENS)
        return assignment.model_copy(update=update)

    def _known(self, rung: int) -> Capability | None:
        return self.capabilities[rung] if rung < len(self.capabilities) else None

    def _unfit(self, task: Task) -> frozenset[int]:
        """The rungs whose models were seen not to do work of this kind."""
        known = enumerate(self.capabilities)
        return frozenset(rung for rung, one in known if one is not None and not one.fits(task.type))

    def _assignment(self, task: Task, step: Step, attempt: Attempt, earlier: Earlier) -> Assignment:
        plan = self.lane.plan
        return Assignment(
            build=self.claimed.id,
            project=plan.name,
            summary=plan.summary,
            stack=plan.stack,
            task=task,
            attempt=attempt.id,
            number=1 + len(earlier.sent_back),
            kind=step.kind,
            reads=reads_of(plan, task),
            skeleton=plan.skeleton,
            findings=earlier.findings,
            context_tokens=self.options.context_tokens,
            answer_tokens=self.options.answer_tokens,
        )

    async def _send_back(self, attempt: Attempt, submission: Submission, findings: Sequence[Finding]) -> None:
        refused = submission.outcome in {"blocked", "too_big", "contract"}
        if refused:
            findings = [Finding(stage="attempt", rule=submission.outcome, message=submission.note)]
        await self.claimed.reject_attempt(
            attempt,
            findings,
            refused=refused,
            reason=findings[0].message if findings else submission.outcome,
            commit=submission.commit,
            tree=submission.tree,
        )


def reads_of(plan: Plan, task: Task) -> tuple[str, ...]:
    """What a worker is shown besides its own: the skeleton's code and the files of the tasks it depends on."""
    tasks = {other.id: other for other in plan.tasks}
    depended = [path for name in task.depends for path in tasks[name].files]
    if task.type in {"devops", "documentation", "integration", "testing"}:
        depended = [path for other in plan.tasks if other.id != task.id for path in other.files]
    # What pytest hands to tests stands in no import of theirs.
    skeleton = [path for path in plan.skeleton if not is_test_file(path) or path.endswith("conftest.py")]
    if task.type == "documentation":  # the tests hold the commands and outputs that a reader needs
        skeleton = list(plan.skeleton)
        depended += [path for other in plan.tasks for path in other.tests]
    shown = [*skeleton, *depended]
    return tuple(dict.fromkeys(path for path in shown if path not in task.files))


def _revision(attempt: Attempt, earlier: Earlier) -> str:
    """A repair starts from the answer that it repairs, if that got as far as a commit; all else from `main`."""
    commits: Mapping[str, str] = {old.id: old.commit for old in earlier.attempts}
    return commits.get(attempt.continues) or attempt.base
