"""What the orchestrator itself saw of a tree: the records that RED, GREEN and findings are journalled as.

They read a check report of the sandbox as it comes (`Evidence.model_validate({**report, "tree": …, "level": …})`):
fields they do not know are dropped.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

TestOutcome = Literal["passed", "failed", "error", "skipped", "timeout"]
StageStatus = Literal["passed", "failed", "skipped"]

# What existing code raised where it should not: for a change that is a failure as good as an assertion's.
RAISED = "raised"
# Stands beside the kinds of null bodies: a test that cannot fail does not tell these from an implementation either.
EMPTY = "empty"
# A test can be evidence when it fails on the stubs by their own marker or by an assertion: any other failure (a wrong
# import, a broken fixture) would fail whatever the code does.
RED_REASONS = frozenset({"stub", "assertion", RAISED})


class TestSeen(BaseModel):
    """How one test ended."""

    __test__ = False  # pytest would take the name for a test class
    model_config = ConfigDict(frozen=True)

    id: str
    outcome: TestOutcome
    reason: str = ""
    message: str = ""
    hollow: tuple[str, ...] = ()
    """Why it proves nothing: the kinds of null bodies (`none`, `default`) that it does not tell from an implementation,
    `empty` where it asserts nothing, `before` where it failed before the change as well."""

    @property
    def file(self) -> str:
        return self.id.split("::", 1)[0]

    @property
    def red(self) -> bool:
        """Whether this test is evidence: it tells an implementation from a stub, and from a body that does nothing."""
        return self.fails_on_stubs and not self.hollow

    @property
    def fails_on_stubs(self) -> bool:
        """Whether this test, run on the stubs, failed as it should: by their marker or by an assertion."""
        # A stub may be called by a fixture already: pytest then calls the test an error, and its marker says the same.
        return (self.outcome == "failed" and self.reason in RED_REASONS) or (
            self.outcome == "error" and self.reason == "stub"
        )


class StageSeen(BaseModel):
    """How one stage of the checks ended."""

    model_config = ConfigDict(frozen=True)

    name: str
    status: StageStatus
    seconds: float = 0.0
    note: str = ""


class Evidence(BaseModel):
    """One run of the checks on one tree, in a sandbox of the named level."""

    model_config = ConfigDict(frozen=True)

    tree: str
    level: str = ""
    tests: tuple[TestSeen, ...] = ()
    stages: tuple[StageSeen, ...] = ()
    seconds: float = 0.0


def evidence_of(report: Mapping[str, Any], tree: str, level: str = "") -> Evidence:
    """The evidence in a check report about `tree`; `level` is the sandbox's, unless the report names its own."""
    return Evidence.model_validate({"level": level, **report, "tree": tree})


def with_hollow(evidence: Evidence, hollow: Mapping[str, Sequence[str]]) -> Evidence:
    """The evidence with what the runs on null bodies have shown, by test id."""
    tests = tuple(
        test.model_copy(update={"hollow": tuple(hollow.get(test.id, ()))}) for test in evidence.tests
    )
    return evidence.model_copy(update={"tests": tests})


def tests_of(report: Mapping[str, Any]) -> tuple[TestSeen, ...]:
    """How each test of a check report ended."""
    return evidence_of(report, "").tests
