"""One turn: read, ask, write, check, hand in. Every effect is a call of an allocated tool."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from codegod_mesh.result import CallResult
from codegod_models import ModelReply, ModelRequest
from codegod_workers.answer import Answer, AnswerFault, parse_answer
from codegod_workers.context import MEMORY_TOKENS, DoesNotFit, Material, build_request
from codegod_workers.findings import from_fault, from_report
from codegod_workers.records import Assignment, Finding, Outcome, Spent, Submission

READ_SECONDS = 30.0
INSTALL_SECONDS = 600.0  # a first download over a slow line
CHECK_SECONDS = (
    180.0  # all stages of a small project take a few seconds; a hanging test has its own limit inside
)

_OUTCOMES: Mapping[str, Outcome] = {"BLOCKED": "blocked", "TOO_BIG": "too_big", "CONTRACT": "contract"}


class Tools(Protocol):
    """The tools of one task: `codegod_mesh.View` is one."""

    async def call(self, name: str, arguments: Mapping[str, Any], *, within: float) -> CallResult: ...


Ask = Callable[[ModelRequest], Awaitable[ModelReply]]
"""One model, with its retries and limits already around it; raises `ModelFault`."""


class ToolRefused(Exception):
    """A tool that the harness itself needs answered with an error; the attempt cannot go on."""

    def __init__(self, tool: str, text: str) -> None:
        super().__init__(f"{tool}: {text}")
        self.tool = tool
        self.text = text


@dataclass(frozen=True, slots=True)
class Worker:
    """Turns assignments into submissions with one model and the tools of one task."""

    ask: Ask
    tools: Tools

    async def perform(self, assignment: Assignment) -> Submission:
        """One try. What the model did wrong is in the submission; `ModelFault` and `ToolRefused` rise."""
        try:
            request = build_request(assignment, await self._read(assignment))
        except DoesNotFit as fault:
            return Submission(attempt=assignment.attempt, outcome="too_big", note=str(fault))
        reply = await self.ask(request)
        spent = (spent_on(reply),)
        try:
            answer = _usable(reply, assignment.task.files)
        except AnswerFault as fault:
            findings = from_fault("answer", str(fault))
            return Submission(attempt=assignment.attempt, outcome="malformed", findings=findings, spent=spent)
        if answer.control:
            outcome = _OUTCOMES[answer.control]
            return Submission(attempt=assignment.attempt, outcome=outcome, note=answer.reason, spent=spent)
        return await self._hand_in(assignment, answer, spent)

    async def _read(self, assignment: Assignment) -> Material:
        task = assignment.task
        query = " ".join([task.title, task.description, *task.acceptance])
        # Code of the same project is shown as signatures already; recalled beside them it only distracts a small model.
        kind = "" if task.type in {"bugfix", "refactor"} else "api_doc"
        arguments = {"query": query, "budget_tokens": MEMORY_TOKENS, "type": kind}
        pack = await self._call("memory.memory_pack", arguments)
        return Material(
            owned=await self._texts(task.files),
            tests=await self._texts(task.tests),
            reads=await self._texts(assignment.reads),
            recalled=str((pack.data or {}).get("text", "")),
        )

    async def _texts(self, paths: Sequence[str]) -> dict[str, str]:
        """The texts of those of `paths` that exist; of a long file its first page, with a note that says so."""
        texts: dict[str, str] = {}
        for path in paths:
            read = await self.tools.call("sandbox.file_read", {"path": path}, within=READ_SECONDS)
            if not read.is_error:
                texts[path] = read.text
        return texts

    async def _hand_in(self, assignment: Assignment, answer: Answer, spent: tuple[Spent, ...]) -> Submission:
        """Write the files, commit the try whatever it is worth, then say what the checks found."""
        for path, text in answer.files.items():
            written = await self.tools.call(
                "sandbox.file_write", {"path": path, "content": text}, within=READ_SECONDS
            )
            if written.is_error:
                raise ToolRefused("sandbox.file_write", written.text)
        await self._supply(answer.needs.dependencies)
        report = await self._check(assignment)
        findings = from_report(report)
        if assignment.task.type == "database":
            findings = (*findings, *await self._migrations(assignment.task.files))
        commit = await self._commit(assignment)
        outcome: Outcome = "submitted"
        if commit is None:
            findings = (
                *findings,
                *from_fault("evidence", "The files are the same as before: nothing was done."),
            )
        if findings:
            outcome = "rejected"
        return Submission(
            attempt=assignment.attempt,
            outcome=outcome,
            commit=str((commit or {}).get("id", "")),
            tree=str((commit or {}).get("tree", "")),
            files=tuple(answer.files),
            dependencies=answer.needs.dependencies,
            findings=findings,
            report=dict(report),
            spent=spent,
        )

    async def _supply(self, dependencies: Sequence[str]) -> None:
        """Declare and install what the answer needs; the tool edits the manifest, which is nobody's own file."""
        for requirement in dependencies:
            await self._call("sandbox.project_add_dependency", {"requirement": requirement})
        if dependencies:
            await self._call("sandbox.env_prepare", {}, within=INSTALL_SECONDS)

    async def _check(self, assignment: Assignment) -> Mapping[str, Any]:
        arguments = {
            "paths": list(assignment.task.files),
            "tests": [*assignment.task.tests, *filter(_is_test, assignment.task.files)],
        }
        checked = await self._call("sandbox.check_run", arguments, within=CHECK_SECONDS)
        return checked.data or {}

    async def _migrations(self, files: Sequence[str]) -> tuple[Finding, ...]:
        """A database task's migrations run forward, back and forward again on a scratch database."""
        folders = sorted({path.rpartition("/")[0] for path in files if path.endswith(".sql")})
        found: list[Finding] = []
        for folder in folders:
            arguments = {"directory": folder or ".", "direction": "check"}
            result = await self.tools.call("database.db_migrate", arguments, within=READ_SECONDS)
            if result.is_error:
                found.extend(from_fault("migrations", result.text, folder))
        return tuple(found)

    async def _commit(self, assignment: Assignment) -> dict[str, Any] | None:
        """The try as a commit of its own; None when it changed nothing."""
        status = await self._call("git.git_status", {})
        if (status.data or {}).get("clean"):
            return None
        message = f"{assignment.task.title}\n\nTry {assignment.number} at {assignment.task.id}."
        return (await self._call("git.git_commit", {"message": message})).data

    async def _call(
        self, name: str, arguments: Mapping[str, Any], within: float = READ_SECONDS
    ) -> CallResult:
        result = await self.tools.call(name, arguments, within=within)
        if result.is_error:
            raise ToolRefused(name, result.text)
        return result


def spent_on(reply: ModelReply) -> Spent:
    """What one reply cost, for the journal."""
    return Spent(
        model=reply.model,
        simulated=reply.simulated,
        input_tokens=reply.usage.input_tokens,
        output_tokens=reply.usage.output_tokens,
        cache_read_tokens=reply.usage.cache_read_tokens,
        cache_write_tokens=reply.usage.cache_write_tokens,
        seconds=reply.seconds,
    )


def _is_test(path: str) -> bool:
    name = path.rpartition("/")[2]
    return path.endswith(".py") and (name.startswith("test_") or name.endswith("_test.py"))


def _usable(reply: ModelReply, wanted: Sequence[str]) -> Answer:
    if reply.stop == "refusal":
        raise AnswerFault("The model refused to answer. Write the files; they are ordinary application code.")
    answer = parse_answer(reply.text, wanted)
    if reply.stop == "length":
        raise AnswerFault("The answer reached its length limit. Write the same files more briefly.")
    return answer


__all__ = ["Ask", "ToolRefused", "Tools", "Worker", "spent_on"]
