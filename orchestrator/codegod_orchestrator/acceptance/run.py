"""The last word on a build: the tests that nobody saw, on the application as it is delivered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from codegod_kit.plan import Behaviour
from codegod_kit.plan_records import PORT_MARK
from codegod_orchestrator.acceptance.answer import FOLDER, STAGE, is_test_path
from codegod_orchestrator.acceptance.hidden_tests import ACCEPTANCE_REF, ACCEPTANCE_TREE, Acceptance
from codegod_orchestrator.acceptance.outside import RUN_SECONDS, seen_from_outside
from codegod_orchestrator.contract import MAIN_REF
from codegod_orchestrator.evidence import TestOutcome, TestSeen, tests_of
from codegod_orchestrator.journal import ClaimedBuild
from codegod_orchestrator.toolset import Toolset, commit_at, fresh_tree
from codegod_workers import Finding

__all__ = ["RUN_SECONDS", "SEEN", "AcceptanceRun", "AcceptanceSeen", "behaviours_seen", "others_seen"]

SEEN = "acceptance.seen"
_NOT_RUN = "its test did not run"


class BehaviourSeen(BaseModel):
    """One behaviour, its test, and what became of it; `untested` when there is no test."""

    model_config = ConfigDict(frozen=True)

    id: str
    text: str
    test: str = ""
    outcome: TestOutcome | Literal["untested"] = "untested"
    message: str = ""

    @property
    def proved(self) -> bool:
        return self.outcome == "passed"


class AcceptanceSeen(BaseModel):
    """The run as the journal has it."""

    model_config = ConfigDict(frozen=True)

    behaviours: tuple[BehaviourSeen, ...] = ()
    strict: bool = True
    start: str = ""
    tree: str = ""
    level: str = ""
    others: tuple[TestSeen, ...] = ()
    """Acceptance tests that no behaviour names, and that did not pass."""
    app: dict[str, Any] = {}
    """The application's own process: `started`, `health`, the end of its `log`; empty when none was to be started."""

    @property
    def unproved(self) -> tuple[BehaviourSeen, ...]:
        """What keeps the build from being done: what failed, and what a master left without a test."""
        return tuple(
            one for one in self.behaviours if not one.proved and (self.strict or one.outcome != "untested")
        )


@dataclass(frozen=True, slots=True)
class AcceptanceRun:
    """Runs the acceptance tests of one build on `main`."""

    claimed: ClaimedBuild
    toolset: Toolset

    async def run(self, acceptance: Acceptance) -> tuple[Finding, ...]:
        """Journal what was seen of each behaviour; a finding for each that keeps the build from being done."""
        report, tree = await self._report(acceptance)
        seen = AcceptanceSeen(
            behaviours=behaviours_seen(acceptance.behaviours, report, acceptance.note),
            strict=acceptance.strict,
            start=acceptance.start,
            tree=tree,
            others=others_seen(acceptance.behaviours, report),
            level=str(report.get("level", "")) or self.toolset.level,
            app=report.get("app", {}) if PORT_MARK in acceptance.start else {},
        )
        await self.claimed.append(SEEN, seen.model_dump(mode="json"))
        return (
            *_not_up(seen, report),
            *(
                Finding(stage=STAGE, path=one.id, message=f"{one.text}: {one.message or one.outcome}")
                for one in seen.unproved
            ),
            *(Finding(stage=STAGE, path=one.id, message=one.message or one.outcome) for one in seen.others),
        )

    async def _report(self, acceptance: Acceptance) -> tuple[Mapping[str, Any], str]:
        """The tool's report, and the tree of `main` that it speaks of; with nothing to test or start there is neither."""
        tests = [path for path in acceptance.files if acceptance.commit and is_test_path(path)]
        if not (tests or PORT_MARK in acceptance.start):
            return {}, ""
        over = {"overlay": ACCEPTANCE_REF, "overlay_paths": [FOLDER]} if tests else {}
        desk = await self.toolset.finishing(ACCEPTANCE_TREE)
        head = await commit_at(desk, MAIN_REF)
        await fresh_tree(desk, revision=MAIN_REF, **over)
        library = bool(self.toolset.base) and not acceptance.start
        report = await seen_from_outside(desk, acceptance.start, acceptance.health, tests, library=library)
        await desk.maybe("git.worktree_remove", {})
        return report, str(head["tree"])


def _not_up(seen: AcceptanceSeen, report: Mapping[str, Any]) -> tuple[Finding, ...]:
    """An application that nobody tests from outside has to start all the same, where its plan says how."""
    if PORT_MARK not in seen.start or seen.app.get("started") or any(one.test for one in seen.behaviours):
        return ()
    if not seen.app.get("tried", True):
        return ()  # the sandbox could not serve anything: the journal and the report say so
    why = seen.app.get("health") or _trouble(report)
    return (
        Finding(stage=STAGE, path="start", message=f"`{seen.start}` did not start the application: {why}"),
    )


def behaviours_seen(
    behaviours: Iterable[Behaviour], report: Mapping[str, Any], note: str = ""
) -> tuple[BehaviourSeen, ...]:
    """What a report says of each behaviour; `note` is why some have no test."""
    results = tests_of(report)
    found = (_seen(one, results, note, _trouble(report)) for one in behaviours)
    app = report.get("app", {})
    if app.get("tried", True):
        return tuple(found)
    why = f"({app.get('health', '')})"
    return tuple(
        one
        if one.proved or one.outcome == "untested"
        else one.model_copy(update={"message": f"{one.message} {why}".strip()})
        for one in found
    )


def others_seen(behaviours: Iterable[Behaviour], report: Mapping[str, Any]) -> tuple[TestSeen, ...]:
    """The tests of a report that belong to no behaviour and did not pass; a skipped one has nothing to say."""
    named = [one.test for one in behaviours if one.test]
    return tuple(
        one
        for one in tests_of(report)
        if one.outcome not in {"passed", "skipped"} and not any(_is_test(one.id, test) for test in named)
    )


def _trouble(report: Mapping[str, Any]) -> str:
    return "; ".join(str(finding.get("message", "")) for finding in report.get("findings", ())[:3])


def _seen(behaviour: Behaviour, results: Sequence[TestSeen], note: str, trouble: str) -> BehaviourSeen:
    told = {"id": behaviour.id, "text": behaviour.text, "test": behaviour.test}
    if not behaviour.test:
        return BehaviourSeen(**told, outcome="untested", message=note)
    own = [one for one in results if _is_test(one.id, behaviour.test)]
    if not own:
        return BehaviourSeen(**told, outcome="error", message=trouble or _NOT_RUN)
    # A parametrized test is as good as the worst of its cases.
    worst = next((one for one in own if one.outcome != "passed"), own[0])
    return BehaviourSeen(**told, outcome=worst.outcome, message=worst.message)


def _is_test(name: str, wanted: str) -> bool:
    """Whether `name` is the wanted test, a case of it, one of the wanted file, or the file that cannot be collected."""
    return (
        name == wanted or name.startswith((f"{wanted}[", f"{wanted}::")) or name == wanted.partition("::")[0]
    )
