"""From the prompt to a plan: specifications are read, the master is asked, and its plan is checked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import pydantic

from codegod_kit.plan import Behaviour, Plan
from codegod_models.settings import is_loopback
from codegod_orchestrator.change_plan import change_findings
from codegod_orchestrator.conversation import Conversation
from codegod_orchestrator.entry import missing_entry
from codegod_orchestrator.master import PLAN_TOKENS, plan_following, plan_opening
from codegod_orchestrator.options import BuildOptions
from codegod_orchestrator.surveying import Ground
from codegod_orchestrator.toolset import Desk
from codegod_orchestrator.voice import Voice
from codegod_workers import AnswerFault, Finding
from codegod_workers.answer import json_block

PLAN_TRIES = 3  # the plan and two corrections; a master that fails thrice has not understood the form
SPECIFICATION_CHARACTERS = 24_000  # about 8k tokens of operations: enough for sixty of them
PROBLEMS_SHOWN = 20


class PlanRefused(Exception):
    """No usable plan came, or the wish cannot be built here; the message says what to do next."""


@dataclass(frozen=True, slots=True)
class Planner:
    """Asks one master for the plan of one build."""

    master: Voice
    desk: Desk
    sheet: str
    ground: Ground | None = None
    """The repository that is to be changed; None: a new application is planned."""

    async def plan(
        self, prompt: str, options: BuildOptions, behaviours: Sequence[Behaviour] = (), start: str = ""
    ) -> Plan:
        """The checked plan; raises `PlanRefused` after `PLAN_TRIES` answers that were none.

        `behaviours` are those read from the prompt before; the plan then has them and no others. `start` is the
        command that their tests start the application with: the plan has to have what it runs.
        """
        specifications = await self.read(options.api_specs)
        talk = Conversation(self.master, "plan", PLAN_TOKENS)
        findings: tuple[Finding, ...] = ()
        for attempt in range(1, PLAN_TRIES + 1):
            opening = partial(
                plan_opening,
                prompt,
                sheet=self.sheet,
                wishes=options.wishes,
                specifications=specifications,
                behaviours=[f"{one.id}: {one.text}" for one in behaviours],
                repository=self.ground.text if self.ground else "",
                findings=findings,
                attempt=attempt,
            )
            following = partial(
                plan_following, prompt, findings=findings, attempt=attempt, change=self.ground is not None
            )
            try:
                data = await talk.ask(json_block, opening=opening, following=following)
            except AnswerFault as fault:
                findings = (Finding(stage="plan", message=str(fault)),)
            else:
                plan, findings = plan_of(data)
                if plan is not None:
                    findings = self._judge(plan, start)
                    if self.ground and findings and attempt == PLAN_TRIES:
                        break
                    # The last plan is taken as it is: what cannot start is not proved in the end, and the report says so.
                    if not findings or attempt == PLAN_TRIES:
                        return (
                            plan.model_copy(update={"behaviours": tuple(behaviours)}) if behaviours else plan
                        )
            await self.master.claimed.append("plan.sent_back", {"findings": [str(one) for one in findings]})
        reasons = "; ".join(str(finding) for finding in findings[:3])
        raise PlanRefused(
            f"The master gave no usable plan in {PLAN_TRIES} answers ({reasons}). Try another master with --master, "
            "or write a plan yourself and pass it with --plan."
        )

    def _judge(self, plan: Plan, start: str) -> tuple[Finding, ...]:
        """What keeps a plan from being worked by, though it is one."""
        if self.ground is not None:
            return change_findings(plan, self.ground)
        return missing_entry(start or plan.start, plan_files(plan))

    async def read(self, specifications: Sequence[str]) -> str:
        """The user's own API specifications; raises `PlanRefused` when one cannot be read."""
        texts: list[str] = []
        for source in specifications:
            if _is_url(source):
                texts.append(await self._fetched(source))
            else:
                texts.append(await self._kept("api specification", source))
        return "\n\n".join(texts)[:SPECIFICATION_CHARACTERS]

    async def read_references(self, urls: Sequence[str]) -> str:
        """What the plan refers to. A master may name an address that is not there: the journal says so."""
        texts: list[str] = []
        for url in urls:
            try:
                texts.append(await self._fetched(url))
            except PlanRefused as fault:
                await self.master.claimed.append("reference.unread", {"url": url, "reason": str(fault)})
        return "\n\n".join(texts)[:SPECIFICATION_CHARACTERS]

    async def _fetched(self, url: str) -> str:
        """The operations of an OpenAPI document, or the text of any other page."""
        found = await self.desk.maybe("fetch.fetch_openapi", {"url": url})
        if found is None:
            found = await self.desk.view.call("fetch.fetch_page", {"url": url})
        if found.is_error:
            raise PlanRefused(
                f"{url} cannot be read: {found.text} Check the address, or pass a file to --api-spec."
            )
        text = json.dumps(found.data, indent=1, ensure_ascii=False) if found.data else found.text
        return await self._kept(url, text)

    async def _kept(self, source: str, text: str) -> str:
        """`text` with its source above it; also in memory, for the tasks."""
        await self.desk.call("memory.memory_put", {"text": text, "type": "api_doc", "source": source})
        return f"## {source}\n\n{text}"

    async def think(self, plan: Plan) -> str:
        """The plan's reasoning as a chain of thoughts, read back as a review for the contract."""
        steps = plan.reasoning
        for number, thought in enumerate(steps, start=1):
            arguments = {
                "thought": thought,
                "nextThoughtNeeded": number < len(steps),
                "thoughtNumber": number,
                "totalThoughts": len(steps),
            }
            await self.desk.call("thinking.sequentialthinking", arguments)
        if not steps:
            return ""
        review = await self.desk.call("thinking.thinking_review", {})
        return str((review.data or {}).get("text", ""))


def lasting(plan: Plan) -> Plan:
    """The plan as it is handed out: an address on this machine's loopback means nothing to who reads it later."""
    return plan.model_copy(
        update={"references": tuple(url for url in plan.references if not is_loopback(url))}
    )


def plan_files(plan: Plan) -> tuple[str, ...]:
    """Every file of the finished application that the plan names."""
    return (*plan.skeleton, *(path for task in plan.tasks for path in (*task.files, *task.tests)))


def read_plan(text: str) -> tuple[Plan | None, tuple[Finding, ...]]:
    """The plan in a master's answer, or the findings that say why there is none."""
    try:
        return plan_of(json_block(text))
    except AnswerFault as fault:
        return None, (Finding(stage="plan", message=str(fault)),)


def plan_of(document: str) -> tuple[Plan | None, tuple[Finding, ...]]:
    """The plan that a JSON document holds, or the findings that say why it is none."""
    try:
        data = json.loads(document)
    except ValueError as fault:
        return None, (Finding(stage="plan", message=f"the block is not JSON: {fault}"),)
    try:
        return Plan.model_validate(data), ()
    except pydantic.ValidationError as fault:
        return None, tuple(
            Finding(stage="plan", path=".".join(str(part) for part in error["loc"]), message=error["msg"])
            for error in fault.errors()[:PROBLEMS_SHOWN]
        )


def _is_url(source: str) -> bool:
    return source.startswith(("http://", "https://"))
