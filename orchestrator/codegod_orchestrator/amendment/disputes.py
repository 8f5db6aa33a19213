"""When it is the contract, not the answers, that has to be looked at. A pure function of one task's attempts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from codegod_kit.plan import Task
from codegod_orchestrator.ladder import StepKind
from codegod_workers import Finding

# How a test fails when code and test want different things. A missing module or a broken fixture is no disagreement.
_DISAGREES = frozenset({"assertion", "error"})
# What differs from run to run in a message that means the same: addresses, long ids, folders made for one run.
_CHANCE = re.compile(
    r"0x[0-9a-f]+|\b[0-9a-f]{8,}(?:-[0-9a-f]{4,})*\b|\b\d{6,}(?:\.\d+)?\b|/tmp/\S+", re.IGNORECASE
)


class Judged(Protocol):
    """What is read of an attempt; `journal.Attempt` has it."""

    @property
    def id(self) -> str: ...
    @property
    def number(self) -> int: ...
    @property
    def kind(self) -> StepKind: ...
    @property
    def continues(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def refused(self) -> bool: ...
    @property
    def findings(self) -> tuple[Finding, ...]: ...


@dataclass(frozen=True, slots=True)
class Dispute:
    """Independent answers fail the same assertion alike, or a worker says that the contract is wrong."""

    kind: Literal["alike", "claimed"]
    key: str
    """What it is about; the same dispute has the same key, so nobody rules on it twice."""
    attempts: tuple[str, ...]
    findings: tuple[Finding, ...]


def dispute_of(
    task: Task, attempts: Iterable[Judged], *, forgiven: int = 0, ruled: Collection[str] = ()
) -> Dispute | None:
    """The newest dispute about `task` that is not among the keys `ruled`; attempts up to `forgiven` do not count."""
    counted = [one for one in attempts if one.number > forgiven and one.state == "rejected"]
    if not counted:
        return None
    last = counted[-1]
    if claim := _claim(last):
        key = f"claimed: {last.id}"
        return None if key in ruled else Dispute("claimed", key, (last.id,), (claim,))
    lineages = _lineages(counted)
    for finding in last.findings:
        key = _key(task, finding)
        agree = [lineage for lineage in lineages if key and key in _keys(task, lineage)]
        if len(agree) > 1 and key not in ruled:
            names = tuple(one.id for lineage in agree for one in lineage if key in _keys(task, [one]))
            return Dispute("alike", key, names, tuple(_about_tests(task, last.findings)))
    return None


def _claim(attempt: Judged) -> Finding | None:
    return next((one for one in attempt.findings if attempt.refused and one.rule == "contract"), None)


def _lineages(attempts: Sequence[Judged]) -> list[list[Judged]]:
    """Independent answers, each with its repairs: a repair sees what it repairs, so it says nothing of its own."""
    found: list[list[Judged]] = []
    for attempt in attempts:
        of = next((line for line in found if any(one.id == attempt.continues for one in line)), None)
        if of is None:
            found.append([attempt])
        else:
            of.append(attempt)
    return found


def _keys(task: Task, attempts: Iterable[Judged]) -> set[str]:
    return {key for one in attempts for finding in one.findings if (key := _key(task, finding))}


def _key(task: Task, finding: Finding) -> str:
    """The assertion that failed, in words that do not change by chance; empty for any other finding."""
    if finding.rule not in _DISAGREES or finding.path.partition("::")[0] not in task.tests:
        return ""
    place = "" if finding.path in finding.message or "::" not in finding.path else f"{finding.path}: "
    return f"{finding.rule}: {place}{_CHANCE.sub('…', finding.message)}"


def _about_tests(task: Task, findings: Iterable[Finding]) -> Iterator[Finding]:
    """What the master may see: how the task's tests ended. Any other finding may quote the answer's code."""
    return (one for one in findings if one.path.partition("::")[0] in task.tests)
