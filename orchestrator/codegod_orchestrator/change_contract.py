"""What the contract of a change has to show beside that of a new application: the repository is kept whole.

Its tests still pass before anything is done, none of them is weakened, existing functions keep their bodies and their
names, and tests that pin down what the code does see it when the bodies are taken out.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import anyio

from codegod_kit.plan import Plan
from codegod_orchestrator.contract_files import is_test_file, stub_files
from codegod_orchestrator.emptied import emptied
from codegod_orchestrator.evidence import RAISED, TestSeen, tests_of
from codegod_orchestrator.hollow.null_bodies import is_unfinished
from codegod_orchestrator.redgreen import red_of
from codegod_orchestrator.revisions import text_at
from codegod_orchestrator.surveying import BASE_REF, FILES_LISTED
from codegod_orchestrator.toolset import Desk, Toolset, commit_at, fresh_tree
from codegod_workers import Finding
from codegod_workers.answer import fenced
from codegod_workers.findings import beside_tests, from_tests

MAIN_REF: Final = "refs/heads/main"
CHECK_SECONDS = 300.0
# What a test raises itself when existing code does not yet give what it looks for: a route, a field, a command.
_LOOKED_FOR: Final = frozenset(
    {
        "CalledProcessError",
        "HTTPError",
        "HTTPStatusError",
        "IndexError",
        "JSONDecodeError",
        "KeyError",
        "StopIteration",
    }
)
_TAMPERED: Final = frozenset({"deleted-test", "weakened-test"})
BEFORE: Final = "before"
_Function = ast.FunctionDef | ast.AsyncFunctionDef


async def texts_of(desk: Desk, paths: Sequence[str]) -> dict[str, str]:
    """The texts of those of `paths` that the repository has, as it was before the change."""
    texts = {path: await text_at(desk, BASE_REF, path) for path in paths}
    return {path: text for path, text in texts.items() if text is not None}


def with_present(repository: str, files: Mapping[str, str]) -> str:
    """The repository's text, with the present text of `files` that are to be written anew."""
    blocks = [fenced(path, text) for path, text in files.items()]
    return (
        "\n\n".join([repository, "## Files to be written again, as they are now", *blocks])
        if blocks
        else repository
    )


def with_raised(report: Mapping[str, Any]) -> dict[str, Any]:
    """The report, where a test that failed by what existing code raised, or did not give, says so.

    An undeclared name, a wrong import or a broken fixture is none of these.
    """
    places = {
        str(one["message"]).partition(": ")[0]: str(one.get("path", ""))
        for one in report.get("findings", ())
        if one["stage"] == "tests"
    }

    def judged(test: Mapping[str, Any]) -> Mapping[str, Any]:
        place = places.get(str(test["id"]), "")
        raised = test["outcome"] == "failed" and test.get("reason") == "error"
        by_code = bool(place) and not is_test_file(place)
        looked_for = str(test.get("message", "")).partition(":")[0] in _LOOKED_FOR
        return {**test, "reason": RAISED} if raised and (by_code or looked_for) else test

    return {**report, "tests": [judged(test) for test in report.get("tests", ())]}


