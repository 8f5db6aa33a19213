"""What a mended error leaves in memory, on the real git and memory servers."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from codegod_kit import Grant, GrantIssuer
from codegod_kit.plan import Task
from codegod_mesh import Allocation, Mesh, MeshSettings, ToolCall
from codegod_mesh.endpoints import Builtin, Endpoint
from codegod_orchestrator.journal import Attempt
from codegod_orchestrator.learning import PATCH_CHARACTERS, learn, lesson
from codegod_orchestrator.toolset import Desk
from codegod_workers import Finding

TASK = Task(id="store", type="backend", title="Keep todos", files=("src/store.py",))
FINDING = Finding(stage="tests", path="tests/test_store.py::test_add", rule="assertion", message="1 != 2")
WRONG = "def add(a: int) -> int:\n    return a\n"
RIGHT = "def add(a: int) -> int:\n    return a + 1\n"


@dataclass
class Tried:
    id: str
    commit: str = ""
    continues: str = ""
    branch: str = ""
    findings: tuple[Finding, ...] = field(default=(FINDING,))


def _attempt(name: str, **more: Any) -> Attempt:
    return cast("Attempt", Tried(name, **more))


class _Nobody:
    async def tool_called(self, call: ToolCall) -> None:
        """Not kept."""


async def test_a_mended_error_and_its_mending_are_found_by_who_meets_the_like(state_dir: Path) -> None:
    settings = MeshSettings(root=state_dir / "builds", state=state_dir, issuer=GrantIssuer.new())
    endpoints = [Endpoint(name, Builtin()) for name in ("sandbox", "git", "memory")]
    async with Mesh(endpoints, settings=settings, recorder=_Nobody()).open() as mesh:
        tools = ("git.*", "sandbox.file_write", "memory.*")
        grant = Grant(
            build="b1", task="", attempt="", tools=tools, workspace="b1/*", deadline=time.time() + 60
        )
        pins = {"workspace": "b1/t", "scope": "b1"}
        desk = Desk(await mesh.view(Allocation(allow=tools, grant=grant, pin=pins)))
        await desk.call("git.git_init", {})
        await desk.call("git.worktree_create", {"revision": ""})
        commits = []
        for text in (WRONG, RIGHT):
            await desk.call("sandbox.file_write", {"path": "src/store.py", "content": text})
            made = await desk.call("git.git_commit", {"message": "Try", "ref": "refs/codegod/contract"})
            commits.append(str((made.data or {})["id"]))
        first = _attempt("store.1", commit=commits[0])
        repair = _attempt("store.2", continues="store.1", branch=commits[1])

        assert await learn(desk, TASK, repair, [first])
        query = {"query": "test_add 1 != 2", "type": "error", "budget_tokens": 600}
        pack = (await desk.call("memory.memory_pack", query)).text

        assert "[assertion] 1 != 2" in pack
        assert "-    return a\n+    return a + 1" in pack.replace("\\n", "\n")
        assert not await learn(desk, TASK, _attempt("store.2", branch=commits[1]), [first])


def test_a_change_that_is_too_long_teaches_nothing() -> None:
    assert lesson(TASK, _attempt("store.1"), "+x\n") != ""
    assert lesson(TASK, _attempt("store.1"), "+x\n" * PATCH_CHARACTERS) == ""
    assert lesson(TASK, _attempt("store.1"), "") == ""
