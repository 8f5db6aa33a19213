"""Runs a contract's tests where nothing is implemented and nothing complains: on null bodies.

A stub raises, so nearly every test fails on it, also one that asserts nothing. What fails here as well asks for something
that only an implementation gives.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from codegod_orchestrator.evidence import TestSeen, tests_of
from codegod_orchestrator.null_bodies import NULL_KINDS, NullKind, nulled
from codegod_orchestrator.toolset import Desk
from codegod_workers import Finding
from codegod_workers.findings import beside_tests

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


async def hollow_tests(desk: Desk, stubs: Mapping[str, str], wanted: Collection[str]) -> Hollow:
    """Which of the tests `wanted` pass on null bodies of `stubs`; the tree has its stubs again afterwards."""
    found: dict[str, tuple[NullKind, ...]] = {}
    doubts: list[Finding] = []
    seen: dict[str, Mapping[str, str]] = {}
    files = sorted({test.partition("::")[0] for test in wanted})
    for kind in NULL_KINDS:
        bodies = {path: nulled(text, kind) for path, text in stubs.items() if path.endswith(".py")}
        bodies = {path: text for path, text in bodies.items() if text != stubs[path]}
        if not files or not bodies or bodies in seen.values():
            continue  # nothing to empty, or no declared type has an empty value: the same bodies, the same run
        seen[kind] = bodies
        report = await _run(desk, stubs, bodies, files)
        failed = _failed(report)
        for test in wanted:
            if test not in failed:
                found[test] = (*found.get(test, ()), kind)
        doubts += [one for one in beside_tests(report) if one.rule in _BROKEN_OFF]
    return Hollow(found, tuple(doubts))


async def _run(
    desk: Desk, stubs: Mapping[str, str], bodies: Mapping[str, str], files: Collection[str]
) -> Mapping[str, Any]:
    await _write(desk, bodies)
    try:
        arguments = {"stages": ["tests"], "tests": list(files), "timeout_s": NULL_SECONDS}
        return (await desk.call("sandbox.check_run", arguments, within=2 * NULL_SECONDS)).data or {}
    finally:
        await _write(desk, {path: stubs[path] for path in bodies})


async def _write(desk: Desk, texts: Mapping[str, str]) -> None:
    for path, text in texts.items():
        await desk.call("sandbox.file_write", {"path": path, "content": text})


def _failed(report: Mapping[str, Any]) -> set[str]:
    """The tests that saw through the null bodies."""
    broken_off = any(one.rule in _BROKEN_OFF for one in beside_tests(report))
    return {test.id for test in tests_of(report) if _saw(test, broken_off)}


def _saw(test: TestSeen, broken_off: bool) -> bool:
    if test.reason in _NOT_REACHED or test.outcome in {"passed", "skipped"}:
        return False
    return test.outcome == "failed" or not broken_off
