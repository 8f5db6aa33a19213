"""One task from ready to accepted or given up: the ladder says what to try, a worker tries it, the lane judges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from codegod_kit.plan import Plan, Task
from codegod_mesh import ServerDown
from codegod_models import ModelFault
from codegod_orchestrator.accepting import AcceptLane
from codegod_orchestrator.contract import CONTRACT_REF, ENVIRONMENT_SECONDS, MAIN_REF, is_test_file
from codegod_orchestrator.evidence import Finding as Seen
from codegod_orchestrator.journal import Attempt, ClaimedBuild, Journal
from codegod_orchestrator.ladder import Ladder, Step, Tried, next_step
from codegod_orchestrator.options import BuildOptions
from codegod_orchestrator.toolset import Toolset
from codegod_orchestrator.voice import Voice
from codegod_workers import Assignment, Finding, Submission, Worker
from codegod_workers.worker import ToolRefused

LOSSES_PER_TASK = 3  # a task whose worker or server died this often in one run is given up as poison


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
    reopened: datetime | None = None

    async def run(self, task: Task) -> bool:
        """Try until the task has landed (True) or the ladder has no rung left (False, and the journal says why)."""
        losses = 0
        while losses < LOSSES_PER_TASK:
            history = self._since(await self.journal.attempts(self.claimed.id, task.id))
            step = next_step(self.ladder, map(_tried, history))
            if step is None:
                await self.claimed.fail_task(
                    task.id, f"all {len(history)} attempts of the ladder were sent back"
                )
                return False
            attempt = await self.claimed.dispatch_attempt(task.id, step, base=await self._head())
            try:
                landed = await self._try(task, step, attempt, history)
                await self._put_away(task, attempt)
                if landed:
                    return True
            except ServerDown as fault:
                losses += 1
                await self.claimed.lose_attempt(attempt, str(fault))
        await self.claimed.fail_task(task.id, f"its tools were lost {losses} times")
        return False

    def _since(self, attempts: Sequence[Attempt]) -> Sequence[Attempt]:
        """The attempts that count on the ladder: a reopened build climbs it anew."""
        return [
            attempt for attempt in attempts if self.reopened is None or attempt.dispatched > self.reopened
        ]

    async def _head(self) -> str:
        desk = await self.toolset.contracting("main")
        return str(((await desk.call("git.git_show", {"revision": MAIN_REF})).data or {})["id"])

    async def _try(self, task: Task, step: Step, attempt: Attempt, history: Sequence[Attempt]) -> bool:
        """One attempt; whatever it brings ends in the journal."""
        try:
            await self._prepare(task, attempt, history)
            await self.claimed.start_attempt(attempt)
            submission = await self._perform(task, step, attempt, history)
        except (ModelFault, ToolRefused) as fault:
            await self.claimed.reject_attempt(
                attempt, (Seen(stage="attempt", message=str(fault)),), refused=True, reason=str(fault)
            )
            return False
        if submission.outcome != "submitted":
            await self._send_back(attempt, submission, submission.findings)
            return False
        await self.claimed.submit_attempt(attempt, commit=submission.commit, tree=submission.tree)
        findings = await self.lane.accept(task, attempt, submission)
        if findings:
            await self._send_back(attempt, submission, findings)
        return not findings

    async def _put_away(self, task: Task, attempt: Attempt) -> None:
        """Remove the attempt's tree; its commit stays under its own ref."""
        desk = await self.toolset.accepting(task, attempt.id)
        await desk.maybe("git.worktree_remove", {})

    async def _prepare(self, task: Task, attempt: Attempt, history: Sequence[Attempt]) -> None:
        """The attempt's own tree: `main`, or the answer that it repairs, with the task's tests laid over it."""
        desk = await self.toolset.accepting(task, attempt.id, tree=attempt.id)
        arguments: dict[str, object] = {"revision": _revision(attempt, history)}
        if task.tests:
            arguments |= {"overlay": CONTRACT_REF, "overlay_paths": list(task.tests)}
        await desk.call("git.worktree_create", arguments)
        await desk.call("sandbox.env_prepare", {}, within=ENVIRONMENT_SECONDS)

    async def _perform(
        self, task: Task, step: Step, attempt: Attempt, history: Sequence[Attempt]
    ) -> Submission:
        tools = await self.toolset.working(task, attempt.id)
        worker = Worker(ask=self.voices[step.rung].for_task(task.id, attempt.id), tools=tools)
        return await worker.perform(self._assignment(task, step, attempt, history))

    def _assignment(self, task: Task, step: Step, attempt: Attempt, history: Sequence[Attempt]) -> Assignment:
        sent_back = [old for old in history if old.state == "rejected"]
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
            findings=tuple(_told(finding) for finding in sent_back[-1].findings) if sent_back else (),
            ref=attempt.branch,
            trailers=tuple(self.toolset.trailers(task.id, attempt.id, attempt.model)),
            context_tokens=self.options.context_tokens,
            answer_tokens=self.options.answer_tokens,
        )

    async def _send_back(self, attempt: Attempt, submission: Submission, findings: Sequence[Finding]) -> None:
        refused = submission.outcome in {"blocked", "too_big", "contract"}
        seen = [Seen(**finding.model_dump()) for finding in findings]
        if refused:
            seen = [Seen(stage="attempt", rule=submission.outcome, message=submission.note)]
        await self.claimed.reject_attempt(
            attempt,
            seen,
            refused=refused,
            reason=str(seen[0].message) if seen else submission.outcome,
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


def _tried(attempt: Attempt) -> Tried:
    outcome = "lost" if attempt.state != "rejected" else "refused" if attempt.refused else "rejected"
    return Tried(attempt.id, attempt.rung, attempt.kind, outcome)  # type: ignore[arg-type]  # one of the three


def _revision(attempt: Attempt, history: Sequence[Attempt]) -> str:
    """A repair starts from the answer that it repairs, if that got as far as a commit; all else from `main`."""
    commits: Mapping[str, str] = {old.id: old.commit for old in history}
    return commits.get(attempt.continues) or attempt.base


def _told(finding: Seen) -> Finding:
    return Finding(**finding.model_dump())
