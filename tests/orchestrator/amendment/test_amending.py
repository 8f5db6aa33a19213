"""What accepted work says to an amendment, and what of the contract `main` holds."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from codegod_kit.plan import Plan
from codegod_mesh import CallResult
from codegod_orchestrator.accepting import AcceptLane
from codegod_orchestrator.amendment.amending import Amender, on_main
from codegod_orchestrator.journal import ClaimedBuild, Journal
from codegod_orchestrator.redgreen import Red
from codegod_orchestrator.toolset import Desk, Toolset

PLAN = Plan.model_validate(
    {
        "name": "demo",
        "skeleton": ["pyproject.toml", "src/demo/faults.py"],
        "tasks": [
            {
                "id": name,
                "type": "backend",
                "title": f"The {name}",
                "files": [f"src/demo/{name}.py"],
                "tests": [f"tests/test_{name}.py"],
                "depends": list(depends),
            }
            for name, depends in {"storage": (), "api": ("storage",)}.items()
        ],
    }
)
STORAGE, API = PLAN.tasks


class Scripted:
    """A tree of `main` on which the checks find what they are told to."""

    def __init__(self, failing: Sequence[str]) -> None:
        self.failing = failing
        self.written: list[str] = []

    async def call(self, name: str, arguments: Mapping[str, Any], *, within: float = 60) -> CallResult:
        if name == "sandbox.file_write":
            self.written.append(arguments["path"])
        if name != "sandbox.check_run":
            return CallResult(False, "", {})
        tests = [
            {"id": test, "outcome": "failed", "reason": "assertion", "message": "assert 1 == 2"}
            for test in self.failing
        ]
        return CallResult(False, "", {"ok": not tests, "findings": [], "tests": tests})

    async def contracting(self, tree: str) -> Desk:
        return Desk(cast("Any", self))


def _amender(*failing: str) -> tuple[Amender, Scripted]:
    """A build whose storage is accepted."""

    class Kept:
        async def tasks(self, build: str) -> list[SimpleNamespace]:
            return [SimpleNamespace(id="storage", state="accepted"), SimpleNamespace(id="api", state="ready")]

        async def attempts(self, build: str) -> list[SimpleNamespace]:
            return [SimpleNamespace(task="storage", state="accepted")]

    tools = Scripted(failing)
    journal, claimed = cast("Journal", Kept()), cast("ClaimedBuild", SimpleNamespace(id="b1"))
    toolset = cast("Toolset", tools)
    lane = AcceptLane(PLAN, claimed, toolset, Red((), ()), journal)
    return Amender(journal, claimed, toolset, lane, cast("Any", None)), tools


def test_main_has_the_skeleton_the_stubs_of_what_is_undone_and_the_tests_of_what_is_done() -> None:
    assert on_main(PLAN, {"storage"}, {"storage"}) == {
        "plan.yaml",
        "pyproject.toml",
        "src/demo/faults.py",
        "src/demo/api.py",
        "tests/test_storage.py",
    }


def test_main_keeps_the_old_code_and_tests_of_what_has_to_be_done_once_more() -> None:
    kept = on_main(PLAN, set(), {"storage"})
    assert not kept & {"src/demo/storage.py", "tests/test_storage.py"}


async def test_tests_of_a_task_that_is_not_done_concern_nobody_else() -> None:
    amender, tools = _amender()
    recheck = await amender.recheck(API, {"tests/test_api.py": "x"})
    assert (recheck.reopened, recheck.findings, tools.written) == ({}, (), [])


async def test_accepted_work_that_fails_its_amended_tests_is_to_be_done_once_more() -> None:
    amender, tools = _amender("tests/test_storage.py::test_it")
    recheck = await amender.recheck(API, {"tests/test_storage.py": "x", "tests/test_api.py": "x"})
    assert (list(recheck.reopened), recheck.findings) == (["storage"], ())
    assert tools.written == ["tests/test_storage.py"]


async def test_accepted_work_that_passes_its_amended_tests_stays_accepted() -> None:
    amender, _ = _amender()
    assert (await amender.recheck(API, {"tests/test_storage.py": "x"})).reopened == {}


async def test_accepted_work_whose_stub_changes_is_to_be_done_once_more() -> None:
    amender, tools = _amender()
    recheck = await amender.recheck(API, {"src/demo/storage.py": "x"})
    assert (list(recheck.reopened), tools.written) == (["storage"], [])


@pytest.mark.parametrize("path", ["src/demo/faults.py", "src/demo/api.py"])
async def test_an_amendment_that_breaks_what_is_accepted_is_sent_back(path: str) -> None:
    amender, tools = _amender("tests/test_storage.py::test_it")
    recheck = await amender.recheck(API, {path: "x"})
    (finding,) = recheck.findings
    assert (recheck.reopened, finding.path) == ({}, "tests/test_storage.py::test_it")
    assert tools.written == [path]
