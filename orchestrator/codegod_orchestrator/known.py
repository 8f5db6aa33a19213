"""What was wrong with a repository before anybody changed it, and reports without that. Pure functions.

A change answers for what it breaks, not for what it found broken: checks of a change are read without the tests that failed
and the findings that were there at the start. What makes a report one that cannot be believed is never left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

Report = Mapping[str, Any]

# How the sandbox says that it kept findings to itself, and that a stage fails in files that nobody asked about.
_NOT_SHOWN: Final = "more findings are not shown"
_ELSEWHERE: Final = "fails in "
_MET: Final = frozenset({"passed", "skipped"})
# Told whatever was known: a report that cannot be believed, tests that were taken away.
_NEVER_KNOWN: Final = frozenset(
    {"report-cut", "report-disagrees", "unchecked", "deleted-test", "weakened-test", "missing-file"}
)
_FINDINGS_TOLD: Final = 20


class KnownFinding(BaseModel):
    """One finding, by what stays the same when lines move."""

    model_config = ConfigDict(frozen=True)

    stage: str
    path: str
    rule: str = ""
    message: str = ""


class Known(BaseModel):
    """What failed on the commit that a change starts from."""

    model_config = ConfigDict(frozen=True)

    tests: tuple[str, ...] = ()
    findings: tuple[KnownFinding, ...] = ()
    unjudged: tuple[str, ...] = ()
    """Stages with more findings than a report shows: which of them are new, nobody can tell."""

    def beside(self, files: Collection[str]) -> Known:
        """This without the tests in `files`: the contract of the change has them, and is judged by all it has."""
        return self.but(one for one in self.tests if one.partition("::")[0] in files)

    def but(self, tests: Iterable[str]) -> Known:
        """This without `tests`: the change has to make them pass."""
        wanted = frozenset(tests)
        return self.model_copy(update={"tests": tuple(one for one in self.tests if one not in wanted)})


def known_of(report: Report) -> Known:
    """What a check of the whole tree found wrong."""
    failed = [str(test["id"]) for test in _failed(report)]
    return Known(
        tests=tuple(failed),
        findings=tuple(_key(one) for one in report.get("findings", ()) if not _tells_of(one, failed)),
        unjudged=tuple(
            str(stage["name"]) for stage in report.get("stages", ()) if _NOT_SHOWN in str(stage["note"])
        ),
    )


def without_known(report: Report, known: Known) -> dict[str, Any]:
    """The report as if `known` were not there; `known` in the result names the tests that were left out of it."""
    dropped = {str(test["id"]) for test in _failed(report)} & set(known.tests)
    findings = [one for one in _new(report.get("findings", ()), known) if not _tells_of(one, dropped)]
    tests = [test for test in report.get("tests", ()) if test["id"] not in dropped]
    named = {str(one["stage"]) for one in findings}
    if any(test["outcome"] not in _MET for test in tests):
        named.add("tests")
    stages = [_judged(stage, named) for stage in report.get("stages", ())]
    return {
        **report,
        "ok": all(stage["status"] != "failed" for stage in stages),
        "stages": stages,
        "findings": findings,
        "tests": tests,
        "known": sorted(dropped),
    }


def failing_elsewhere(report: Report) -> list[str]:
    """The stages that fail in files that were not asked about."""
    return [
        str(stage["name"])
        for stage in report.get("stages", ())
        if stage["status"] == "failed" and str(stage["note"]).startswith(_ELSEWHERE)
    ]


def with_findings(report: Report, more: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The report with `more` findings, those that it has already left out."""
    there = [dict(one) for one in report.get("findings", ())]
    return {**report, "findings": [*there, *(dict(one) for one in more if dict(one) not in there)]}


def told(report: Report) -> str:
    """The report as its reader is told it: a verdict, then what is wrong."""
    lines = ["The check passed." if report["ok"] else "The check failed."]
    findings = report["findings"]
    lines += [
        f"{one['path']}:{one['line']} [{one['rule']}] {one['message']}" for one in findings[:_FINDINGS_TOLD]
    ]
    if len(findings) > _FINDINGS_TOLD:
        lines.append(f"[{len(findings) - _FINDINGS_TOLD} more findings]")
    return "\n".join(lines)


def _failed(report: Report) -> Iterator[Mapping[str, Any]]:
    return (test for test in report.get("tests", ()) if test["outcome"] not in _MET)


def _key(finding: Mapping[str, Any]) -> KnownFinding:
    return KnownFinding.model_validate(finding)


def _new(findings: Iterable[Mapping[str, Any]], known: Known) -> Iterator[Mapping[str, Any]]:
    """Those that are not known; of two that read alike, the second is new when only one was there."""
    left = Counter(known.findings)
    for one in findings:
        if one["rule"] in _NEVER_KNOWN:
            yield one
        elif left[_key(one)]:
            left[_key(one)] -= 1
        elif one["stage"] not in known.unjudged:
            yield one


def _tells_of(finding: Mapping[str, Any], tests: Collection[str]) -> bool:
    return finding["stage"] == "tests" and any(
        str(finding["message"]).startswith(f"{one}: ") for one in tests
    )


def _judged(stage: Mapping[str, Any], named: Collection[str]) -> dict[str, Any]:
    """A stage that failed by nothing but what was known has passed."""
    if stage["status"] == "failed" and stage["name"] not in named:
        return {**stage, "status": "passed", "note": "as before the change"}
    return dict(stage)
