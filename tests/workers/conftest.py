"""Real servers, one tree with a few files in it, and a model that says what a test tells it to."""

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from codegod_kit import Grant, GrantIssuer
from codegod_kit.plan import Task
from codegod_mesh import Allocation, Mesh, MeshSettings, ToolCall, View
from codegod_mesh.endpoints import Builtin, Endpoint
from codegod_models import ModelReply, ModelRequest, ToolUse, Usage
from codegod_orchestrator.allocation import tools_of_task
from codegod_workers import Assignment, Worker

BUILD = "b1"
ATTEMPT = "box.1"


@dataclass
class Played:
    """Says one thing after the other, and keeps what it was asked."""

    says: Sequence[str | tuple[str, Mapping[str, object]]]
    asked: list[ModelRequest] = field(default_factory=list)

    async def ask(self, request: ModelRequest) -> ModelReply:
        said = self.says[min(len(self.asked), len(self.says) - 1)]
        self.asked.append(request)
        calls = () if isinstance(said, str) else (ToolUse("c1", *said),)
        text = said if isinstance(said, str) else ""
        stop = "tool" if calls else "end"
        return ModelReply(text, calls, stop, Usage(1, 1), "played", 0.0, simulated=True)  # type: ignore[arg-type]


@dataclass
class Bench:
    """A worker's tools on a tree of its own."""

    view: View
    others: View
    calls: list[ToolCall]

    def worker(self, *says: str | tuple[str, Mapping[str, object]]) -> tuple[Worker, Played]:
        played = Played(says)
        return Worker(ask=played.ask, tools=self.view), played

    def called(self, tool: str) -> list[ToolCall]:
        return [call for call in self.calls if call.tool == tool]

    async def text(self, path: str) -> str:
        return (await self.view.call("sandbox.file_read", {"path": path})).text


class _Kept:
    def __init__(self, calls: list[ToolCall]) -> None:
        self.calls = calls

    async def tool_called(self, call: ToolCall) -> None:
        self.calls.append(call)


Opened = Callable[[Task, Mapping[str, str]], AbstractAsyncContextManager[Bench]]


@pytest.fixture
def bench(state_dir: Path) -> Opened:
    """`async with bench(task, files) as bench`: the files are committed on the tree that the task's attempt has."""

    @asynccontextmanager
    async def opened(task: Task, files: Mapping[str, str]) -> AsyncIterator[Bench]:
        calls: list[ToolCall] = []
        settings = MeshSettings(root=state_dir / "builds", state=state_dir, issuer=GrantIssuer.new())
        endpoints = [Endpoint(name, Builtin()) for name in ("sandbox", "git", "memory")]
        async with Mesh(endpoints, settings=settings, recorder=_Kept(calls)).open() as mesh:
            others = await _view(mesh, ("git.*", "sandbox.file_write", "memory.*"), {})
            for tool, arguments in (
                ("git.git_init", {}),
                ("git.worktree_create", {"revision": ""}),
                *(("sandbox.file_write", {"path": path, "content": text}) for path, text in files.items()),
                ("git.git_commit", {"message": "Begin", "ref": "refs/codegod/contract"}),
                ("git.worktree_remove", {}),
                ("git.worktree_create", {"revision": "refs/codegod/contract"}),
            ):
                result = await others.call(tool, arguments)
                assert not result.is_error, result.text
            own = {"ref": f"refs/codegod/attempts/{task.id}/1"}
            view = await _view(mesh, tools_of_task(task.type), own, write=task.files)
            calls.clear()
            yield Bench(view, others, calls)

    return opened


async def _view(
    mesh: Mesh, tools: tuple[str, ...], own: Mapping[str, str], write: tuple[str, ...] = ("**",)
) -> View:
    workspace = f"{BUILD}/{ATTEMPT}"
    grant = Grant(
        build=BUILD,
        task="box" if own else "",  # who prepares the tree works for no task
        attempt=ATTEMPT if own else "",
        tools=tools,
        workspace=workspace if own else f"{BUILD}/*",
        write=write,
        deadline=time.time() + 60,
    )
    return await mesh.view(
        Allocation(allow=tools, grant=grant, pin={"workspace": workspace, "scope": BUILD, **own})
    )


def assignment(task: Task, **more: object) -> Assignment:
    given: dict[str, object] = {
        "build": BUILD,
        "project": "app",
        "summary": "",
        "stack": {},
        "task": task,
        "attempt": ATTEMPT,
        "number": 1,
        "context_tokens": 16_384,
        "answer_tokens": 1_024,
    }
    return Assignment.model_validate(given | more)
