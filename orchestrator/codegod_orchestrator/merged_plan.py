"""The plan of a result of ours after a change: what was planned before and what came to it, in one valid plan. Pure.

A file keeps its owner; where that is a task, its text then says what was changed. What is new has a task of its own. A task
that changed nothing but files of the skeleton takes these over: its tests need one.
"""

from __future__ import annotations

import graphlib
import re
from collections.abc import Mapping, Sequence
from typing import Final

from codegod_kit.plan import Behaviour, Plan, Task

_NUMBERED: Final = re.compile(r"B(\d+)")
_ID_CHARACTERS = 40


def merged_plan(old: Plan, change: Plan) -> Plan:
    """`old` with `change`: one owner for each file, every behaviour under a number of its own."""
    owners = {path: task.id for task in old.tasks for path in (*task.files, *task.tests)}
    merged = _Merged(old, owners)
    tasks = {task.id: task for task in change.tasks}
    # What a task depends on is put in its place first.
    for name in graphlib.TopologicalSorter({task.id: task.depends for task in change.tasks}).static_order():
        merged.take(tasks[name])
    kept = [path for path in old.skeleton if merged.owner(path) is None]
    added = [path for path in change.skeleton if merged.owner(path) is None and path not in kept]
    return Plan.model_validate(
        {
            **old.model_dump(),
            "stack": {**old.stack, **change.stack},
            "platforms": tuple(dict.fromkeys((*old.platforms, *change.platforms))),
            "behaviours": (*old.behaviours, *_renumbered(old.behaviours, change.behaviours)),
            "start": old.start or change.start,
            "health": old.health or (change.health if not old.start else ""),
            "skeleton": (*kept, *added),
            "tasks": [task.model_dump() for task in merged.tasks.values()],
        }
    )


class _Merged:
    """The tasks as they are put together."""

    def __init__(self, old: Plan, owners: Mapping[str, str]) -> None:
        self._skeleton = frozenset(old.skeleton)
        self._owners = dict(owners)
        self._now: dict[str, str] = {}  # the change's task -> the task that stands for it
        self.tasks: dict[str, Task] = {task.id: task for task in old.tasks}

    def owner(self, path: str) -> str | None:
        """The task that owns `path` now."""
        return self._owners.get(path)

    def take(self, task: Task) -> None:
        """Put one task of the change where it belongs."""
        files = [path for path in task.files if path not in self._owners and path not in self._skeleton]
        tests = [path for path in task.tests if path not in self._owners and path not in self._skeleton]
        touched = list(dict.fromkeys(self._owners[one] for one in task.files if one in self._owners))
        files = files or ([] if touched else list(task.files))
        for name in touched:
            self._extend(name, task, tests=() if files or name != touched[0] else tests)
        if files:
            self._add(task, files, tests, touched)
        else:
            self._now[task.id] = touched[0]
        for path in (*files, *tests):
            self._owners[path] = self._now[task.id]

    def _extend(self, name: str, task: Task, tests: Sequence[str]) -> None:
        """Let the task `name` say what was changed in its files."""
        old = self.tasks[name]
        description = "\n\n".join(
            part for part in (old.description, f"{task.title}. {task.description}".strip()) if part
        )
        update = {
            "description": description,
            "tests": (*old.tests, *tests),
            "acceptance": (*old.acceptance, *task.acceptance),
        }
        self.tasks[name] = old.model_copy(update=update)

    def _add(self, task: Task, files: Sequence[str], tests: Sequence[str], touched: Sequence[str]) -> None:
        name = self._free_id(task.id)
        self._now[task.id] = name
        depends = [self._now[one] for one in task.depends if one in self._now]
        update = {
            "id": name,
            "files": tuple(files),
            "tests": tuple(tests),
            "depends": tuple(dict.fromkeys(one for one in (*depends, *touched) if one != name)),
        }
        self.tasks[name] = task.model_copy(update=update)

    def _free_id(self, wanted: str) -> str:
        names = [
            wanted,
            *(f"{wanted[: _ID_CHARACTERS - 4]}-{number}" for number in range(2, len(self.tasks) + 3)),
        ]
        return next(name for name in names if name not in self.tasks)


def _renumbered(old: Sequence[Behaviour], new: Sequence[Behaviour]) -> list[Behaviour]:
    """The new behaviours, counted on from the old; one that says what an old one says is that one.

    Their tests are in no result, so nothing there can be named.
    """
    said = {one.text for one in old}
    numbers = [int(found[1]) for one in old if (found := _NUMBERED.fullmatch(one.id))]
    first = max([len(old), *numbers]) + 1
    added = [one for one in new if one.text not in said]
    return [one.model_copy(update={"id": f"B{first + index}", "test": ""}) for index, one in enumerate(added)]
