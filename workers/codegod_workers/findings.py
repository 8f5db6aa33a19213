"""From a check report to findings: what a worker is told, and nothing it cannot use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from codegod_workers.records import Finding

MESSAGE_CHARACTERS = 400  # an assertion with its values fits; a traceback does not help a small model


def from_report(report: Mapping[str, Any]) -> tuple[Finding, ...]:
    """The findings of a `check_run` report, its failed tests last."""
    return (*_from_checks(report.get("findings", ())), *_from_tests(report.get("tests", ())))


def from_fault(stage: str, message: str, path: str = "") -> tuple[Finding, ...]:
    return (Finding(stage=stage, path=path, message=_short(message)),)


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
            stage="tests",
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
