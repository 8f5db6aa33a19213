"""A build's report: what was asked, what was proved and by what, what it took, and what was not proved."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from codegod_orchestrator.budget import all_events, past_of
from codegod_orchestrator.capability import NO_IMAGE, unproved_parts
from codegod_orchestrator.evidence import EMPTY, Evidence
from codegod_orchestrator.forecast import FORECAST, Forecast
from codegod_orchestrator.hollow.null_bodies import NULL_KINDS
from codegod_orchestrator.hollow.null_evidence import NullBodies, null_bodies_of, unproved_task
from codegod_orchestrator.journal import Attempt, Build, Contract, Event, Journal, Task
from codegod_orchestrator.limits import Limits
from codegod_orchestrator.options import BuildOptions
from codegod_orchestrator.reports.evidence_document import document_of
from codegod_orchestrator.reports.solved import Solved, solved_by
from codegod_orchestrator.spend import Spend

if TYPE_CHECKING:
    from codegod_kit.plan import Behaviour, Plan

# The event that holds the last run of the whole suite on what is delivered, and the one that says where it went.
LAST_RUN = "build.checked"
DELIVERED = "build.delivered"
# The event that holds what the acceptance tests saw of each behaviour.
ACCEPTANCE = "acceptance.seen"
# The event that holds the acceptance tests as they were written.
WRITTEN = "acceptance.written"
# The event that holds what a Docker engine made of the Dockerfile.
IMAGE = "image.seen"
# The events that hold what a change found, and which tests fail as they did before it.
SURVEYED = "change.surveyed"
STILL_FAILING = "change.still_failing"
# Where a build changed its mind, and what became of that.
REVISIONS = ("contract.ruled", "contract.amended", "amendment.dropped", "plan.revised", "plan.kept")
NO_LIMITS = Limits()
NO_NULL_BODIES = NullBodies()


@dataclass(frozen=True, slots=True)
class Proof:
    """RED and GREEN of one task: the tests that could tell its stubs from code, and what became of them."""

    red: tuple[str, ...]  # failed on the stubs, by their marker or an assertion
    green: tuple[str, ...]  # of those: passed on the tree that landed
    open: tuple[str, ...]  # of those: not seen to pass
    guards: tuple[str, ...]  # passed on the stubs already, so they prove nothing
    hollow: tuple[str, ...]  # failed on the stubs and passed on null bodies, so they prove nothing either
    empty: tuple[str, ...]  # assert nothing, so they prove nothing either
    tree: str
    commit: str
    level: str


@dataclass(frozen=True, slots=True)
class TaskReport:
    task: Task
    proof: Proof
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class BehaviourSeen:
    """What an acceptance test saw of one behaviour that was asked for; `untested` when no test saw it."""

    id: str
    text: str
    test: str = ""
    outcome: str = "untested"
    message: str = ""


@dataclass(frozen=True, slots=True)
class Revision:
    """One step of an amendment or of a revised plan."""

    kind: str
    task: str
    version: int  # of the contract or the plan; 0 where the step made none
    ruling: str
    reason: str
    reopened: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Report:
    build: Build
    name: str
    behaviours: "tuple[Behaviour, ...]"
    tasks: tuple[TaskReport, ...]
    last_run: Evidence | None
    delivered: str
    spend: Spend
    levels: tuple[str, ...]  # the sandbox levels that were in force when something was proved
    seconds: float
    unproved: tuple[str, ...]
    worked: float = 0.0  # seconds of work: without the time between an interruption and a resume
    accepted: tuple[BehaviourSeen, ...] = ()  # what the last acceptance run saw; empty when there was none
    ladder: tuple[Solved, ...] = ()
    revisions: tuple[Revision, ...] = ()
    contracts: int = 0  # versions of the contract
    null_bodies: NullBodies = NO_NULL_BODIES  # what its tests were tried with
    limits: Limits = NO_LIMITS
    forecast: Forecast | None = None
    branch: str = ""  # what a change was handed over as
    base: str = ""  # the commit that a change started from
    failing_before: tuple[str, ...] = ()  # tests that did not pass before a change
    still_failing: tuple[str, ...] = ()  # of those: they do not pass now either


async def read_report(journal: Journal, build: str) -> Report:
    """The report of a build as it stands, ended or not; raise `UnknownBuild`."""
    report, _, _ = await _read(journal, build)
    return report


async def evidence_document(journal: Journal, build: str) -> dict[str, Any]:
    """All that proves a build, as JSON values: RED, GREEN, trees, findings, calls, rungs; raise `UnknownBuild`."""
    return document_of(*await _read(journal, build))


async def _read(journal: Journal, build: str) -> tuple[Report, Sequence[Contract], Sequence[Event]]:
    """The report, with the contracts and events that it was made of."""
    found, events = await journal.build(build), await all_events(journal, build)
    contracts = await journal.contracts(build)
    report = report_of(
        found,
        await journal.tasks(build),
        await journal.attempts(build),
        contracts,
        events,
        await journal.spend(build),
    )
    return report, contracts, events


def report_of(
    build: Build,
    tasks: Sequence[Task],
    attempts: Sequence[Attempt],
    contracts: Sequence[Contract],
    events: Sequence[Event],
    spend: Spend,
) -> Report:
    """The report in these records; `events` are those of the build, oldest first."""
    plan = _plan(build)
    red = contracts[-1].evidence if contracts else None
    reports = tuple(_task_report(task, attempts, red) for task in tasks)
    runs = [Evidence.model_validate(event.data) for event in events if event.kind == LAST_RUN]
    places = [str(event.data.get("path", "")) for event in events if event.kind == DELIVERED]
    last_run = runs[-1] if runs else None
    past = past_of(events, build.ended or (events[-1].at if events else build.created))
    accepted = _accepted(events)
    seen = [one for one in (red, last_run, *(attempt.evidence for attempt in attempts)) if one is not None]
    return Report(
        build=build,
        name=plan.name if plan else "",
        behaviours=plan.behaviours if plan else (),
        tasks=reports,
        last_run=last_run,
        delivered=places[-1] if places else "",
        spend=spend,
        levels=tuple(dict.fromkeys(one.level for one in seen if one.level)),
        seconds=((build.ended or datetime.now(UTC)) - build.created).total_seconds(),
        unproved=(
            *_unproved_tasks(reports),
            *null_bodies_of(events).unproved,
            *_unproved_run(last_run),
            *(
                f"test {test} failed before the change, and fails still"
                for test in _change(events).get("still_failing", ())
            ),
            *_unproved_wishes(plan, accepted),
            *_proved_before(accepted, events),
            *_unproved_image(plan, events),
        ),
        worked=past.seconds,
        accepted=accepted,
        ladder=solved_by({task.id: task.type for task in tasks}, attempts, spend.by_attempt),
        revisions=tuple(_revision(event) for event in events if event.kind in REVISIONS),
        contracts=len(contracts),
        null_bodies=null_bodies_of(events),
        limits=past.limits or _started_with(build),
        forecast=_forecast(events),
        **_change(events),
    )


def _change(events: Sequence[Event]) -> dict[str, Any]:
    """What there is to say of the repository that was changed; nothing for a new application."""
    delivered = [event.data for event in events if event.kind == DELIVERED]
    surveyed = [event.data for event in events if event.kind == SURVEYED]
    failing = [event.data for event in events if event.kind == STILL_FAILING]
    if not surveyed:
        return {}
    return {
        "branch": str(delivered[-1].get("branch", "")) if delivered else "",
        "base": str(surveyed[-1]["commit"]),
        "failing_before": tuple(map(str, surveyed[-1]["known"]["tests"])),
        "still_failing": tuple(map(str, failing[-1]["tests"])) if failing else (),
    }


def _plan(build: Build) -> "Plan | None":
    from codegod_kit.plan import parse_plan

    return parse_plan(build.plan) if build.plan else None


def _accepted(events: Sequence[Event]) -> tuple[BehaviourSeen, ...]:
    runs = [event.data.get("behaviours", ()) for event in events if event.kind == ACCEPTANCE]
    fields = ("id", "text", "test", "outcome", "message")
    return tuple(
        BehaviourSeen(**{name: str(one[name]) for name in fields if name in one})
        for one in (runs[-1] if runs else ())
    )


def _revision(event: Event) -> Revision:
    data = event.data
    reopened = data.get("reopened", ())
    return Revision(
        kind=event.kind,
        task=event.task,
        version=int(data.get("version") or 0),
        ruling=str(data.get("ruling", "")),
        reason=str(data.get("reason", "")),
        reopened=tuple(map(str, reopened)),
        at=event.at,
    )


def _started_with(build: Build) -> Limits:
    """The limits that a build was started with; one that an older version has begun has none."""
    known = {name: value for name, value in build.options.items() if name == "limits"}
    return BuildOptions.model_validate({"master": "", "ladder": (), **known}).limits


def _forecast(events: Sequence[Event]) -> Forecast | None:
    kept = [event.data for event in events if event.kind == FORECAST]
    return Forecast.model_validate(kept[-1]) if kept else None


def _task_report(task: Task, attempts: Sequence[Attempt], red: Evidence | None) -> TaskReport:
    own = tuple(sorted((one for one in attempts if one.task == task.id), key=lambda one: one.number))
    accepted = next((attempt for attempt in own if attempt.id == task.accepted_attempt), None)
    return TaskReport(task, _proof(task, accepted, red), own)


def _proof(task: Task, accepted: Attempt | None, red: Evidence | None) -> Proof:
    contract = [test for test in red.tests if test.file in task.tests] if red else []
    failed_first = tuple(test.id for test in contract if test.red)
    seen = accepted.evidence if accepted else None
    passed = {test.id for test in seen.tests if test.outcome == "passed"} if seen else set()
    return Proof(
        red=failed_first,
        green=tuple(test for test in failed_first if test in passed),
        open=tuple(test for test in failed_first if test not in passed),
        guards=tuple(test.id for test in contract if test.outcome == "passed"),
        hollow=tuple(test.id for test in contract if test.fails_on_stubs and {*NULL_KINDS} & {*test.hollow}),
        empty=tuple(test.id for test in contract if EMPTY in test.hollow),
        tree=seen.tree if seen else "",
        commit=accepted.commit if accepted else "",
        level=seen.level if seen else "",
    )


def _unproved_tasks(reports: Sequence[TaskReport]) -> list[str]:
    lines: list[str] = []
    for report in reports:
        task, proof = report.task, report.proof
        if task.state != "accepted":
            lines.append(
                f"task {task.id} is not built ({task.state}{f': {task.reason}' if task.reason else ''})"
            )
        elif proof.open:
            lines.append(
                f"task {task.id}: {len(proof.open)} of its tests were not seen to pass: {', '.join(proof.open)}"
            )
        elif not proof.red:
            lines.append(unproved_task(task.id, proof.guards, proof.hollow, proof.empty))
    return lines


def _unproved_run(last_run: Evidence | None) -> list[str]:
    if last_run is None:
        return ["the whole suite was not run on a finished tree"]
    lines = [f"test {test.id} {_ended(test.outcome)}" for test in last_run.tests if test.outcome != "passed"]
    skipped = [stage for stage in last_run.stages if stage.status != "passed"]
    lines += [
        f"the stage {stage.name} {_ended(stage.status)}{f': {stage.note}' if stage.note else ''}"
        for stage in skipped
    ]
    if not last_run.tests:
        lines.append("the last run had no tests")
    return lines


def _ended(status: str) -> str:
    return {"skipped": "was skipped", "timeout": "ran out of time", "error": "broke"}.get(status, "failed")


def _unproved_wishes(plan: "Plan | None", accepted: Sequence[BehaviourSeen]) -> list[str]:
    if plan is None:
        return ["there is no plan, so nothing is known of what was wanted"]
    wishes = accepted or [BehaviourSeen(wish.id, wish.text) for wish in plan.behaviours]
    open_ones = [_unproved_wish(wish) for wish in wishes if wish.outcome != "passed"]
    return [*open_ones, *(part for part in unproved_parts(plan) if part != NO_IMAGE)]


def _proved_before(accepted: Sequence[BehaviourSeen], events: Sequence[Event]) -> list[str]:
    """The behaviours that were there before a change already: their tests say that nothing was broken, and no more."""
    written = [event.data.get("before", ()) for event in events if event.kind == WRITTEN]
    before = set(map(str, written[-1])) if written else set()
    return [
        f"the test of {one.id} passed before the change already, so it shows that nothing was broken, and no more"
        for one in accepted
        if one.id in before and one.outcome == "passed"
    ]


def _unproved_image(plan: "Plan | None", events: Sequence[Event]) -> list[str]:
    """What a Docker engine did not show, if there was one."""
    seen = [event.data for event in events if event.kind == IMAGE]
    if not seen:
        return [NO_IMAGE] if plan and NO_IMAGE in unproved_parts(plan) else []
    note = f": {seen[-1]['note']}" if seen[-1].get("note") else ""
    if not seen[-1].get("built"):
        return [f"{NO_IMAGE}{note}"]
    return (
        []
        if seen[-1].get("answered")
        else [f"the image was built, and no container was seen to answer{note}"]
    )


def _unproved_wish(wish: BehaviourSeen) -> str:
    why = f": {wish.message}" if wish.message else ""
    if wish.outcome == "untested":
        return f"{wish.id} ({wish.text}): no test saw it from outside{why}"
    return f"{wish.id} ({wish.text}): {wish.test or 'its test'} {_ended(wish.outcome)}{why}"
