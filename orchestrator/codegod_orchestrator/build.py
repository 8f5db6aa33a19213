"""One build from its journalled state to its end. Started anew and resumed builds take the same way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import anyio

from codegod_kit.plan import Plan, parse_plan
from codegod_mesh import Mesh, ServerDown
from codegod_models import ModelFault, Provider
from codegod_orchestrator.accepting import AcceptLane
from codegod_orchestrator.attempts import TaskRunner
from codegod_orchestrator.capability import Facts, NotBuildable, capability_sheet, refuse_plan
from codegod_orchestrator.contract import Contractor, ContractRefused
from codegod_orchestrator.finishing import Finisher
from codegod_orchestrator.journal import Build, CancelRequested, ClaimedBuild, Journal, Landing
from codegod_orchestrator.ladder import Ladder, Rung
from codegod_orchestrator.landings import landings
from codegod_orchestrator.options import BuildOptions
from codegod_orchestrator.planning import Planner, PlanRefused
from codegod_orchestrator.redgreen import Red, red_of
from codegod_orchestrator.schedule import Schedule
from codegod_orchestrator.states import BUILD_ENDS, BuildState
from codegod_orchestrator.toolset import Toolset
from codegod_orchestrator.voice import Voice
from codegod_workers.worker import ToolRefused

CANCEL_WAIT_SECONDS = 5.0  # how long one wait for events lasts; a request wakes it at once in this process

_EXPECTED = (PlanRefused, NotBuildable, ContractRefused, ModelFault, ToolRefused, ServerDown)


@dataclass(frozen=True, slots=True)
class Models:
    """The opened providers of one build: who plans, and who tries the tasks in turn."""

    master: Provider
    rungs: Sequence[Provider]
    context_tokens: int | None = None
    """The smallest context among the rungs, where their servers say."""
    master_tokens: int | None = None
    """The most that the master may answer with, where its server says."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(str(provider.model) for provider in (self.master, *self.rungs))


