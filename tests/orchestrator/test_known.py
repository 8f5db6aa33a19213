"""Reports of checks without what was wrong before a change."""

from typing import Any

import pytest

from codegod_mesh import CallResult
from codegod_orchestrator.informed import STAGES, Informed
from codegod_orchestrator.known import Known, known_of, without_known


def finding(stage: str, path: str, message: str, rule: str = "R1", line: int = 3) -> dict[str, Any]:
    return {"stage": stage, "path": path, "line": line, "rule": rule, "message": message}


def ended(name: str, outcome: str = "failed") -> dict[str, Any]:
    return {"id": name, "outcome": outcome, "reason": "assertion", "message": "assert 1 == 2"}


def stage(name: str, status: str = "failed", note: str = "") -> dict[str, Any]:
    return {"name": name, "status": status, "seconds": 0.1, "note": note}


def report(*findings: dict[str, Any], tests: Any = (), stages: Any = ()) -> dict[str, Any]:
    return {
        "ok": False,
        "stages": list(stages),
        "findings": list(findings),
        "tests": list(tests),
        "level": "",
    }


OLD_TEST = "tests/test_old.py::test_days"
BEFORE = report(
    finding("lint", "src/a.py", "bare except", "E722"),
    finding("tests", "tests/test_old.py", f"{OLD_TEST}: assert 1 == 2", "assertion"),
    tests=[ended(OLD_TEST), ended("tests/test_old.py::test_fine", "passed")],
    stages=[stage("lint"), stage("tests")],
)


def test_what_was_wrong_before_is_left_out_and_named() -> None:
    left = without_known(BEFORE, known_of(BEFORE))
    assert left["ok"]
    assert left["findings"] == []
    assert [test["id"] for test in left["tests"]] == ["tests/test_old.py::test_fine"]
    assert left["known"] == [OLD_TEST]
    assert [one["status"] for one in left["stages"]] == ["passed", "passed"]


def test_the_same_finding_on_another_line_is_known_and_a_second_one_is_new() -> None:
    moved = finding("lint", "src/a.py", "bare except", "E722", line=90)
    left = without_known(report(moved, moved, stages=[stage("lint")]), known_of(BEFORE))
    assert left["findings"] == [moved]
    assert not left["ok"]


def test_another_test_that_fails_and_a_report_that_is_cut_are_told() -> None:
    other = ended("tests/test_old.py::test_fine")
    cut = finding("tests", "", "The run ended before its report was whole.", "report-cut")
    known = known_of(report(cut, tests=[ended(OLD_TEST)]))
    left = without_known(report(cut, tests=[ended(OLD_TEST), other], stages=[stage("tests")]), known)
    assert left["findings"] == [cut]
    assert left["tests"] == [other]
    assert not left["ok"]


def test_a_test_that_the_change_wants_mended_is_not_known() -> None:
    known = known_of(BEFORE).beside({"tests/test_old.py"})
    left = without_known(BEFORE, known)
    assert [test["id"] for test in left["tests"]] == [OLD_TEST, "tests/test_old.py::test_fine"]
    assert [one["stage"] for one in left["findings"]] == ["tests"]


def test_of_a_stage_with_more_findings_than_are_shown_nothing_is_new() -> None:
    before = report(stages=[stage("lint", note="12 more findings are not shown")])
    now = report(
        finding("lint", "src/b.py", "another"),
        finding("rules", "tests/test_a.py", "gone", "deleted-test"),
        stages=[stage("lint"), stage("rules")],
    )
    left = without_known(now, known_of(before))
    assert [one["rule"] for one in left["findings"]] == ["deleted-test"]


class Checks:
    """A view whose checks give what they are told, one report for each call."""

    def __init__(self, *reports: dict[str, Any]) -> None:
        self._reports = list(reports)
        self.asked: list[dict[str, Any]] = []
        self.tools = ()

    async def call(self, name: str, arguments: Any, *, within: float = 60.0) -> CallResult:
        self.asked.append({"name": name, **arguments})
        return CallResult(False, "raw", self._reports.pop(0))


async def test_every_stage_runs_by_itself_and_other_tools_are_left_alone() -> None:
    checks = Checks(BEFORE, {"text": "x"})
    informed = Informed(checks, known_of(BEFORE))
    checked = await informed.call("sandbox__check_run", {"paths": ["src/a.py"]}, within=180)
    assert checked.text == "The check passed."
    assert checks.asked[0]["stages"] == list(STAGES)
    assert (await informed.call("sandbox.file_read", {"path": "x"})).text == "raw"


async def test_what_a_stage_keeps_to_itself_of_other_files_is_looked_up() -> None:
    old, new = finding("types", "src/b.py", "old"), finding("types", "src/c.py", "new")
    elsewhere = stage("types", note="fails in 2 places elsewhere, e.g. src/b.py:3 old")
    checks = Checks(report(stages=[elsewhere]), report(old, new, stages=[stage("types")]))
    informed = Informed(checks, Known(findings=known_of(report(old)).findings))
    checked = await informed.call("sandbox.check_run", {"paths": ["src/a.py"]}, within=180)
    assert checks.asked[1]["stages"] == ["types"] and checks.asked[1]["paths"] == []
    assert checked.data is not None and checked.data["findings"] == [new]
    assert "src/c.py:3 [R1] new" in checked.text


@pytest.mark.parametrize("stages", [["tests"], ["syntax", "imports"]])
async def test_stages_that_are_asked_for_stay_as_they_are(stages: list[str]) -> None:
    checks = Checks(report(stages=[]))
    await Informed(checks, Known()).call("sandbox.check_run", {"stages": stages}, within=300)
    assert checks.asked[0]["stages"] == stages
