"""The write side of one build: every method is one atomic write, fenced by the epoch of the claim.

Events: `build.created` `build.claimed` `build.state` `build.reopened` `cancel.requested` `plan.saved`
`contract.saved` `attempt.dispatched` `attempt.started` `attempt.submitted` `attempt.proved` `attempt.accepted`
`attempt.rejected` `attempt.lost` `attempt.stale` `task.failed` `contract.amended` `contract.settled` `plan.revised`
`model.called` `tool.called`, and whatever `append` is given. What an event changed beside its own subject stands in
its data: `ready` (tasks), `skipped`, `cancelled`, `reopened`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from codegod_orchestrator.blobs import Blobs, is_long
from codegod_orchestrator.evidence import Evidence
from codegod_orchestrator.journal import (
    attempt_writes,
    build_writes,
    call_writes,
    reads,
    revision_writes,
)
from codegod_orchestrator.journal.call_writes import KeptCall
from codegod_orchestrator.journal.change import Change, apply
from codegod_orchestrator.journal.faults import StaleAttempt
from codegod_orchestrator.journal.records import Attempt, Contract, Landing, ModelCall, Recovery, ToolCall
from codegod_orchestrator.journal.writer import Writer
from codegod_orchestrator.ladder import Step
from codegod_orchestrator.states import BuildState
from codegod_workers.records import Finding

if TYPE_CHECKING:
    from codegod_kit.plan import Plan

T = TypeVar("T")


class ClaimedBuild:
    """A build that this process alone may write to; `Journal.claim_build` makes one.

    Every method may raise `BuildTakenOver`. A transition that the table in `states.py` does not have raises
    `IllegalTransition`: that is a bug. A cancelled caller leaves a whole write behind or none.
    """

    def __init__(self, build: str, epoch: int, writer: Writer, blobs: Blobs) -> None:
        self.id = build
        self.epoch = epoch
        self._writer = writer
        self._blobs = blobs

    # -- the build ----------------------------------------------------------------------------------------------------

    async def advance(self, state: BuildState, *, reason: str = "", head: str = "") -> None:
        """Move the build on; `head` is what `main` stands on now.

        Ending it leaves nothing open: `cancelled` cancels every task and attempt that has not ended, any other end
        gives up open attempts. Raise `TasksUnproved` for a `done` with tasks that nobody accepted.
        """
        await self._change(lambda change: build_writes.advance(change, state, reason, head), durable=True)

    async def save_plan(self, plan: "Plan") -> None:
        """Keep the plan and its tasks; those without dependencies are ready. Until work begins it may be replaced."""
        from codegod_kit.plan import dump_plan

        text = dump_plan(plan)
        await self._change(lambda change: build_writes.save_plan(change, plan, text), durable=True)

    async def save_contract(self, commit: str, tree: str, red: Evidence) -> Contract:
        """Keep the next version of the contract, with what was seen of its tests on the stubs."""

        def save(change: Change) -> Contract:
            version = build_writes.save_contract(change, commit, tree, red)
            return Contract(change.id, version, commit, tree, red, change.now)

        return await self._change(save, durable=True)

    async def amend(self, task: str, reopened: Mapping[str, str], told: Mapping[str, Any]) -> None:
        """Note whose work the newest contract concerns: `task`, whose attempts no longer count, and the accepted
        tasks of `reopened` (with the reason), which are done once more. All wait until `settle`.
        """
        await self._change(lambda change: revision_writes.amend(change, task, reopened, told), durable=True)

    async def settle(self, told: Mapping[str, Any]) -> tuple[str, ...]:
        """Note that `main` has what it needs of the newest contract; returns the tasks that may run by it."""
        return await self._change(lambda change: revision_writes.settle(change, told), durable=True)

    async def revise_plan(self, plan: "Plan", asker: str, told: Mapping[str, Any]) -> int:
        """Replace the plan while tasks run; returns its version (2 or more). Call `settle` after it.

        Tasks that somebody works on or has ended must be as they were.
        """
        from codegod_kit.plan import dump_plan

        text = dump_plan(plan)
        return await self._change(
            lambda change: revision_writes.revise_plan(change, plan, text, asker, told), durable=True
        )

    async def fail_task(self, task: str, reason: str) -> tuple[str, ...]:
        """Give a task up; returns the tasks that are skipped because they depend on it."""
        return await self._change(lambda change: build_writes.fail_task(change, task, reason), durable=True)

    async def recover(self, landed: Mapping[str, Landing] | None = None) -> Recovery:
        """Take the build up after its last owner went away.

        `landed` names the attempts found in the trailers of `main`, newest first as git tells them: those that were proved but not yet accepted are
        accepted now. Every other open attempt is lost, and its task ready again. Raise `BuildEnded` for a build that is
        done or cancelled, `JournalDamaged` for a landing that cannot be this build's. A build that is `partial` or
        `failed` still has to be reopened after this.
        """

        def take_up(change: Change) -> Recovery:
            lost = attempt_writes.recover(change, landed or {})
            return reads.recovery(change.connection, self.id, lost)

        return await self._change(take_up, durable=True)

    async def reopen(self) -> None:
        """Let a `partial` or `failed` build be tried again: what failed is ready, what was skipped waits for it."""
        await self._change(build_writes.reopen, durable=True)

    # -- attempts -----------------------------------------------------------------------------------------------------

    async def dispatch_attempt(self, task: str, step: Step, *, base: str) -> Attempt:
        """Put a ready task in flight: its next attempt number, its next fence, the branch to commit to.

        Raise `CancelRequested` once somebody asked for an end.
        """

        def dispatch(change: Change) -> Attempt:
            return reads.attempt(
                change.connection, self.id, attempt_writes.dispatch(change, task, step, base)
            )

        return await self._change(dispatch)

    async def start_attempt(self, attempt: Attempt) -> None:
        """Note that work on it began."""
        await self._change(lambda change: attempt_writes.start(change, attempt.id, attempt.fence))

    async def submit_attempt(self, attempt: Attempt, *, commit: str, tree: str) -> None:
        """Note what the worker committed; raise `StaleAttempt` when the task no longer waits for this attempt."""
        await self._change(
            lambda change: attempt_writes.submit(change, attempt.id, attempt.fence, commit, tree)
        )

    async def prove_attempt(self, attempt: Attempt, green: Evidence) -> None:
        """Keep what the accept lane saw on the candidate's tree; call it before the candidate lands.

        Durable, so that whatever stands on `main` after a power cut has its evidence here.
        """
        await self._change(
            lambda change: attempt_writes.prove(change, attempt.id, attempt.fence, green), durable=True
        )

    async def accept_attempt(self, attempt: Attempt, *, commit: str, tree: str) -> tuple[str, ...]:
        """Accept the proved attempt that landed on `main` as `commit`; returns the tasks that it made ready.

        Raise `StaleAttempt` unless the task is in flight and waits for this attempt's fence, `EvidenceMissing` when
        nothing was proved.
        """
        return await self._change(
            lambda change: attempt_writes.accept(change, attempt.id, attempt.fence, commit, tree),
            durable=True,
        )

    async def reject_attempt(
        self,
        attempt: Attempt,
        findings: Sequence[Finding],
        *,
        refused: bool = False,
        reason: str = "",
        commit: str = "",
        tree: str = "",
    ) -> None:
        """Send an answer back; its task is ready again. `refused`: there is nothing in it to repair."""
        sent_back = attempt_writes.SentBack(tuple(findings), refused, reason, commit, tree)
        await self._change(lambda change: attempt_writes.reject(change, attempt.id, attempt.fence, sent_back))

    async def lose_attempt(self, attempt: Attempt, reason: str) -> None:
        """Give up an attempt that ended without an answer (its worker died); its task is ready again."""
        await self._change(lambda change: attempt_writes.lose(change, attempt.id, attempt.fence, reason))

    # -- what happened beside ---------------------------------------------------------------------------------------------

    async def append(
        self, kind: str, data: Mapping[str, Any] | None = None, *, task: str = "", attempt: str = ""
    ) -> int:
        """Record something that changes no state; returns the event's number."""
        return await self._change(lambda change: change.event(kind, data, task=task, attempt=attempt))

    async def record_model_call(self, call: ModelCall) -> None:
        """Record a model call, whether it worked or not."""
        kept = await self._keep(call.request, call.reply)
        await self._change(lambda change: call_writes.model_called(change, call, kept))

    async def tool_called(self, call: ToolCall) -> None:
        """Record a tool call; fits the mesh's `Recorder`."""
        kept = await self._keep(json.dumps(dict(call.arguments)), call.text, json.dumps(call.data))
        await self._change(lambda change: call_writes.tool_called(change, call, kept))

    async def _keep(self, sent: str, received: str, data: str = "") -> KeptCall:
        def keep() -> KeptCall:
            return KeptCall(*(self._blobs.keep(text) for text in (sent, received, data)))

        if any(is_long(text) for text in (sent, received, data)):
            return await anyio.to_thread.run_sync(keep)
        return keep()

    async def _change(self, do: Callable[[Change], T], *, durable: bool = False) -> T:
        outcome = await self._writer.write(
            lambda connection: apply(connection, self.id, self.epoch, do), durable=durable, topic=self.id
        )
        if isinstance(outcome, StaleAttempt):
            raise outcome
        return outcome
