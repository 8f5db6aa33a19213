"""What a contract consists of, and what is asked for again."""

from codegod_kit.plan import Plan, Task
from codegod_orchestrator.contract import contract_findings
from codegod_orchestrator.contract_files import batches, contract_files, stub_files, stubs_of, to_rewrite
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


def test_code_in_another_language_gets_a_stub_when_its_task_has_tests_in_it() -> None:
    page = Task(id="page", type="frontend", title="P", files=("web/page.ts", "web/index.html"))
    tested = page.model_copy(update={"tests": ("web/page.test.ts",)})
    served = Task(id="go", type="api", title="G", files=("serve.go",), tests=("serve_test.go",))
    assert [stubs_of(task) for task in (page, tested, served)] == [(), ("web/page.ts",), ("serve.go",)]
    own = Task(id="t", type="testing", title="T", files=("web/all.spec.js",), tests=("web/x.test.js",))
    assert stubs_of(own) == ()


def test_all_declarations_are_asked_for_before_the_tests_of_each_component() -> None:
    code = [f"src/app/m{n}.py" for n in range(12)]
    plan = Plan(
        name="app",
        skeleton=(*code, "tests/conftest.py", "tests/test_smoke.py"),
        tasks=tuple(
            Task(id=name, type="backend", title=name, files=(f"{name}.py",), tests=(f"tests/test_{name}.py",))
            for name in ("a", "b")
        ),
    )
    assert [list(batch) for batch in batches(plan, contract_files(plan))] == [
        code[:10],
        [*code[10:], "a.py", "b.py"],
        ["tests/conftest.py", "tests/test_smoke.py"],
        ["tests/test_a.py"],
        ["tests/test_b.py"],
    ]


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


def test_what_cannot_be_imported_may_be_missing_in_the_manifest() -> None:
    finding = Finding(
        stage="types", path="src/app/store.py", rule="import-not-found", message="Cannot resolve `starlette`."
    )
    assert to_rewrite(PLAN, [finding]) == ("pyproject.toml", "src/app/store.py")
