"""What will count as done, fixed before there is a plan: behaviours, and black-box tests that no worker sees.

The tests are committed to a ref of their own without a common ancestor with `main`: a worker's grant reads `main`, the
contract and its own attempts, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import pydantic

from codegod_kit.plan import Behaviour, Plan
from codegod_orchestrator.acceptance.answer import (
    FOLDER,
    NO_TEST,
    STAGE,
    AcceptanceAnswer,
    Wanted,
    answer_findings,
    ids_hit,
    read_answer,
)
from codegod_orchestrator.conversation import Conversation
from codegod_orchestrator.empty_tests import empty_tests
from codegod_orchestrator.journal import Journal
from codegod_orchestrator.master import FINDINGS_SHOWN, change_line, shown_repository
from codegod_orchestrator.toolset import Desk, Toolset, fresh_tree
from codegod_orchestrator.voice import Voice
from codegod_workers import AnswerFault, Finding
from codegod_workers.findings import from_fault

ACCEPTANCE_REF = "refs/codegod/acceptance"
ACCEPTANCE_TREE = "acceptance"
WRITTEN = "acceptance.written"
SENT_BACK = "acceptance.sent_back"

ACCEPTANCE_TRIES = 3  # the list and two corrections, as for a plan
ACCEPTANCE_TOKENS = 24_000  # twelve behaviours and some four hundred lines of tests, with room to think
CHECK_SECONDS = 120.0

NO_TESTS_PLANNED = (
    "the plan that was handed in names no acceptance test, so no test saw the application from outside"
)
NO_TESTS_PLAYED = "the simulated master has no acceptance test for it"
NO_TESTS_WRITTEN = f"the master wrote no test that could fail for it in {ACCEPTANCE_TRIES} answers"


class AcceptanceRefused(Exception):
    """The master could not say what counts as done; the message names what was wrong last."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        reasons = "; ".join(str(finding) for finding in findings[:3])
        super().__init__(
            f"The master gave no usable list of behaviours with tests in {ACCEPTANCE_TRIES} answers ({reasons}). Try "
            "another master with --master, or write a plan yourself and pass it with --plan."
        )
        self.findings = tuple(findings)


class Acceptance(Wanted):
    """The list as the journal has it."""

    model_config = pydantic.ConfigDict(frozen=True, extra="ignore")

    commit: str = ""
    """The commit on `ACCEPTANCE_REF` that holds the tests; empty when there are none."""
    files: tuple[str, ...] = ()
    """The files there."""
    strict: bool = True
    """Whether a behaviour that has no test counts as unproven: it does when the master could have written one."""
    note: str = ""
    """Why there is no test for some of them, or for all."""
    before: tuple[str, ...] = ()
    """Of a change: the behaviours whose tests passed before it already."""

    def put_into(self, plan: Plan) -> Plan:
        """The plan with these behaviours, started as these tests expect it."""
        started = {"start": self.start, "health": self.health} if self.start else {}
        behaviours = {"behaviours": self.behaviours} if self.behaviours else {}
        return plan.model_copy(update={**behaviours, **started})

    @property
    def sheet(self) -> str:
        """What the plan has to keep to, beside the behaviours themselves."""
        if not self.start:
            return ""
        health = f" It is up when GET {self.health} answers below 500." if self.health else ""
        return (
            f"The finished application has to start with exactly this command, which its acceptance tests use: "
            f"`{self.start}`, run in the project's folder with `src/` on the path.{health} The plan's `start` and "
            "`health` are taken from here; plan the files that make them work."
        )


async def standing_acceptance(journal: Journal, build: str) -> Acceptance | None:
    """What the journal of a build has, or None when the step was not taken."""
    events = await journal.events_of(build, (WRITTEN,))
    return Acceptance.model_validate(events[-1].data) if events else None


class Before(Protocol):
    """Says which of an answer's behaviours are there before a change; `AcceptanceBefore` does."""

    async def passing(self, answer: AcceptanceAnswer) -> tuple[str, ...]: ...


