"""From a check report to findings: what a worker is told, and nothing it cannot use."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from codegod_workers.records import Finding

# How a single test fails, as the sandbox names it; any other rule of its test stage is about the run as a whole.
_REASONS = frozenset({"assertion", "stub", "import", "fixture", "collection", "error", "timeout"})
# What a contract passes as a whole before any worker starts. Its style (lint, rules) is the master's own affair.
_HELD = frozenset({"syntax", "types", "imports", "tests"})
TEST_STAGE = "tests"
MESSAGE_CHARACTERS = 400  # an assertion with its values fits; a traceback does not help a small model


def from_report(report: Mapping[str, Any]) -> tuple[Finding, ...]:
    """The findings of a `check_run` report; a failed test that no finding speaks of is one of its own."""
    found = _from_checks(report.get("findings", ()))
    told = " ".join(finding.message for finding in found)
    tests = [test for test in from_tests(report) if not speaks_of(told, test.path)]
    return (*found, *tests, *_elsewhere(report, {finding.stage for finding in (*found, *tests)}))


def speaks_of(text: str, test: str) -> bool:
    """Whether `text` names the test with this id, and not only one whose id begins so."""
    return re.search(rf"{re.escape(test)}(?![\w\[]|::)", text) is not None


def beside_tests(report: Mapping[str, Any]) -> tuple[Finding, ...]:
    """The findings that are no single test's: what keeps the report from being believed, and all other stages."""
    return tuple(
        finding for finding in _from_checks(report.get("findings", ())) if finding.rule not in _REASONS
    )


def from_tests(report: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Each test that did not pass, as a finding whose path is the test's id."""
    return tuple(_from_tests(report.get("tests", ())))


def from_fault(stage: str, message: str, path: str = "") -> tuple[Finding, ...]:
    return (Finding(stage=stage, path=path, message=_short(message)),)


def _elsewhere(report: Mapping[str, Any], named: Collection[str]) -> list[Finding]:
    """Stages that held before this task and fail now, in files whose findings were not asked for."""
    return [
        Finding(
            stage=str(stage["name"]),
            message=_short(
                f"the stage {stage['name']!r} fails in files of others: keep the names and types that they use. "
                f"{stage.get('note', '')}"
            ),
        )
        for stage in report.get("stages", ())
        if stage["status"] == "failed" and stage["name"] in _HELD and stage["name"] not in named
    ]


def _from_checks(findings: Sequence[Mapping[str, Any]]) -> list[Finding]:
    return [
        Finding(
            stage=str(found["stage"]),
            path=str(found.get("path", "")),
            line=int(found.get("line") or 0),
            rule=str(found.get("rule", "")),
            message=_short(str(found["message"])),
        )
        for found in findings
    ]


def _from_tests(tests: Sequence[Mapping[str, Any]]) -> list[Finding]:
    return [
        Finding(
            stage=TEST_STAGE,
            path=str(test["id"]),
            rule=str(test.get("reason", "")),
            message=_short(str(test.get("message", "")) or f"the test {test['outcome']}"),
        )
        for test in tests
        if test["outcome"] not in {"passed", "skipped"}
    ]


def _short(message: str) -> str:
    """`message` cut in the middle: an assertion's values stand at its end."""
    message = message.strip()
    if len(message) <= MESSAGE_CHARACTERS:
        return message
    half = MESSAGE_CHARACTERS // 2
    return f"{message[:half]} … {message[-half:]}"
