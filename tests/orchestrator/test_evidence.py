"""Evidence, read from a check report as the sandbox gives it."""

import pytest

from codegod_orchestrator import evidence as evidence_module
from codegod_orchestrator.evidence import StageSeen, TestSeen, evidence_of

REPORT = {
    "ok": False,
    "stages": [{"name": "tests", "status": "failed", "seconds": 1.5, "note": "1 failed"}],
    "findings": [{"stage": "tests", "path": "a.py", "line": 1, "rule": "", "message": "no"}],
    "tests": [{"id": "tests/test_a.py::test_x[1]", "outcome": "failed", "reason": "stub", "message": "stub"}],
}


def test_a_report_becomes_evidence_about_a_tree() -> None:
    evidence = evidence_of(REPORT, "tree-1", "landlock")
    assert (evidence.tree, evidence.level) == ("tree-1", "landlock")
    assert evidence.stages == (StageSeen(name="tests", status="failed", seconds=1.5, note="1 failed"),)
    assert evidence_module.tests_of(REPORT) == evidence.tests
    assert (evidence.tests[0].file, evidence.tests[0].red) == ("tests/test_a.py", True)
    assert evidence_of({**REPORT, "level": "bubblewrap"}, "tree-1", "landlock").level == "bubblewrap"


@pytest.mark.parametrize(
    ("outcome", "reason", "red"),
    [
        ("failed", "stub", True),
        ("failed", "assertion", True),
        ("failed", "error", False),
        ("error", "import", False),
        ("error", "fixture", False),
        ("timeout", "timeout", False),
        ("passed", "", False),
        ("skipped", "", False),
    ],
)
def test_only_a_stub_or_an_assertion_makes_a_test_red(outcome: str, reason: str, red: bool) -> None:
    assert TestSeen.model_validate({"id": "t", "outcome": outcome, "reason": reason}).red is red
