"""Runs a contract's tests where nothing is implemented and nothing complains: on null bodies.

A stub raises, so nearly every test fails on it, also one that asserts nothing. What fails here as well asks for something
that only an implementation gives.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import anyio

from codegod_orchestrator.evidence import TestSeen, tests_of
from codegod_orchestrator.null_bodies import NULL_KINDS, NullKind, nulled
from codegod_orchestrator.toolset import Toolset, fresh_tree
from codegod_workers import Finding
from codegod_workers.findings import beside_tests

NULL_TREE: Final = "null"
NULL_SECONDS = 120.0  # a test that waits for what never comes is ended by its own limit, well before

# Failures that say nothing about what a body gives back: the test never got so far.
_NOT_REACHED: Final = frozenset({"collection", "import"})
# Rules of a report that broke off: its other tests count as errors without having run.
_BROKEN_OFF: Final = frozenset({"report-cut", "tests-broken", "report-disagrees"})


@dataclass(frozen=True, slots=True)
class Hollow:
    """What the runs on null bodies have shown."""

    tests: Mapping[str, tuple[NullKind, ...]] = field(default_factory=dict)
    """By test id, the null bodies that it passes on (or did not get to: nothing is shown then either)."""
    doubts: tuple[Finding, ...] = ()
    """Why a run broke off, if one did."""


async def hollow_tests(
    toolset: Toolset, files: Mapping[str, str], stubs: Collection[str], wanted: Collection[str]
) -> Hollow:
    """Which of the tests `wanted` pass on null bodies of `stubs`, paths among the contract's `files`.

    Each kind of body runs in a tree of its own beside the other: the contract's tree stays as it is.
    """
    tests = sorted({test.partition("::")[0] for test in wanted})
    bodies = _null_bodies({path: files[path] for path in stubs if path.endswith(".py")})
    reports: dict[NullKind, Mapping[str, Any]] = {}

    async def run(kind: NullKind) -> None:
        reports[kind] = await _run(toolset, kind, {**files, **bodies[kind]}, tests)

    async with anyio.create_task_group() as group:
        for kind in bodies if tests else ():
            group.start_soon(run, kind)
    failed = {kind: _failed(reports[kind]) for kind in NULL_KINDS if kind in reports}
    passed = {test: tuple(kind for kind, saw in failed.items() if test not in saw) for test in wanted}
    doubts = [one for report in reports.values() for one in beside_tests(report) if one.rule in _BROKEN_OFF]
    return Hollow({test: kinds for test, kinds in passed.items() if kinds}, tuple(doubts))


def _null_bodies(stubs: Mapping[str, str]) -> dict[NullKind, dict[str, str]]:
    """The stubs that change, for each kind that is another than those before it."""
    found: dict[NullKind, dict[str, str]] = {}
    for kind in NULL_KINDS:
        bodies = {path: nulled(text, kind) for path, text in stubs.items()}
        bodies = {path: text for path, text in bodies.items() if text != stubs[path]}
        # Nothing to empty, or no declared type has an empty value: the same bodies, the same run.
        if bodies and bodies not in found.values():
            found[kind] = bodies
    return found


async def _run(
    toolset: Toolset, kind: NullKind, files: Mapping[str, str], tests: Sequence[str]
) -> Mapping[str, Any]:
    desk = await toolset.contracting(f"{NULL_TREE}.{kind}")
    await fresh_tree(desk, revision="")
    try:
        for path, text in files.items():
            await desk.call("sandbox.file_write", {"path": path, "content": text})
        arguments = {"stages": ["tests"], "tests": list(tests), "timeout_s": NULL_SECONDS}
        return (await desk.call("sandbox.check_run", arguments, within=2 * NULL_SECONDS)).data or {}
    finally:
        with anyio.CancelScope(shield=True):
            await desk.maybe("git.worktree_remove", {})


def _failed(report: Mapping[str, Any]) -> set[str]:
    """The tests that saw through the null bodies."""
    broken_off = any(one.rule in _BROKEN_OFF for one in beside_tests(report))
    return {test.id for test in tests_of(report) if _saw(test, broken_off)}


def _saw(test: TestSeen, broken_off: bool) -> bool:
    if test.reason in _NOT_REACHED or test.outcome in {"passed", "skipped"}:
        return False
    return test.outcome == "failed" or not broken_off
