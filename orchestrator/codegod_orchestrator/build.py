"""One build from its journalled state to its end. Started anew and resumed builds take the same way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import anyio

from codegod_kit.plan import Plan, parse_plan
from codegod_mesh import Mesh, ServerDown
from codegod_models import ModelFault, Provider
from codegod_orchestrator.acceptance.before_change import AcceptanceBefore
from codegod_orchestrator.acceptance.hidden_tests import (
    Acceptance,
    AcceptanceRefused,
    Acceptor,
    standing_acceptance,
)
from codegod_orchestrator.accepting import AcceptLane
from codegod_orchestrator.amendment.amending import Amender
from codegod_orchestrator.amendment.replanning import Replanner
from codegod_orchestrator.amendment.ruling import Judge
from codegod_orchestrator.attempts import TaskRunner
from codegod_orchestrator.budget import Budget, LimitReached, PriceUnknown
from codegod_orchestrator.capability import Facts, NotBuildable, capability_sheet, refuse_plan
from codegod_orchestrator.contract import Contractor, ContractRefused
from codegod_orchestrator.finish.finishing import Finisher, why_partial
from codegod_orchestrator.forecast import foretell
from codegod_orchestrator.journal import Build, CancelRequested, ClaimedBuild, Journal, Landing
from codegod_orchestrator.known import Known
from codegod_orchestrator.ladder import Ladder, Rung
from codegod_orchestrator.landings import landings
from codegod_orchestrator.options import BuildOptions
from codegod_orchestrator.planning import Planner, PlanRefused
from codegod_orchestrator.redgreen import Red, red_of, unproved_tasks
from codegod_orchestrator.running import run_tasks
from codegod_orchestrator.states import BUILD_ENDS, BuildState
from codegod_orchestrator.survey_text import SURVEY_TOKENS
from codegod_orchestrator.surveying import BASE_REF, Ground, Surveyor, SurveyRefused
from codegod_orchestrator.toolset import Toolset
from codegod_orchestrator.voice import Voice
from codegod_workers.capability import Capability
from codegod_workers.worker import ToolRefused

# Whoever asks writes to the journal, often from another process: one small read each time.
CANCEL_POLL_SECONDS = 0.5

_EXPECTED = (
    PlanRefused,
    NotBuildable,
    ContractRefused,
    ModelFault,
    ToolRefused,
    ServerDown,
    PriceUnknown,
    AcceptanceRefused,
    SurveyRefused,
)


@dataclass(frozen=True, slots=True)
class Models:
    """The opened providers of one build: who plans, and who tries the tasks in turn."""

    master: Provider
    rungs: Sequence[Provider]
    context_tokens: int | None = None
    """The smallest context among the rungs, where their servers say."""
    master_tokens: int | None = None
    """The most that the master may answer with, where its server says."""
    capabilities: tuple[Capability | None, ...] = ()
    """What `codegod doctor --model` has found out about each rung; empty or None: nothing."""

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
    budget: Budget = field(default_factory=Budget)
    ground: Ground | None = None
    """The repository that is changed, once it is surveyed; None: a new application is built."""
    known: Known | None = None
    """What was wrong there, beside what the contract of the change wants to be mended."""

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
        except* LimitReached as group:
            reached = _first(group)
            assert isinstance(reached, LimitReached)  # noqa: S101 - the clause takes nothing else
            await self.claimed.advance(
                "partial", reason=f"{reached} Go on with: {reached.advice(self.claimed.id)}"
            )
        except* _EXPECTED as group:
            reason = str(_first(group))
        return reason

    async def _until_cancelled(self, scope: anyio.CancelScope) -> None:
        while True:
            build = await self.journal.build(self.claimed.id)
            if build.cancel_requested:
                scope.cancel()
                return
            await anyio.sleep(CANCEL_POLL_SECONDS)

    async def _steps(self) -> None:
        build = await self.journal.build(self.claimed.id)
        options = BuildOptions.model_validate(build.options)
        await self._count(options)
        builder = await self._grounded(build, options)
        plan = await builder.plan(build, options)
        builder = builder._judging(plan)
        red = await builder._contract(plan, options)
        builder = builder._wanting(red)
        plan = await builder._tasks(plan, options, red)
        await builder._finish(plan, build.out)

    async def _grounded(self, build: Build, options: BuildOptions) -> Self:
        """This with the repository that is to be changed, brought in and surveyed; itself for a new application."""
        if options.origin is None:
            return self
        bare = replace(self._toolset, base=BASE_REF)
        surveyor = Surveyor(self.journal, self.claimed, bare, options.origin)
        survey = await surveyor.survey()
        if await self.journal.contracts(self.claimed.id):
            return replace(self, ground=Ground(options.origin, survey))
        room = min(SURVEY_TOKENS, self.models.master_tokens or SURVEY_TOKENS)
        return replace(self, ground=await surveyor.ground(survey, build.prompt, room))

    def _judging(self, plan: Plan) -> Self:
        """This, where checks leave out what was wrong before, but for the files of the change's own contract."""
        if self.ground is None:
            return self
        own = {path for task in plan.tasks for path in (*task.tests, *task.files)}
        return replace(self, known=self.ground.survey.known.beside(own))

    def _wanting(self, red: Red) -> Self:
        """This, where checks leave out what was wrong before, but for the tests that prove the change."""
        if self.ground is None:
            return self
        return replace(self, known=self.ground.survey.known.but(red.evidence))

    @property
    def _master(self) -> Voice:
        return Voice(
            self.models.master, self.claimed, answer_tokens=self.models.master_tokens, budget=self.budget
        )

    async def _count(self, options: BuildOptions) -> None:
        """Count what was spent before, once, and see that the limits can be kept."""
        if not self.budget.counting:
            models = [provider.model for provider in (self.models.master, *self.models.rungs)]
            await self.budget.take_up(self.journal, self.claimed, options.limits, models)

    @property
    def _toolset(self) -> Toolset:
        base = BASE_REF if self.ground else ""
        return Toolset(
            self.mesh, self.claimed.id, self.facts.sandbox_level, self.extra_tools, base, self.known
        )

    async def _state(self) -> BuildState:
        return (await self.journal.build(self.claimed.id)).state

    async def plan(self, build: Build, options: BuildOptions) -> Plan:
        """The plan: the journal's, the user's own, or the master's."""
        if build.plan:
            return parse_plan(build.plan)
        await self._count(options)
        given = parse_plan(options.plan) if options.plan else None
        acceptance = await self._acceptance(build, options, given)
        planner = await self._planner(build.prompt, acceptance.sheet)
        plan = given or await planner.plan(build.prompt, options, acceptance.behaviours, acceptance.start)
        plan = acceptance.put_into(plan)
        refuse_plan(plan, self.facts.programs)
        await self.claimed.save_plan(plan)
        await foretell(
            self.journal,
            plan,
            master=self.models.master.model,
            ladder=[provider.model for provider in self.models.rungs],
            parallel=options.max_parallel,
            claimed=self.claimed,
        )
        return plan

    async def _acceptance(self, build: Build, options: BuildOptions, given: Plan | None) -> Acceptance:
        """What will count as done: the journal's, or the master's from the prompt alone."""
        if given is not None:
            refuse_plan(given, self.facts.programs)
        if standing := await standing_acceptance(self.journal, self.claimed.id):
            return standing
        planner = await self._planner(build.prompt)
        old = self.ground.plan if self.ground else None
        started = (old.start, old.health) if old else ("", "")
        acceptor = Acceptor(
            self._master,
            self._toolset.apart,
            sheet=planner.sheet,
            wishes=options.wishes,
            specifications=await planner.read(options.api_specs),
            given=given,
            repository=self.ground.text if self.ground else "",
            started=started,
            before=AcceptanceBefore(self._toolset, started) if self.ground else None,
        )
        return await acceptor.write(build.prompt)

    async def _planner(self, prompt: str, *more: str) -> Planner:
        sheet = "\n\n".join([capability_sheet(self.facts, self.models.names, prompt), *filter(None, more)])
        return Planner(self._master, await self._toolset.planning(), sheet, self.ground)

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
            contractor = Contractor(plan, self._master, self._toolset, review, material, self.ground)
            contracts = (await contractor.contract(),)
        if await self._state() == "contracting":
            await self.claimed.advance("running")
        return red_of(plan, contracts[-1].evidence.tests)

    async def _tasks(self, plan: Plan, options: BuildOptions, red: Red) -> Plan:
        """Run the plan's tasks until none can run any more; returns the plan that stands then."""
        lane = AcceptLane(plan, self.claimed, self._toolset, red, self.journal)
        amender = Amender(self.journal, self.claimed, self._toolset, lane, self._contractor)
        await amender.refresh()
        await amender.take_up()
        runner = self._runner(options, amender)
        await run_tasks(self.journal, self.claimed.id, runner, options.max_parallel)
        return lane.plan

    def _contractor(self, plan: Plan) -> Contractor:
        return Contractor(plan, self._master, self._toolset, ground=self.ground)

    def _runner(self, options: BuildOptions, amender: Amender) -> TaskRunner:
        return TaskRunner(
            options=self._measured(options),
            journal=self.journal,
            claimed=self.claimed,
            toolset=self._toolset,
            ladder=Ladder(tuple(Rung(name) for name in self.models.names[1:])),
            voices=[
                Voice(provider, self.claimed, rung, budget=self.budget)
                for rung, provider in enumerate(self.models.rungs)
            ],
            capabilities=self.models.capabilities or (None,) * len(self.models.rungs),
            amender=amender,
            reviewers=(
                Judge(self._master, amender),
                Replanner(self._master, amender, programs=self.facts.programs),
            ),
        )

    def _measured(self, options: BuildOptions) -> BuildOptions:
        """The options with the context that the opened models really have."""
        measured = self.models.context_tokens
        return options.model_copy(update={"context_tokens": measured}) if measured else options

    async def _finish(self, plan: Plan, out: str) -> None:
        """Deliver what landed; `done` only when every task did and the last run was green."""
        if await self._state() == "running":
            await self.claimed.advance("finishing")
        # A task that was amended after its acceptance, and not done again, has an accepted attempt that no longer counts.
        current = {task.accepted_attempt for task in await self.journal.tasks(self.claimed.id)}
        attempts = await self.journal.attempts(self.claimed.id)
        accepted = {attempt.task: attempt for attempt in attempts if attempt.id in current}
        acceptance = await standing_acceptance(self.journal, self.claimed.id)
        prompt = (await self.journal.build(self.claimed.id)).prompt
        finisher = Finisher(plan, self.claimed, self._toolset, prompt, self.ground)
        findings = await finisher.finish(out, accepted, acceptance)
        contract = (await self.journal.contracts(self.claimed.id))[-1]
        weak = unproved_tasks(plan, red_of(plan, contract.evidence.tests))
        if reason := why_partial(plan, accepted, findings, weak):
            await self.claimed.advance("partial", reason=reason)
        else:
            await self.claimed.advance("done")


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


async def recover(claimed: ClaimedBuild, journal: Journal, mesh: Mesh) -> None:
    """Take up a build whose last owner went away: landings are looked up in `main`, the rest is tried again."""
    build = await journal.build(claimed.id)
    landed: dict[str, Landing] = {}
    if build.state in {"running", "finishing"} or await journal.contracts(claimed.id):
        desk = await Toolset(mesh, claimed.id).contracting("main")
        landed = await landings(desk, claimed.id)
    await claimed.recover(landed)
    if build.state in {"partial", "failed"}:
        await claimed.reopen()
