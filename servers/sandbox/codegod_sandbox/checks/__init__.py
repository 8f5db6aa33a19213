"""`check_run`: the validation pipeline for what a model wrote."""

from codegod_sandbox.checks.records import (
    STAGES,
    CheckReport,
    Finding,
    Outcome,
    Reason,
    StageName,
    StageReport,
    StageStatus,
    TestResult,
)
from codegod_sandbox.checks.tool import register_checks

__all__ = [
    "STAGES",
    "CheckReport",
    "Finding",
    "Outcome",
    "Reason",
    "StageName",
    "StageReport",
    "StageStatus",
    "TestResult",
    "register_checks",
]