@dataclass(frozen=True, slots=True)
class Builder:
    """Drives one claimed build. What it does is in the journal before anything builds on it."""

    journal: Journal
    claimed: ClaimedBuild
    mesh: Mesh
    models: Models
    facts: Facts
    extra_tools: Mapping[str, Sequence[str]]

    async def run(self) -> Build:
        """Bring the build to an end, or as far as it gets; a request to cancel ends it as `cancelled`."""
        reason = ""
        async with anyio.create_task_group() as group:
            group.start_soon(self._until_cancelled, group.cancel_scope)
            reason = await self._run_steps()
            group.cancel_scope.cancel()
        if reason:
            await self.claimed.advance("failed", reason=reason)
        build = await self.journal.build(self.claimed.id)
        if build.cancel_requested and build.state not in BUILD_ENDS:
            await self.claimed.advance("cancelled", reason="cancelled on request")
        return await self.journal.build(self.claimed.id)

    async def _run_steps(self) -> str:
        """Why the build failed; nothing when it came to its end or was asked to stop."""
        reason = ""
        try:
            await self._steps()
        except* CancelRequested:
            pass  # the build ends as cancelled
        except* _EXPECTED as group:
            reason = str(_first(group))
        return reason

    async def _until_cancelled(self, scope: anyio.CancelScope) -> None:
        build = await self.journal.build(self.claimed.id)
        if build.cancel_requested:
            scope.cancel()
            return
        seen = build.last_event
        while True:
            events = await self.journal.wait_events(self.claimed.id, seen, CANCEL_WAIT_SECONDS)
            if any(event.kind == "cancel.requested" for event in events):
                scope.cancel()
                return
            seen = events[-1].seq if events else seen

    async def _steps(self) -> None:
        build = await self.journal.build(self.claimed.id)
        options = BuildOptions.model_validate(build.options)
        plan = await self.plan(build, options)
        red = await self._contract(plan, options)
        await self._tasks(plan, options, red)
        await self._finish(plan, build.out)

    @property
    def _master(self) -> Voice:
        return Voice(self.models.master, self.claimed, answer_tokens=self.models.master_tokens)

    @property
    def _toolset(self) -> Toolset:
        return Toolset(self.mesh, self.claimed.id, self.facts.sandbox_level, self.extra_tools)

    async def _state(self) -> BuildState:
        return (await self.journal.build(self.claimed.id)).state

    async def plan(self, build: Build, options: BuildOptions) -> Plan:
        """The plan: the journal's, the user's own, or the master's."""
        if build.plan:
            return parse_plan(build.plan)
        if options.plan:
            plan = parse_plan(options.plan)
        else:
            planner = await self._planner(build.prompt)
            plan = await planner.plan(build.prompt, options)
        refuse_plan(plan)
        await self.claimed.save_plan(plan)
        return plan

    async def _planner(self, prompt: str) -> Planner:
        sheet = capability_sheet(self.facts, self.models.names, prompt)
        return Planner(self._master, await self._toolset.planning(), sheet)

    async def _contract(self, plan: Plan, options: BuildOptions) -> Red:
        """The proved contract's RED; written first when there is none."""
        if await self._state() == "planning":
            await self.claimed.advance("contracting")
        contracts = await self.journal.contracts(self.claimed.id)
        if not contracts:
            planner = await self._planner("")
            review = await planner.think(plan)
            material = "\n\n".join(
                [await planner.read(options.api_specs), await planner.read_references(plan.references)]
            ).strip()
            contractor = Contractor(plan, self._master, self._toolset, review, material)
            contracts = (await contractor.contract(),)
        if await self._state() == "contracting":
            await self.claimed.advance("running")
        return red_of(plan, contracts[-1].evidence.tests)

    async def _tasks(self, plan: Plan, options: BuildOptions, red: Red) -> None:
        """Run the plan's tasks, never more at a time than allowed, until none can run any more."""
        states = {task.id: task.state for task in await self.journal.tasks(self.claimed.id)}
        schedule = Schedule(
            plan.tasks,
            max_parallel=options.max_parallel,
            accepted=[name for name, state in states.items() if state == "accepted"],
            failed=[name for name, state in states.items() if state in {"failed", "skipped"}],
        )
        runner = self._runner(plan, options, red)
        tasks = {task.id: task for task in plan.tasks}
        ended, results = anyio.create_memory_object_stream[tuple[str, bool]](len(tasks) + 1)

        async def run_one(name: str) -> None:
            await ended.send((name, await runner.run(tasks[name])))

        async with ended, results, anyio.create_task_group() as group:
            while True:
                for name in schedule.take():
                    group.start_soon(run_one, name)
                if schedule.over:
                    return
                name, landed = await results.receive()
                if landed:
                    schedule.accepted(name)
                else:
                    schedule.failed(name)

    def _runner(self, plan: Plan, options: BuildOptions, red: Red) -> TaskRunner:
        return TaskRunner(
            plan=plan,
            options=self._measured(options),
            journal=self.journal,
            claimed=self.claimed,
            toolset=self._toolset,
            ladder=Ladder(tuple(Rung(name) for name in self.models.names[1:])),
            voices=[Voice(provider, self.claimed, rung) for rung, provider in enumerate(self.models.rungs)],
            lane=AcceptLane(plan, self.claimed, self._toolset, red),
        )

    def _measured(self, options: BuildOptions) -> BuildOptions:
        """The options with the context that the opened models really have."""
        measured = self.models.context_tokens
        return options.model_copy(update={"context_tokens": measured}) if measured else options

    async def _finish(self, plan: Plan, out: str) -> None:
        """Deliver what landed; `done` only when every task did and the last run was green."""
        if await self._state() == "running":
            await self.claimed.advance("finishing")
        attempts = await self.journal.attempts(self.claimed.id)
        accepted = {attempt.task: attempt for attempt in attempts if attempt.state == "accepted"}
        findings = await Finisher(plan, self.claimed, self._toolset).finish(out, accepted)
        missing = [task.id for task in plan.tasks if task.id not in accepted]
        if missing:
            await self.claimed.advance("partial", reason=f"not built: {', '.join(missing)}")
        elif findings:
            await self.claimed.advance("partial", reason=f"the last run on main: {findings[0]}")
        else:
            await self.claimed.advance("done")


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


async def recover(claimed: ClaimedBuild, journal: Journal, mesh: Mesh) -> None:
    """Take up a build whose last owner went away: landings are looked up in `main`, the rest is tried again."""
    build = await journal.build(claimed.id)
    landed: dict[str, Landing] = {}
    if build.state in {"running", "finishing"}:
        desk = await Toolset(mesh, claimed.id).contracting("main")
        landed = await landings(desk, claimed.id)
    await claimed.recover(landed)
    if build.state in {"partial", "failed"}:
        await claimed.reopen()
