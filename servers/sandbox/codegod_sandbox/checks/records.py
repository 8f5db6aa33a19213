"""What `check_run` answers."""

from dataclasses import dataclass
from typing import ClassVar, Final, Literal, get_args

from pydantic import BaseModel, Field

StageName = Literal["syntax", "rules", "lint", "types", "imports", "tests"]
StageStatus = Literal["passed", "failed", "skipped"]
Outcome = Literal["passed", "failed", "error", "skipped", "timeout"]
Reason = Literal["", "assertion", "stub", "import", "fixture", "collection", "error", "timeout"]
STAGES: Final[tuple[StageName, ...]] = get_args(StageName)


class Finding(BaseModel):
    """One thing that is wrong. `line` is 0 when it stands nowhere in particular."""

    stage: StageName
    path: str
    line: int
    rule: str
    message: str


class TestResult(BaseModel):
    """What became of one test. `reason` says how it failed; "stub" is NotImplementedError from the project's code."""

    __test__: ClassVar[bool] = False

    id: str
    outcome: Outcome
    reason: Reason = ""
    message: str = ""


class StageReport(BaseModel):
    """How one stage went. `note` says why it was skipped, or what was left out."""

    name: StageName
    status: StageStatus
    seconds: float
    note: str = ""


class CheckReport(BaseModel):
    """The whole check. `ok` is true when no stage failed."""

    ok: bool
    stages: list[StageReport]
    findings: list[Finding] = Field(description="What must be mended")
    advice: list[Finding] = Field(description="What is worth mending and fails nothing")
    tests: list[TestResult]
    level: str = Field(description="What isolated the runs; empty when nothing had to run")


@dataclass(frozen=True, slots=True)
class Done:
    """What one stage came to. With `skipped`, the reason, nothing is known.

    `elsewhere` tells of findings in files that nobody asked for, in a stage that the project passes as a whole.
    """

    findings: tuple[Finding, ...] = ()
    advice: tuple[Finding, ...] = ()
    tests: tuple[TestResult, ...] = ()
    seconds: float = 0.0
    note: str = ""
    skipped: str = ""
    elsewhere: str = ""
    level: str = ""

    @property
    def status(self) -> StageStatus:
        """Whether it passed."""
        failed = any(test.outcome not in ("passed", "skipped") for test in self.tests)
        if self.findings or self.elsewhere or failed:
            return "failed"
        return "skipped" if self.skipped else "passed"
