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
from codegod_orchestrator.hollow.null_bodies import NULL_KINDS, NullKind
from codegod_orchestrator.hollow.null_stubs import NullStubs, null_stubs
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
    tried: tuple[str, ...] = ()
    """The languages whose stubs were run on null bodies."""
    untried: tuple[str, ...] = ()
    """The stubs of which nobody could make null bodies, and the tests that met a stub all the same, with the reason."""


async def hollow_tests(
    toolset: Toolset, files: Mapping[str, str], stubs: Collection[str], wanted: Collection[str]
) -> Hollow:
    """Which of the tests `wanted` pass on null bodies of `stubs`, paths among the contract's `files`.

    Each kind of body runs in a tree of its own beside the other: the contract's tree stays as it is.
    """
    tests = sorted({test.partition("::")[0] for test in wanted})
    nulls = null_stubs({path: files[path] for path in stubs}) if tests else NullStubs()
    reports: dict[NullKind, Mapping[str, Any]] = {}

    async def run(kind: NullKind) -> None:
        reports[kind] = await _run(toolset, kind, {**files, **nulls.bodies[kind]}, tests)

    async with anyio.create_task_group() as group:
        for kind in nulls.bodies:
            group.start_soon(run, kind)
    failed = {kind: _failed(reports[kind]) for kind in NULL_KINDS if kind in reports}
    passed = {test: tuple(kind for kind, saw in failed.items() if not _is_in(test, saw)) for test in wanted}
    doubts = [one for report in reports.values() for one in beside_tests(report) if one.rule in _BROKEN_OFF]
    hollow = {test: kinds for test, kinds in passed.items() if kinds}
    return Hollow(hollow, tuple(doubts), nulls.languages, (*nulls.untried, *_still_stubs(reports, wanted)))


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


def _still_stubs(reports: Mapping[NullKind, Mapping[str, Any]], wanted: Collection[str]) -> list[str]:
    """The tests that failed by a stub's marker nonetheless: what they would say of an empty body is not known."""
    met = {test.id for report in reports.values() for test in tests_of(report) if test.reason == "stub"}
    return [f"{test}: it meets a body that says that it is not implemented" for test in wanted if test in met]


def _is_in(test: str, failed: Collection[str]) -> bool:
    """Whether a test failed, or its file did as a whole; of a file that ran into its end before, whether any test did."""
    path, _, name = test.partition("::")
    if test in failed or path in failed:
        return True
    return not name and any(other.startswith(f"{path}::") for other in failed)


def _saw(test: TestSeen, broken_off: bool) -> bool:
    if test.reason in _NOT_REACHED or test.outcome in {"passed", "skipped"}:
        return False
    return test.outcome == "failed" or not broken_off
