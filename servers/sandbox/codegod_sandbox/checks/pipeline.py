"""The stages in their order: what runs together, when to stop, and what the report says."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

import anyio

from codegod_sandbox.checks.all_languages import run_imports, run_static, run_tests
from codegod_sandbox.checks.bench import Bench
from codegod_sandbox.checks.records import STAGES, CheckReport, Done, Finding, StageName, StageReport
from codegod_sandbox.checks.static_stages import STATIC

# Told whatever files were asked for: a deleted test is in none of them.
_ALWAYS_TOLD: Final = frozenset({"deleted-test", "weakened-test", "unchecked"})
# These hold for the project or do not: a change that breaks them in somebody else's file has broken them.
_WHOLE: Final = frozenset({"syntax", "types", "imports"})
# What is found at one of these levels is told together; a failure ends the check before the next level.
_LEVELS: Final[tuple[tuple[StageName, ...], ...]] = (
    ("syntax",),
    ("rules", "lint", "types"),
    ("imports",),
    ("tests",),
)
_NO_TESTS: Final = "no tests were asked for"


async def run_all(bench: Bench, paths: Sequence[str], missing: Sequence[str]) -> CheckReport:
    """Every stage in order; after one that fails, the next level is skipped. `missing` are `paths` with no file."""
    done = await run_static(bench, STATIC)
    done = {stage: _wanted(stage, each, paths) for stage, each in done.items()}
    done["syntax"] = _with_missing(done["syntax"], missing)
    failed = _cut_after_failure(done)
    if failed:
        return _report({**done, **{stage: _skipped_after(failed) for stage in ("imports", "tests")}})
    done.update(await _run_the_project(bench, paths))
    return _report(done)


async def run_some(
    bench: Bench, stages: Sequence[StageName], paths: Sequence[str], missing: Sequence[str]
) -> CheckReport:
    """Exactly `stages`, all at once, none of them stopped by another."""
    done: dict[StageName, Done] = {}

    async def static() -> None:
        done.update(await run_static(bench, [stage for stage in STATIC if stage in stages]))

    async def imports() -> None:
        done["imports"] = await run_imports(bench)

    async def tests() -> None:
        done["tests"] = await run_tests(bench) if bench.tests else Done(skipped=_NO_TESTS)

    async with anyio.create_task_group() as group:
        if any(stage in STATIC for stage in stages):
            group.start_soon(static)
        if "imports" in stages:
            group.start_soon(imports)
        if "tests" in stages:
            group.start_soon(tests)
    done = {stage: _wanted(stage, each, paths) for stage, each in done.items()}
    if "syntax" in done:
        done["syntax"] = _with_missing(done["syntax"], missing)
    return _report(done)


async def _run_the_project(bench: Bench, paths: Sequence[str]) -> dict[StageName, Done]:
    """Imports and tests beside each other; tests that were begun in vain are stopped."""
    done: dict[StageName, Done] = {"tests": Done(skipped=_NO_TESTS)}

    async def tests() -> None:
        done["tests"] = await run_tests(bench)

    async with anyio.create_task_group() as group:
        if bench.tests:
            group.start_soon(tests)
        done["imports"] = _wanted("imports", await run_imports(bench), paths)
        if done["imports"].status == "failed":
            group.cancel_scope.cancel()
    if done["imports"].status == "failed" and bench.tests:
        done["tests"] = _skipped_after("imports")
    return done


def _cut_after_failure(done: dict[StageName, Done]) -> str:
    """Take back what lies behind the first failed level; names of its failed stages, '' when all passed."""
    failed = ""
    for level in _LEVELS:
        here = [stage for stage in level if stage in done]
        if failed:
            done.update({stage: _skipped_after(failed) for stage in here})
        else:
            failed = " and ".join(stage for stage in here if done[stage].status == "failed")
    return failed


def _skipped_after(failed: str) -> Done:
    return Done(skipped=f"after failed {failed}")


def _wanted(stage: StageName, done: Done, paths: Sequence[str]) -> Done:
    """Only what was found in `paths`; for the tests, whoever asked for them wants all."""
    if not paths:
        return done
    kept = tuple(_in(done.findings, paths))
    others = [each for each in done.findings if each not in kept]
    elsewhere = ""
    if others and stage in _WHOLE:
        first = others[0]
        elsewhere = f"fails in {len(others)} places elsewhere, e.g. {first.path}:{first.line} {first.message}"
    return replace(done, findings=kept, advice=tuple(_in(done.advice, paths)), elsewhere=elsewhere)


def _with_missing(syntax: Done, missing: Sequence[str]) -> Done:
    findings = [
        Finding(
            stage="syntax", path=path, line=0, rule="missing-file", message="The file is not there: write it."
        )
        for path in missing
    ]
    return replace(syntax, findings=(*findings, *syntax.findings))


def _in(findings: Sequence[Finding], paths: Sequence[str]) -> Iterator[Finding]:
    for each in findings:
        told = each.stage == "tests" or each.rule in _ALWAYS_TOLD or not each.path
        if told or any(each.path == path or each.path.startswith(f"{path}/") for path in paths):
            yield each


def _report(done: Mapping[StageName, Done]) -> CheckReport:
    stages = [stage for stage in STAGES if stage in done]
    return CheckReport(
        ok=all(done[stage].status != "failed" for stage in stages),
        stages=[
            StageReport(
                name=stage,
                status=done[stage].status,
                seconds=round(done[stage].seconds, 3),
                note=done[stage].skipped or done[stage].elsewhere or done[stage].note,
            )
            for stage in stages
        ],
        findings=[finding for stage in stages for finding in done[stage].findings],
        advice=[finding for stage in stages for finding in done[stage].advice],
        tests=[test for stage in stages for test in done[stage].tests],
        level=next((done[stage].level for stage in stages if done[stage].level), ""),
    )
