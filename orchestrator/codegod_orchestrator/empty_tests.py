"""Tests that cannot fail, told by the sandbox's own rules: a run alone shows too little of them.

A test that calls code and asserts nothing fails on a stub, which raises, and on a null body as soon as it uses what comes
back; an implementation then passes it, whatever it does.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Final

from codegod_orchestrator.evidence import TestSeen
from codegod_orchestrator.toolset import Desk
from codegod_workers import Finding
from codegod_workers.findings import beside_tests

# Other rules speak of style, of stubs, or of packages that no tree here declares.
EMPTY_TEST_RULES: Final = frozenset(
    {"no-assertion", "assert-true", "swallowed-assert", "not-collected", "empty-test-file", "skipped-test"}
)
EMPTY_CHECK_SECONDS = 120.0
# Of these the whole test cannot fail; beside an assertion that is always true there may be others.
_WHOLLY: Final = frozenset({"no-assertion", "swallowed-assert"})
_NAMED: Final = re.compile(r"^(?:The test )?[`'\"](?P<name>.+?)[`'\"] (?:checks nothing|catches)")


async def empty_tests(desk: Desk) -> tuple[Finding, ...]:
    """What of the tests in the desk's tree cannot fail, and what of it cannot be read at all."""
    arguments = {"stages": ["syntax", "rules"], "tests": []}
    report = (await desk.call("sandbox.check_run", arguments, within=EMPTY_CHECK_SECONDS)).data or {}
    return tuple(
        finding
        for finding in beside_tests(report)
        if finding.stage == "syntax" or finding.rule in EMPTY_TEST_RULES
    )


def about(findings: Iterable[Finding], tests: Collection[TestSeen]) -> dict[Finding, frozenset[str]]:
    """The findings that are about `tests`, with the ids of those that cannot fail."""
    found = {finding: _meant(finding, tests) for finding in findings}
    files = {test.file for test in tests}
    return {
        finding: ids
        for finding, ids in found.items()
        if ids or (finding.rule not in _WHOLLY and finding.path in files)
    }


def _meant(finding: Finding, tests: Iterable[TestSeen]) -> frozenset[str]:
    """By the name in the finding's words; of a test that nobody finds by it, all in its file might be meant."""
    if finding.rule not in _WHOLLY:
        return frozenset()
    own = [test.id for test in tests if test.file == finding.path]
    named = _NAMED.search(finding.message)
    if named and named["name"].isidentifier():
        own = [one for one in own if _name(one) == named["name"]]
    elif named:  # a title, which may be cut off or filled in for each of several cases
        own = [one for one in own if _name(one) == named["name"]] or own
    return frozenset(own)


def _name(test: str) -> str:
    """The last part of a test's id, without parameters."""
    return re.split(r"::| > ", test)[-1].partition("[")[0]
