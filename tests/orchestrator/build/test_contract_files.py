"""What a contract consists of, and what is asked for again."""

from codegod_kit.plan import Plan, Task
from codegod_orchestrator.contract import batches, contract_files, contract_findings, stub_files, to_rewrite
from codegod_workers import Finding

PLAN = Plan(
    name="app",
    skeleton=("pyproject.toml", "src/app/__init__.py"),
    tasks=(
        Task(
            id="store",
            type="database",
            title="S",
            files=("src/app/store.py", "migrations/0001_a.sql"),
            tests=("tests/test_store.py",),
        ),
        Task(id="more", type="testing", title="M", files=("tests/test_more.py", "tests/conftest.py")),
        Task(id="docs", type="documentation", title="D", files=("README.md",)),
    ),
)


def test_only_code_that_a_task_owns_gets_a_stub() -> None:
    assert stub_files(PLAN) == ("src/app/store.py",)
    assert contract_files(PLAN) == (*PLAN.skeleton, "src/app/store.py", "tests/test_store.py")


def test_a_batch_never_holds_tests_together_with_what_they_test() -> None:
    files = [f"src/app/m{n}.py" for n in range(12)] + ["tests/test_a.py"]
    assert [len(batch) for batch in batches(files)] == [10, 2, 1]


def test_a_wrong_test_is_written_again_together_with_its_stub() -> None:
    finding = Finding(stage="red", path="tests/test_store.py::test_add", message="…")
    assert to_rewrite(PLAN, [finding]) == ("src/app/store.py", "tests/test_store.py")


def test_a_finding_that_names_no_file_of_the_contract_asks_for_all_of_it() -> None:
    assert to_rewrite(PLAN, [Finding(stage="tests", message="…")]) == contract_files(PLAN)


def test_red_contract_tests_are_no_findings_and_a_red_smoke_test_is_one() -> None:
    report = {
        "findings": [],
        "tests": [
            {"id": "tests/test_store.py::test_add", "outcome": "failed", "reason": "stub", "message": "stub"},
            {
                "id": "tests/test_smoke.py::test_it",
                "outcome": "failed",
                "reason": "assertion",
                "message": "assert 0",
            },
        ],
    }
    (finding,) = contract_findings(PLAN, report)
    assert finding.path == "tests/test_smoke.py::test_it"


def test_when_nothing_could_run_single_tests_are_not_blamed() -> None:
    report = {
        "findings": [{"stage": "syntax", "path": "src/app/__init__.py", "line": 1, "message": "bad"}],
        "tests": [],
    }
    (finding,) = contract_findings(PLAN, report)
    assert finding.stage == "syntax"
