"""Gets the files of a contract out of the master, batch by batch, in one growing conversation."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import partial

from codegod_kit.plan import Plan
from codegod_orchestrator.contract_files import batches, is_test_file, to_rewrite
from codegod_orchestrator.conversation import Conversation
from codegod_orchestrator.master import CONTRACT_TOKENS, contract_following, contract_opening
from codegod_orchestrator.toolset import Desk
from codegod_orchestrator.voice import Voice
from codegod_workers import AnswerFault, Finding, parse_answer
from codegod_workers.answer import Answer
from codegod_workers.findings import from_fault


@dataclass(slots=True)
class Author:
    """The master as the writer of one contract."""

    plan: Plan
    master: Voice
    review: str = ""
    material: str = ""
    repository: str = ""
    """The repository that is changed, as text; empty for a new application."""
    existing: tuple[str, ...] = ()
    """Files of it that tasks own: they stand as they are, and may be written again."""
    written: dict[str, str] = field(default_factory=dict)
    """The contract's files that stand, by path."""
    _talk: Conversation = field(init=False)

    def __post_init__(self) -> None:
        self._talk = Conversation(self.master, "contract", CONTRACT_TOKENS)

    async def write(
        self, desk: Desk, wanted: Sequence[str], findings: tuple[Finding, ...], attempt: int
    ) -> tuple[Finding, ...]:
        """Ask for `wanted` and write what comes into the desk's tree; what could not be read is returned."""
        unread: list[Finding] = []
        asked: set[str] = set()
        for batch in batches(self.plan, wanted):
            asked.update(batch)
            later = [path for path in wanted if path not in asked]
            try:
                answer = await self._answer(batch, later, findings, attempt)
            except AnswerFault as fault:
                unread.extend(from_fault("answer", str(fault), batch[0]))
                continue
            for path, text in answer.files.items():
                await desk.call("sandbox.file_write", {"path": path, "content": text})
                self.written[path] = text
            left = [path for path in batch if path not in self.written]
            unread.extend(Finding(stage="answer", path=path, message="this file is missing") for path in left)
        return tuple(unread)

    def again(self, findings: Sequence[Finding]) -> tuple[str, ...]:
        """What has to be written again because of `findings`: an existing file only when one of them names it."""
        named = {finding.path.partition("::")[0] for finding in findings}
        files = to_rewrite(self.plan, findings)
        own = tuple(path for path in files if path not in self.existing or path in named)
        return own or tuple(path for path in files if is_test_file(path)) or files

    async def _answer(
        self, batch: Sequence[str], later: Sequence[str], findings: tuple[Finding, ...], attempt: int
    ) -> Answer:
        """The master's files for `batch`; raises `AnswerFault` when they cannot be read."""
        existing = [path for path in self.existing if path not in batch]
        opening = partial(
            contract_opening,
            self.plan,
            batch,
            written=dict(self.written),
            later=later,
            review=self.review,
            material=self.material,
            repository=self.repository,
            existing=existing,
            findings=findings,
            attempt=attempt,
        )
        following = partial(
            contract_following,
            self.plan,
            batch,
            later=later,
            existing=existing,
            change=bool(self.repository),
            findings=findings,
            attempt=attempt,
        )
        wanted = [*batch, *existing]
        return await self._talk.ask(
            partial(parse_answer, wanted=wanted), opening=opening, following=following
        )


def missing(paths: Sequence[str], among: Collection[str]) -> tuple[str, ...]:
    """Those of `paths` that are not `among` others, in their order."""
    return tuple(path for path in paths if path not in among)
