"""What a change starts from: the user's commit brought into the build, and what it is like before anybody touches it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from codegod_kit.plan import Plan, PlanFault, parse_plan
from codegod_orchestrator.contract_files import PLAN_FILE
from codegod_orchestrator.evidence import StageSeen, tests_of
from codegod_orchestrator.informed import STAGES, SUITE_SECONDS
from codegod_orchestrator.journal import ClaimedBuild, Journal
from codegod_orchestrator.known import Known, known_of
from codegod_orchestrator.options import Origin
from codegod_orchestrator.revisions import text_at
from codegod_orchestrator.survey_text import chosen_files, survey_text
from codegod_orchestrator.toolset import Desk, Toolset, fresh_tree
from codegod_workers.worker import ToolRefused

BASE_REF: Final = "refs/codegod/base"
SURVEY_TREE: Final = "base"
SURVEYED: Final = "change.surveyed"

IMPORT_SECONDS = 120.0  # the largest tree that is taken, from a slow disk
ENVIRONMENT_SECONDS = 600.0  # a first download of everything that a grown project needs
FILES_LISTED = 1_000  # the most that one answer lists; a larger repository is shown by its first
# By these a run says that it shows nothing: then no test could tell a good change from a bad one.
_BROKEN_OFF: Final = frozenset({"report-cut", "report-disagrees", "tests-broken"})


class SurveyRefused(Exception):
    """The repository cannot be changed here; the message says what to do next."""


class Survey(BaseModel):
    """The commit before the change, as the journal has it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    commit: str
    tree: str
    level: str = ""
    passed: int = 0
    """Tests that passed."""
    known: Known = Known()
    """What was wrong already."""
    stages: tuple[StageSeen, ...] = ()
    files: int = 0
    ours: bool = False
    """Whether it is a result of ours, with the plan that it was built by."""


@dataclass(frozen=True, slots=True)
class Ground:
    """A survey with what its reader needs beside it."""

    origin: Origin
    survey: Survey
    files: frozenset[str] = frozenset()
    """The paths of the commit; empty when nobody needs them any more."""
    text: str = ""
    """The repository as the master is shown it."""
    plan: Plan | None = None
    """The plan of a result of ours."""


@dataclass(frozen=True, slots=True)
class Surveyor:
    """Brings one commit in and looks at it. Asked again after a crash, it goes on where it was."""

    journal: Journal
    claimed: ClaimedBuild
    toolset: Toolset
    origin: Origin

    async def survey(self) -> Survey:
        """The journal's survey, or a new one; raises `SurveyRefused` when the commit's tests cannot be run."""
        events = await self.journal.events_of(self.claimed.id, (SURVEYED,))
        if events:
            return Survey.model_validate(events[-1].data)
        desk = await self._desk()
        await desk.call("git.git_init", {})
        source = {"source": self.origin.folder, "commit": self.origin.commit}
        imported = (await desk.call("git.repo_import", source, within=IMPORT_SECONDS)).data or {}
        await fresh_tree(desk, revision=BASE_REF)
        report = await self._check(desk)
        survey = Survey(
            commit=self.origin.commit,
            tree=str(imported["tree"]),
            level=str(report.get("level", "")) or self.toolset.level,
            passed=sum(test.outcome == "passed" for test in tests_of(report)),
            known=known_of(report),
            stages=tuple(StageSeen.model_validate(stage) for stage in report.get("stages", ())),
            files=int(imported["files"]),
            ours=await self._plan(desk) is not None,
        )
        await self.claimed.append(SURVEYED, survey.model_dump(mode="json"))
        return survey

    async def ground(self, survey: Survey, words: str, tokens: int) -> Ground:
        """The survey with the repository's text, within `tokens`, for a master that plans by the user's `words`."""
        desk = await self._desk()
        await fresh_tree(desk, revision=BASE_REF)
        listed = (await desk.call("sandbox.file_search", {"pattern": "*", "limit": FILES_LISTED})).data or {}
        paths = [str(path) for path in listed.get("paths", ())]
        texts = {path: await text_at(desk, BASE_REF, path) or "" for path in chosen_files(paths, words)}
        plan = await self._plan(desk)
        text = survey_text(survey.passed, survey.known, paths, texts, words, tokens, plan)
        await desk.maybe("git.worktree_remove", {})
        return Ground(self.origin, survey, frozenset(paths), text, plan)

    async def _desk(self) -> Desk:
        return await self.toolset.surveying(SURVEY_TREE, self.origin)

    async def _check(self, desk: Desk) -> Mapping[str, Any]:
        folder = self.origin.folder
        try:
            await desk.call("sandbox.env_prepare", {}, within=ENVIRONMENT_SECONDS)
        except ToolRefused as fault:
            raise SurveyRefused(
                f"What {folder} needs cannot be installed here, so nothing in it can be tested: {fault.text}"
            ) from fault
        asked = {"stages": list(STAGES), "tests": ["."], "timeout_s": SUITE_SECONDS}
        report = (await desk.call("sandbox.check_run", asked, within=SUITE_SECONDS + 20)).data or {}
        broken = [one for one in report.get("findings", ()) if one["rule"] in _BROKEN_OFF]
        if broken:
            raise SurveyRefused(
                f"The tests of {folder} cannot be run here as they are: {broken[0]['message']} Mend that and commit "
                "it, then try again."
            )
        return report

    async def _plan(self, desk: Desk) -> Plan | None:
        """The plan that the repository was built by; another file of that name is none of ours."""
        text = await text_at(desk, BASE_REF, PLAN_FILE)
        try:
            return parse_plan(text) if text else None
        except PlanFault:
            return None