@dataclass(slots=True)
class Acceptor:
    """Gets behaviours and their tests from one master, checked, committed and journalled."""

    master: Voice
    toolset: Toolset
    sheet: str = ""
    wishes: Sequence[str] = ()
    specifications: str = ""
    given: Plan | None = None
    """The plan that the user handed in: its behaviours are fixed."""
    repository: str = ""
    """The repository that is to be changed, as text; empty for a new application."""
    started: tuple[str, str] = ("", "")
    """How what is changed is started, and its health path; empty where nobody has said it."""
    before: Before | None = None
    """Tries the tests on the repository as it is."""
    _already: tuple[str, ...] = field(default=(), init=False)
    _last: AcceptanceAnswer | None = field(default=None, init=False)
    _untested: frozenset[str] = field(default=frozenset(), init=False)

    async def write(self, prompt: str) -> Acceptance:
        """Ask for the list and keep it; raises `AcceptanceRefused` after `ACCEPTANCE_TRIES` answers that were none."""
        if self.given is not None and not any(one.test for one in self.given.behaviours):
            return await self._keep(Wanted(behaviours=self.given.behaviours), {}, note=NO_TESTS_PLANNED)
        desk = await self.toolset.contracting(ACCEPTANCE_TREE)
        await desk.call("git.git_init", {})
        answer = await self._ask(desk, prompt)
        return await self._settle(desk, answer)

    @property
    def _simulated(self) -> bool:
        return self.master.provider.model.simulated

    async def _ask(self, desk: Desk, prompt: str) -> AcceptanceAnswer:
        """The first answer that nothing is wrong with, or the last in which at least one behaviour has its test."""
        talk = Conversation(self.master, "acceptance", ACCEPTANCE_TOKENS)
        findings: tuple[Finding, ...] = ()
        for attempt in range(1, ACCEPTANCE_TRIES + 1):
            question = partial(self._question, prompt, findings, attempt)
            try:
                answer = await talk.ask(
                    read_answer,
                    opening=partial(question, whole=True),
                    following=partial(question, whole=False),
                )
            except AnswerFault as fault:
                findings = from_fault(STAGE, str(fault))
            else:
                findings = await self._judge(desk, answer)
                findings = findings or await self._changes_nothing(answer, attempt)
                if not findings or self._plays_without_tests(answer, findings):
                    return answer
            await self.master.claimed.append(SENT_BACK, {"findings": [str(one) for one in findings]})
        if self._last is None:
            raise AcceptanceRefused(findings)
        return self._last

    async def _judge(self, desk: Desk, answer: AcceptanceAnswer) -> tuple[Finding, ...]:
        """What is wrong with an answer; one that can be used all the same is remembered."""
        given = self.given.behaviours if self.given else ()
        findings = answer_findings(answer, given)
        named = {one.id for one in (*answer.wanted.behaviours, *given)}
        if self._simulated and not answer.wanted.behaviours and not answer.files:
            findings = ()  # a project that is played may promise nothing
        if any(finding.path not in named for finding in findings):
            return findings  # its form is wrong, so nothing of it can be used
        empty = await self._empty_tests(desk, answer)
        untested = {finding.path for finding in findings if finding.rule == NO_TEST} | ids_hit(answer, empty)
        if len(untested) < len(answer.wanted.behaviours) or self._simulated:
            self._last, self._untested = answer, frozenset(untested)
        return (*findings, *empty)

    async def _changes_nothing(self, answer: AcceptanceAnswer, attempt: int) -> tuple[Finding, ...]:
        """The first time, a master is told when all that it tests for is there already: a refactoring may want that."""
        if self.before is None:
            return ()
        self._already = await self.before.passing(answer)
        if attempt > 1 or len(self._already) < len(answer.wanted.behaviours):
            return ()
        return from_fault(
            STAGE,
            "every test passes before the change already, so none of them shows that it was made. If the request wants "
            "something to behave differently, test that; if it wants all to stay as it is, answer the same again",
        )

    def _plays_without_tests(self, answer: AcceptanceAnswer, findings: Sequence[Finding]) -> bool:
        """A simulated master has said all that it will ever say."""
        return self._simulated and self._last is answer and bool(findings)

    async def _empty_tests(self, desk: Desk, answer: AcceptanceAnswer) -> tuple[Finding, ...]:
        """Tests that cannot fail, by the same rules as for any other test."""
        if not answer.files:
            return ()
        await fresh_tree(desk, revision="")
        for path, text in answer.files.items():
            await desk.call("sandbox.file_write", {"path": path, "content": text})
        return await empty_tests(desk)

    async def _settle(self, desk: Desk, answer: AcceptanceAnswer) -> Acceptance:
        """Commit the tests and journal what they stand for."""
        wanted = _as_given(answer.wanted, self.given).without_tests(sorted(self._untested))
        if self.started[0]:
            wanted = wanted.model_copy(update={"start": self.started[0], "health": self.started[1]})
        note = ""
        if any(not one.test for one in wanted.behaviours):
            note = NO_TESTS_PLAYED if self._simulated else NO_TESTS_WRITTEN
        return await self._keep(
            wanted, answer.files, note=note, commit=await self._commit(desk, answer.files)
        )

    async def _commit(self, desk: Desk, files: Mapping[str, str]) -> str:
        """The commit with the tests. One that an interrupted run has made is the first parent of a new one."""
        if not files:
            return ""
        found = await desk.maybe("git.git_show", {"revision": ACCEPTANCE_REF})
        standing = str((found.data or {}).get("id", "")) if found else ""
        await fresh_tree(desk, revision=standing)
        for path, text in files.items():
            await desk.call("sandbox.file_write", {"path": path, "content": text})
        arguments = {"message": "Acceptance tests", "ref": ACCEPTANCE_REF}
        # After a run that was interrupted right here, the tests may stand already: then there is nothing to commit.
        made = await (desk.maybe if standing else desk.call)("git.git_commit", arguments)
        await desk.maybe("git.worktree_remove", {})
        return standing if made is None else str((made.data or {})["id"])

    async def _keep(
        self, wanted: Wanted, files: Mapping[str, str], *, note: str = "", commit: str = ""
    ) -> Acceptance:
        strict = not (self._simulated or note == NO_TESTS_PLANNED)
        kept = Acceptance(
            **dict(wanted),
            commit=commit,
            files=tuple(sorted(files)),
            strict=strict,
            note=note,
            before=self._already,
        )
        await self.master.claimed.append(WRITTEN, kept.model_dump(mode="json"))
        return kept

    def _question(self, prompt: str, findings: Sequence[Finding], attempt: int, *, whole: bool) -> str:
        """The request; `whole` with all that the master has to know beside it."""
        project = change_line(bool(self.repository))
        project += f"Project: {self.given.name}\n" if self.given else ""
        known = [
            shown_repository(self.repository),
            _started_text(*self.started),
            "The user also fixed:\n" + "\n".join(f"- {wish}" for wish in self.wishes) if self.wishes else "",
            _given_text(self.given),
            f"# Capability sheet\n\n{self.sheet}" if self.sheet else "",
            f"# API specifications\n\n{self.specifications}" if self.specifications else "",
        ]
        parts = [
            f"Step: acceptance\n{project}Attempt: {attempt}\n\n<request>\n{prompt.strip()}\n</request>",
            *(known if whole else ()),
            _findings_text(findings),
        ]
        return "\n\n".join(part for part in parts if part)


