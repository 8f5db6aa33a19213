"""One turn: read, ask, write, check, hand in. Every effect is a call of an allocated tool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from codegod_mesh.result import CallResult
from codegod_models import ModelReply
from codegod_workers.answer import Answer, AnswerFault, NoFiles, UnnamedFile, parse_answer
from codegod_workers.context import DoesNotFit, build_request
from codegod_workers.dialogue import Ask, Conversation, Dialogue
from codegod_workers.findings import from_fault, from_report
from codegod_workers.languages import is_code, is_test, language_of
from codegod_workers.reading import READ_SECONDS, Reader, Tools
from codegod_workers.records import Assignment, Finding, Outcome, Spent, Submission
from codegod_workers.splice import long_files, splice

INSTALL_SECONDS = 600.0  # a first download over a slow line
CHECK_SECONDS = (
    180.0  # all stages of a small project take a few seconds; a hanging test has its own limit inside
)

_OUTCOMES: Mapping[str, Outcome] = {"BLOCKED": "blocked", "TOO_BIG": "too_big", "CONTRACT": "contract"}


class NoPackages(AnswerFault):
    """`project_add_dependency` adds to Python's manifests alone."""

    def __init__(self, dependencies: Sequence[str]) -> None:
        super().__init__(
            f"No package can be added to this task ({', '.join(dependencies)}). Leave the `needs` block out and use what "
            "the manifest declares; if it cannot be done so, answer `BLOCKED:` and the package's name."
        )


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
        material = await Reader(self.tools, self._recall).material(assignment)
        try:
            request = build_request(assignment, material)
        except DoesNotFit as fault:
            return Submission(attempt=assignment.attempt, outcome="too_big", note=str(fault))
        talk = Conversation(self.ask, self.tools, assignment)
        try:
            answer = _usable(await talk.hold(request), assignment, material.owned)
        except AnswerFault as fault:
            findings = from_fault("answer", str(fault))
            return Submission(
                attempt=assignment.attempt, outcome="malformed", findings=findings, spent=_spent(talk)
            )
        if answer.control:
            outcome = _OUTCOMES[answer.control]
            return Submission(
                attempt=assignment.attempt, outcome=outcome, note=answer.reason, spent=_spent(talk)
            )
        return await self._hand_in(assignment, answer, talk)

    async def repeat(self, assignment: Assignment) -> Submission:
        """Hand in the task's files as they stand in the tree, without asking anybody: an answer whose tests have changed."""
        texts = await Reader(self.tools, self._recall).texts(assignment.task.files)
        return await self._hand_in(
            assignment, Answer(files=texts), Conversation(self.ask, self.tools, assignment)
        )

    async def _recall(self, arguments: Mapping[str, Any]) -> str:
        pack = await self._call("memory.memory_pack", arguments)
        return str((pack.data or {}).get("text", ""))

    async def _hand_in(self, assignment: Assignment, answer: Answer, talk: Conversation) -> Submission:
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
            files=tuple(sorted({*answer.files, *talk.dialogue.written})),
            dependencies=answer.needs.dependencies,
            findings=findings,
            report=dict(report),
            spent=_spent(talk),
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
            "tests": [*assignment.task.tests, *filter(is_test, assignment.task.files)],
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


def _spent(talk: Conversation) -> tuple[Spent, ...]:
    return tuple(spent_on(reply) for reply in talk.dialogue.replies)


def _usable(dialogue: Dialogue, assignment: Assignment, owned: Mapping[str, str]) -> Answer:
    """The answer with whole files, parts of long ones put where they belong; raises `AnswerFault`."""
    reply = dialogue.answer
    if reply.stop == "refusal":
        raise AnswerFault("The model refused to answer. Write the files; they are ordinary application code.")
    try:
        answer = parse_answer(
            reply.text, assignment.task.files, long=long_files(owned), in_json=assignment.in_json
        )
    except (NoFiles, UnnamedFile):
        if not dialogue.written:
            raise
        answer = Answer()  # all its files stand in the tree already
    if answer.needs.dependencies and not _may_add_packages(assignment.task.files):
        raise NoPackages(answer.needs.dependencies)
    if reply.stop == "length":
        raise AnswerFault("The answer reached its length limit. Write the same files more briefly.")
    spliced = {path: splice(path, owned[path], parts) for path, parts in answer.parts.items()}
    return replace(answer, files={**answer.files, **spliced}, parts={})


def _may_add_packages(files: Sequence[str]) -> bool:
    languages = {language_of(path) for path in files if is_code(path)}
    return not languages or "python" in languages


__all__ = ["Ask", "NoPackages", "ToolRefused", "Tools", "Worker", "spent_on"]
