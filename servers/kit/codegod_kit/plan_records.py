"""What a plan consists of: one schema for the master, the user, the simulator and the journal."""

import graphlib
import shlex
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from codegod_kit.located import Problem, refuse
from codegod_kit.marked_yaml import Place

TaskType = Literal[
    "backend",
    "api",
    "database",
    "frontend",
    "testing",
    "devops",
    "documentation",
    "integration",
    "bugfix",
    "refactor",
]
Platform = Literal["backend", "web", "cli", "ios", "android"]


PORT_MARK = "{port}"
_SHELL_WORDS = frozenset({"&&", "||", "|", ";", "&", ">", "<", ">>"})


def _relative(path: str) -> str:
    pure = PurePosixPath(path)
    if "\\" in path or pure.is_absolute() or ".." in pure.parts or str(pure) == ".":
        raise PydanticCustomError(
            "path", "{path} is not a relative path inside the project", {"path": repr(path)}
        )
    if str(pure) != path:
        raise PydanticCustomError("path", "write {path}", {"path": repr(str(pure))})
    return path


ProjectPath = Annotated[str, AfterValidator(_relative)]
TaskId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
_Words = Annotated[str, Field(min_length=1)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Behaviour(_Record):
    """One thing the prompt asks for, as somebody outside observes it."""

    id: _Words
    text: _Words
    test: str = ""


class Task(_Record):
    """One piece of work, with files of its own."""

    id: TaskId
    type: TaskType
    title: _Words
    description: str = ""
    files: tuple[ProjectPath, ...]
    depends: tuple[TaskId, ...] = ()
    tests: tuple[ProjectPath, ...] = ()
    """Contract tests of this task: the contract owns them, its worker does not."""
    acceptance: tuple[str, ...] = ()
    priority: int = 0


class Plan(_Record):
    """What is going to be built, by which tasks, in which order."""

    name: _Words
    summary: str = ""
    stack: dict[str, str] = {}
    platforms: tuple[Platform, ...] = ("backend",)
    behaviours: tuple[Behaviour, ...] = ()
    start: str = ""
    """The command line that starts the application, with `{port}` where it wants its port; "": the tests start it."""
    health: str = ""
    """The path that answers below 500 when the application is up; only with a `{port}` in `start`."""
    skeleton: tuple[ProjectPath, ...]
    tasks: tuple[Task, ...]
    references: tuple[str, ...] = ()
    reasoning: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        refuse(_problems(self))
        return self


def _problems(plan: Plan) -> Iterator[Problem]:
    yield from _repeated("behaviours", [behaviour.id for behaviour in plan.behaviours])
    yield from _repeated("tasks", [task.id for task in plan.tasks])
    yield from start_problems(plan.start, plan.health)
    yield from _shared_files(plan)
    yield from _broken_dependencies(plan)


def start_problems(start: str, health: str) -> Iterator[Problem]:
    """What is wrong with the way an application is started."""
    try:
        words = shlex.split(start)
    except ValueError as error:
        yield Problem(("start",), f"{start!r} is no command line: {error}")
        return
    stray = [word for word in words if word in _SHELL_WORDS]
    if stray:
        yield Problem(("start",), f"{stray[0]!r} is a shell's, and no shell runs this: write one command")
    if health and PORT_MARK not in start:
        yield Problem(("health",), f"a health path needs a start command with {PORT_MARK}")
    if health and not health.startswith("/"):
        yield Problem(("health",), f"write '/{health}': a path begins with '/'")


def _repeated(field: str, ids: list[str]) -> Iterator[Problem]:
    for index, name in enumerate(ids):
        if name in ids[:index]:
            yield Problem((field, index, "id"), f"the id {name!r} is taken by an earlier one")


def _shared_files(plan: Plan) -> Iterator[Problem]:
    owners: dict[str, str] = {}
    for owner, place, path in _claims(plan):
        if path in owners:
            yield Problem(place, f"the file {path!r} belongs to {owners[path]} already; a file has one owner")
        owners.setdefault(path, owner)


def _claims(plan: Plan) -> Iterator[tuple[str, Place, str]]:
    for index, path in enumerate(plan.skeleton):
        yield "the skeleton", ("skeleton", index), path
    for number, task in enumerate(plan.tasks):
        for field, paths in (("files", task.files), ("tests", task.tests)):
            for index, path in enumerate(paths):
                yield f"task {task.id!r}", ("tasks", number, field, index), path


def _broken_dependencies(plan: Plan) -> Iterator[Problem]:
    number = {task.id: index for index, task in enumerate(plan.tasks)}
    for index, task in enumerate(plan.tasks):
        for position, wanted in enumerate(task.depends):
            if wanted not in number:
                yield Problem(("tasks", index, "depends", position), f"no task is called {wanted!r}")
    try:
        graphlib.TopologicalSorter({task.id: task.depends for task in plan.tasks}).prepare()
    except graphlib.CycleError as error:
        # graphlib gives the way in the direction "is needed by"; people read "waits for".
        way = list(reversed(error.args[1]))
        yield Problem(("tasks", number[way[0]], "depends"), f"tasks wait for each other: {' -> '.join(way)}")