def failing_before(
    plan: Plan, tests: Sequence[TestSeen], known: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """The tests that failed before the change and are not what proves a task, because others do.

    Where a task has no other evidence, a test that failed before is what the change is there to mend.
    """
    red = red_of(plan, tests)
    found: dict[str, tuple[str, ...]] = {}
    for task in plan.tasks:
        own = red.of(task)
        if any(test not in known for test in own):
            found |= {test: (BEFORE,) for test in own if test in known}
    return found


async def begin_change(desk: Desk, plan: Plan, commit: str, title: str, build: str) -> Mapping[str, Any]:
    """The state of `main` that tasks start from: the repository, with what the contract adds to it beside their tests."""
    main, base = await commit_at(desk, MAIN_REF), await commit_at(desk, BASE_REF)
    changed = [
        path
        for path in (*plan.skeleton, *stub_files(plan))
        if await text_at(desk, commit, path) != await text_at(desk, BASE_REF, path)
    ]
    if main["id"] != base["id"] or not changed:
        return main
    await fresh_tree(desk, revision="", overlay=commit, overlay_paths=changed)
    arguments = {"message": title, "ref": MAIN_REF, "trailers": [f"Build-Id: {build}"]}
    return (await desk.call("git.git_commit", arguments)).data or {}


@dataclass(frozen=True, slots=True)
class ChangeProof:
    """Tries what the contract's tree at `desk`, which has run on its stubs, does to the repository."""

    plan: Plan
    toolset: Toolset
    desk: Desk

    async def lost(self, files: Mapping[str, str]) -> tuple[Finding, ...]:
        """Existing code that the contract's `files` lost: it needs no run to tell."""
        before = await texts_of(self.desk, list(files))
        return tuple(one for path, text in files.items() for one in lost(before.get(path, ""), text, path))

    async def findings(self, files: Mapping[str, str]) -> tuple[Finding, ...]:
        """What speaks against the contract's `files`."""
        before = await texts_of(self.desk, list(files))
        rewritten = {path: text for path, text in files.items() if before.get(path) not in {None, text}}
        found: list[Finding] = []
        tests = [path for path in rewritten if is_test_file(path)]
        if tests:
            found += await self._tampered()
        declared = {path: text for path, text in files.items() if not self._with_task(path)}
        changed = {path: text for path, text in declared.items() if before.get(path) != text}
        if changed and set(tests) - set(self.plan.skeleton):
            found += await self._broken_on_main(changed)
        pins = [path for path in changed if _pins_down(path, self.plan)]
        if pins and not found:
            found += await self._unseeing(pins, declared)
        return tuple(found)

    def _with_task(self, path: str) -> bool:
        """Whether a file reaches `main` with a task only."""
        return any(path in task.tests for task in self.plan.tasks)

    async def _tampered(self) -> list[Finding]:
        """Existing tests that the contract's versions of their files took away or made weaker."""
        before = await self.toolset.contracting("before")
        await fresh_tree(before, revision="")
        try:
            arguments = {"stages": ["rules"], "baseline": f"{self.toolset.build}/before"}
            report = (await self.desk.call("sandbox.check_run", arguments, within=CHECK_SECONDS)).data or {}
        finally:
            with anyio.CancelScope(shield=True):
                await before.maybe("git.worktree_remove", {})
        return [finding for finding in beside_tests(report) if finding.rule in _TAMPERED]

    async def _broken_on_main(self, changed: Mapping[str, str]) -> list[Finding]:
        """Tests that pass today and would not with the contract's declarations, before any task is done."""
        report = await self._tried("declared", changed, ["."])
        return list(from_tests(report))

    async def _unseeing(self, pins: Sequence[str], declared: Mapping[str, str]) -> list[Finding]:
        """Test files that pin nothing down: they pass although every body of the project is taken out."""
        bodies = await emptied_sources(self.desk, BASE_REF, declared)
        report = await self._tried("emptied", {**declared, **bodies}, pins)
        seen = {test.file for test in tests_of(report) if test.fails_on_stubs}
        message = (
            "every test in it passes although all functions of the project are emptied, so it pins nothing down: call "
            "the code and assert the exact values that it gives today"
        )
        return [
            Finding(stage="red", path=path, rule="hollow", message=message)
            for path in pins
            if path not in seen
        ]

    async def _tried(self, tree: str, files: Mapping[str, str], tests: Sequence[str]) -> Mapping[str, Any]:
        """A run of `tests` on the repository with `files` over it."""
        desk = await self.toolset.contracting(tree)
        await fresh_tree(desk, revision="")
        try:
            for path, text in files.items():
                await desk.call("sandbox.file_write", {"path": path, "content": text})
            await desk.call("sandbox.env_prepare", {}, within=CHECK_SECONDS)
            arguments = {"stages": ["tests"], "tests": list(tests)}
            return (await desk.call("sandbox.check_run", arguments, within=CHECK_SECONDS)).data or {}
        finally:
            with anyio.CancelScope(shield=True):
                await desk.maybe("git.worktree_remove", {})


async def emptied_sources(desk: Desk, revision: str, over: Mapping[str, str]) -> dict[str, str]:
    """The Python of the tree at `desk`, as `revision` and then `over` have it, with its bodies taken out."""
    listed = (await desk.call("sandbox.file_search", {"pattern": "*.py", "limit": FILES_LISTED})).data or {}
    paths = [path for path in map(str, listed.get("paths", ())) if not is_test_file(path)]
    texts = {path: over.get(path) or await text_at(desk, revision, path) or "" for path in paths}
    return emptied({path: text for path, text in texts.items() if not _is_for_tests(path)})


def lost(before: str, now: str, path: str) -> Iterator[Finding]:
    """Functions that a file had, and has no more or has emptied. Nothing for what is no Python."""
    if not path.endswith(".py") or is_test_file(path):
        return
    try:
        had, has = _functions(before), _functions(now)
    except (SyntaxError, ValueError, RecursionError):
        return  # the checks name that better
    for name, function in had.items():
        if name not in has:
            yield _kept(path, f"`{name}` is gone: keep what the file has, and only add to it")
        elif is_unfinished(has[name]) and not is_unfinished(function):
            yield _kept(
                path, f"`{name}` has lost its body: keep the code that is there, the task will change it"
            )


def _functions(text: str) -> dict[str, _Function]:
    """The functions and methods of a module by their dotted names."""
    found: dict[str, _Function] = {}

    def take(body: Collection[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, _Function):
                found[f"{prefix}{node.name}"] = node
            elif isinstance(node, ast.ClassDef):
                take(node.body, f"{prefix}{node.name}.")

    take(ast.parse(text).body, "")
    return found


def _kept(path: str, message: str) -> Finding:
    return Finding(stage="contract", path=path, rule="lost", message=message)


def _pins_down(path: str, plan: Plan) -> bool:
    return (
        path in plan.skeleton
        and path.endswith(".py")
        and is_test_file(path)
        and not path.endswith("conftest.py")
    )


def _is_for_tests(path: str) -> bool:
    return path.startswith(("tests/", "test/")) or "/tests/" in path
