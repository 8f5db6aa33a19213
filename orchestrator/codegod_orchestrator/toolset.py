"""The orchestrator's hands: views on the mesh, each with the tools, the tree and the grant of one purpose."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from codegod_kit import Grant
from codegod_kit.plan import Task
from codegod_mesh import Allocation, CallResult, Mesh, View
from codegod_orchestrator.allocation import Role, tools_of_role, tools_of_task
from codegod_orchestrator.informed import Calls, Informed
from codegod_orchestrator.journal import Attempt
from codegod_orchestrator.known import Known
from codegod_orchestrator.options import Origin
from codegod_workers.worker import ToolRefused

CALL_SECONDS = 60.0
GRANT_SECONDS = (
    4 * 3600.0
)  # an attempt on a slow machine: a model call of half an hour, checks, and waiting for the lane


@dataclass(frozen=True, slots=True)
class Desk:
    """A view whose calls have to succeed: what it refuses is an exception here."""

    view: Calls
    attempt: str = ""
    base: str = ""
    """The commit that trees start from which name no other; nothing for a new application."""

    async def call(
        self, name: str, arguments: Mapping[str, Any], *, within: float = CALL_SECONDS
    ) -> CallResult:
        """The result of a call; raises `ToolRefused` when the tool answers with an error."""
        result = await self.view.call(name, arguments, within=within)
        if result.is_error:
            raise ToolRefused(name, result.text)
        return result

    async def maybe(
        self, name: str, arguments: Mapping[str, Any], *, within: float = CALL_SECONDS
    ) -> CallResult | None:
        """The result of a call that may be refused: a revision that is not there yet, an answer to try."""
        result = await self.view.call(name, arguments, within=within)
        return None if result.is_error else result


async def fresh_tree(desk: Desk, **arguments: object) -> None:
    """Make the desk's tree, in place of one that an interrupted run has left.

    An empty `revision` is what the build starts from: nothing, or the commit that is to be changed.
    """
    await desk.maybe("git.worktree_remove", {})
    await desk.call("git.worktree_create", {**arguments, "revision": arguments.get("revision") or desk.base})


async def commit_at(desk: Desk, revision: str) -> Mapping[str, Any]:
    """Id, tree and message of a commit, without what it changed: of an imported one that is everything."""
    shown = await desk.call("git.git_show", {"revision": revision, "path": "."})
    return (shown.data or {})["commit"]  # type: ignore[no-any-return]  # the tool's own structure


@dataclass(frozen=True, slots=True)
class Toolset:
    """Hands out desks for one build."""

    mesh: Mesh
    build: str
    level: str = ""
    """The sandbox level in force, for the evidence."""
    extra: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Tools of a user's own servers by task type, from `mcp.json`."""
    base: str = ""
    """The ref that a change starts from; nothing for a new application."""
    known: Known | None = None
    """What was wrong there already: no check of a change tells it again."""

    @property
    def apart(self) -> Self:
        """The same for trees that have nothing to do with the repository that is changed."""
        return replace(self, base="", known=None)

    async def surveying(self, tree: str, origin: Origin) -> Desk:
        """Brings the repository in that a change starts from, and looks at it."""
        return await self._desk("surveying", tree, source=origin.folder)

    async def planning(self) -> Desk:
        """Specifications, memory and thinking: no tree, no writing."""
        return await self._desk("planning", "")

    async def contracting(self, tree: str) -> Desk:
        return await self._desk("contracting", tree)

    async def accepting(self, task: Task, attempt: str, tree: str = "") -> Desk:
        return await self._desk("accepting", tree or attempt, task=task.id, attempt=attempt)

    async def finishing(self, tree: str, deliver: str = "", branch: str = "") -> Desk:
        return await self._desk("finishing", tree, deliver=deliver, branch=branch)

    async def working(self, task: Task, attempt: Attempt) -> Calls:
        """What a worker gets: the tools of its task's type, its own tree, its own files to write, its own ref."""
        tools = (*tools_of_task(task.type), *self.extra.get(task.type, ()))
        grant = Grant(
            build=self.build,
            task=task.id,
            attempt=attempt.id,
            tools=tools,
            workspace=f"{self.build}/{attempt.id}",
            write=task.files,
            network=True,  # for env_prepare, whose proxy reaches package indexes alone
            deadline=time.time() + GRANT_SECONDS,
        )
        own = {"ref": attempt.branch, "trailers": self.trailers(task.id, attempt.id, attempt.model)}
        return await self._view(tools, grant, attempt.id, own)

    def trailers(self, task: str, attempt: str, model: str) -> list[str]:
        """The trailers that a resume finds a landing by, and that a reader sees the model in."""
        return [f"Build-Id: {self.build}", f"Task-Id: {task}", f"Attempt-Id: {attempt}", f"Model: {model}"]

    async def _desk(self, role: Role, tree: str, *, task: str = "", attempt: str = "", **place: str) -> Desk:
        tools = tools_of_role(role)
        grant = Grant(
            build=self.build,
            task=task,
            attempt=attempt,
            tools=tools,
            workspace=f"{self.build}/*",
            network=True,
            deadline=time.time() + GRANT_SECONDS,
            **place,
        )
        return Desk(await self._view(tools, grant, tree), attempt, self.base)

    async def _view(
        self, tools: Sequence[str], grant: Grant, tree: str, own: Mapping[str, object] | None = None
    ) -> Calls:
        pins = {"scope": self.build, **(own or {})} | ({"workspace": f"{self.build}/{tree}"} if tree else {})
        view: View = await self.mesh.view(Allocation(allow=tuple(tools), pin=pins, grant=grant))
        return view if self.known is None else Informed(view, self.known)