def _as_given(wanted: Wanted, given: Plan | None) -> Wanted:
    """The user's own behaviours and command, with the tests that the master wrote for them."""
    if given is None:
        return wanted
    tests: dict[str, str] = {one.id: one.test for one in wanted.behaviours}
    behaviours: list[Behaviour] = [
        one.model_copy(update={"test": tests.get(one.id, "")}) for one in given.behaviours
    ]
    started = {"start": given.start, "health": given.health} if given.start else {}
    return wanted.model_copy(update={"behaviours": tuple(behaviours), **started})


def _given_text(given: Plan | None) -> str:
    if given is None:
        return ""
    lines = [f"- {one.id}: {one.text}" for one in given.behaviours]
    started = [f"Started with `{given.start}`; health path: {given.health or 'none'}."] if given.start else []
    heading = f"# Behaviours fixed by the user's plan: keep ids and texts, write tests under {FOLDER}/"
    return "\n".join([heading, "", *lines, *started])


def _started_text(start: str, health: str) -> str:
    if not start:
        return ""
    return f"The application is started with `{start}` (health path: {health or 'none'}), and that stays so."


def _findings_text(findings: Sequence[Finding]) -> str:
    if not findings:
        return ""
    shown = [f"- {finding}" for finding in findings[:FINDINGS_SHOWN]]
    return "\n".join(["# What was wrong with the last answer", *shown])
