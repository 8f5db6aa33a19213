"""One task from ready to accepted or given up: the ladder says what to try, a worker tries it, the lane judges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from codegod_kit.plan import Plan, Task
from codegod_mesh import ServerDown
from codegod_models import ModelFault
from codegod_orchestrator.accepting import AcceptLane
from codegod_orchestrator.contract import CONTRACT_REF, ENVIRONMENT_SECONDS, MAIN_REF, is_test_file
from codegod_orchestrator.journal import Attempt, ClaimedBuild, Journal, StaleAttempt
from codegod_orchestrator.ladder import Ladder, Step, history, next_step
from codegod_orchestrator.landings import landings
from codegod_orchestrator.options import BuildOptions
from codegod_orchestrator.toolset import Toolset
from codegod_orchestrator.voice import Voice
from codegod_workers import Assignment, Finding, Submission, Worker
from codegod_workers.findings import from_fault
from codegod_workers.worker import ToolRefused

LOSSES_PER_TASK = 3  # a task whose worker or server died this often in one run is given up as poison


class AttemptLost(Exception):
    """A server died under an attempt; nobody has judged it."""

    def __init__(self, attempt: Attempt, reason: str) -> None:
        super().__init__(reason)
        self.attempt = attempt


@dataclass(frozen=True, slots=True)
class TaskRunner:
    """Runs tasks of one build, one call each; several calls may run at a time."""

    plan: Plan
    options: BuildOptions
    journal: Journal
    claimed: ClaimedBuild
    toolset: Toolset
    ladder: Ladder
    voices: Sequence[Voice]
    lane: AcceptLane

    async def run(self, task: Task) -> bool:
        """Try until the task has landed (True) or the ladder has no rung left (False, and the journal says why)."""
        for _ in range(LOSSES_PER_TASK):
            try:
                return await self._climb(task)
            except AttemptLost as lost:
                # The server may have died after it had landed the candidate: `main` knows.
                found = await landings(await self.toolset.contracting("main"), self.claimed.id)
                if landing := found.get(lost.attempt.id):
                    await self.claimed.accept_attempt(lost.attempt, commit=landing.commit, tree=landing.tree)
                    return True
                await self.claimed.lose_attempt(lost.attempt, str(lost))
        await self.claimed.fail_task(task.id, f"its tools were lost {LOSSES_PER_TASK} times")
        return False

    async def _climb(self, task: Task) -> bool:
        """Attempt after attempt, as the ladder says; raises `AttemptLost` when a server dies under one."""
        while True:
            attempts = await self.journal.attempts(self.claimed.id, task.id)
            counted = history(attempts, await self._forgiven(task))
            step = next_step(self.ladder, counted)
            if step is None:
                await self.claimed.fail_task(
                    task.id, f"all {len(counted)} attempts of the ladder were sent back"
                )
                return False
            attempt = await self.claimed.dispatch_attempt(task.id, step, base=await self._head())
            try:
                landed = await self._try(task, step, attempt, attempts)
            except ServerDown as fault:
                raise AttemptLost(attempt, str(fault)) from fault
            await self._put_away(task, attempt)
            if landed:
                return True

    async def _forgiven(self, task: Task) -> int:
        """The attempts up to this number no longer count: the build was reopened since."""
        tasks = await self.journal.tasks(self.claimed.id)
        return next(one.forgiven for one in tasks if one.id == task.id)

    async def _head(self) -> str:
        desk = await self.toolset.contracting("main")
        return str(((await desk.call("git.git_show", {"revision": MAIN_REF})).data or {})["id"])

    async def _try(self, task: Task, step: Step, attempt: Attempt, earlier: Sequence[Attempt]) -> bool:
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
        return not findings

    async def _put_away(self, task: Task, attempt: Attempt) -> None:
        """Remove the attempt's tree; its commit stays under its own ref. A tree that is left costs disk alone."""
        with suppress(ServerDown):
            desk = await self.toolset.accepting(task, attempt.id)
            await desk.maybe("git.worktree_remove", {})

    async def _prepare(self, task: Task, attempt: Attempt, earlier: Sequence[Attempt]) -> None:
        """The attempt's own tree: `main`, or the answer that it repairs, with the task's tests laid over it."""
        desk = await self.toolset.accepting(task, attempt.id, tree=attempt.id)
        arguments: dict[str, object] = {"revision": _revision(attempt, earlier)}
        if task.tests:
            arguments |= {"overlay": CONTRACT_REF, "overlay_paths": list(task.tests)}
        await desk.call("git.worktree_create", arguments)
        await desk.call("sandbox.env_prepare", {}, within=ENVIRONMENT_SECONDS)

    async def _perform(
        self, task: Task, step: Step, attempt: Attempt, earlier: Sequence[Attempt]
    ) -> Submission:
        tools = await self.toolset.working(task, attempt)
        worker = Worker(ask=self.voices[step.rung].for_task(task.id, attempt.id), tools=tools)
        return await worker.perform(self._assignment(task, step, attempt, earlier))

    def _assignment(self, task: Task, step: Step, attempt: Attempt, earlier: Sequence[Attempt]) -> Assignment:
        sent_back = [old for old in earlier if old.state == "rejected"]
        return Assignment(
            build=self.claimed.id,
            project=self.plan.name,
            summary=self.plan.summary,
            stack=self.plan.stack,
            task=task,
            attempt=attempt.id,
            number=1 + len(sent_back),
            kind=step.kind,
            reads=reads_of(self.plan, task),
            findings=sent_back[-1].findings if sent_back else (),
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
    shown = [*(path for path in plan.skeleton if not is_test_file(path)), *depended]
    return tuple(dict.fromkeys(path for path in shown if path not in task.files))


def _revision(attempt: Attempt, earlier: Sequence[Attempt]) -> str:
    """A repair starts from the answer that it repairs, if that got as far as a commit; all else from `main`."""
    commits: Mapping[str, str] = {old.id: old.commit for old in earlier}
    return commits.get(attempt.continues) or attempt.base
