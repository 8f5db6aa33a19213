"""Which task runs next: a pure schedule over the plan's graph, rebuilt from the journal whenever it is needed."""

import heapq
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Protocol


class Plannable(Protocol):
    """What the schedule reads of a planned task; `codegod_kit.plan.Task` has it."""

    @property
    def id(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def depends(self) -> tuple[str, ...]: ...
    @property
    def priority(self) -> int: ...


class ScheduleFault(Exception):
    """A set of tasks that has no order, or a call that the schedule's state forbids."""


class PlanCycle(ScheduleFault):
    def __init__(self, path: tuple[str, ...]) -> None:
        super().__init__(
            f"The tasks depend on each other in a circle: {' -> '.join(path)}. Remove one dependency."
        )
        self.path = path


class UnknownDependency(ScheduleFault):
    def __init__(self, task: str, dependency: str) -> None:
        super().__init__(f"Task {task!r} depends on {dependency!r}, which is not in the plan.")
        self.task = task
        self.dependency = dependency


class TaskTwice(ScheduleFault):
    def __init__(self, task: str) -> None:
        super().__init__(f"Two tasks are called {task!r}. Give each task its own id.")
        self.task = task


class NotInFlight(ScheduleFault):
    def __init__(self, task: str) -> None:
        super().__init__(f"Task {task!r} is not in flight, so it cannot end or be put back.")
        self.task = task


@dataclass(frozen=True, slots=True, order=True)
class _Rank:
    """The heap's order: the highest priority, then the longest way to the end of the plan, then the plan's order."""

    minus_priority: int
    minus_path: int
    order: int
    task: str


class Schedule:
    """Hands out the tasks of one build: dependencies first, and never more than `max_parallel` in flight.

    `take` puts a task in flight; `accepted`, `failed` or `put_back` take it out again. `specialty` maps a task's type
    to the kind of worker that does it (`codegod_workers.SPECIALTIES`).
    """

    def __init__(
        self,
        tasks: Iterable[Plannable],
        *,
        max_parallel: int,
        accepted: Collection[str] = (),
        failed: Collection[str] = (),
        in_flight: Collection[str] = (),
        specialty: Callable[[str], str] = str,
    ) -> None:
        """Raise `PlanCycle` (naming the circle), `UnknownDependency` or `TaskTwice` before anything is handed out.

        `in_flight` are tasks that a schedule before this one has handed out: they end here as any other.
        """
        if max_parallel < 1:
            raise ScheduleFault(f"At least one task must be allowed to run; max_parallel is {max_parallel}.")
        self.max_parallel = max_parallel
        planned = _by_id(tasks)
        _require_known_dependencies(planned)
        self._dependents = _dependents(planned)
        self._ranks = _ranks(planned, self._dependents)
        self._specialty = {task.id: specialty(task.type) for task in planned.values()}
        self._ready: defaultdict[str, list[_Rank]] = defaultdict(list)
        self._in_flight = set(in_flight) & planned.keys()
        self._accepted = set(accepted) & planned.keys()
        self._dead: set[str] = set()
        self._sorter = _sorter(planned, self._accepted, self._in_flight)
        for task in failed:
            self._bury(task)
        self._collect()

    @property
    def in_flight(self) -> frozenset[str]:
        return frozenset(self._in_flight)

    @property
    def ready(self) -> tuple[str, ...]:
        """The tasks that could be taken now, first to go first."""
        return tuple(rank.task for rank in sorted(rank for heap in self._ready.values() for rank in heap))

    @property
    def over(self) -> bool:
        """Whether nothing is in flight and nothing can be taken any more."""
        return not self._in_flight and not any(self._ready.values())

    def take(self, free: Mapping[str, int] | None = None) -> tuple[str, ...]:
        """Put tasks in flight, best first: at most `max_parallel` in all and `free[specialty]` of each specialty.

        `free` are the slots that are free right now; a specialty that it does not name has none. `None` means that
        only `max_parallel` counts, as in a build of one process.
        """
        slots = None if free is None else dict(free)
        taken: list[str] = []
        while len(self._in_flight) < self.max_parallel:
            rank = self._best(slots)
            if rank is None:
                break
            specialty = self._specialty[rank.task]
            heapq.heappop(self._ready[specialty])
            if slots is not None:
                slots[specialty] -= 1
            self._in_flight.add(rank.task)
            taken.append(rank.task)
        return tuple(taken)

    def accepted(self, task: str) -> None:
        """Note that `task` has landed; call it after the journal has said so. Its dependents may become ready."""
        self._land(task)
        self._accepted.add(task)
        self._sorter.done(task)
        self._collect()

    def put_back(self, task: str) -> None:
        """Let `task` be taken again, e.g. after its attempt was lost or sent back."""
        self._land(task)
        self._push(task)

    def failed(self, task: str) -> tuple[str, ...]:
        """Give `task` up; returns every task that can never run because of it, in the plan's order."""
        self._land(task)
        return tuple(sorted(self._bury(task) - {task}, key=lambda one: self._ranks[one].order))

    def _land(self, task: str) -> None:
        if task not in self._in_flight:
            raise NotInFlight(task)
        self._in_flight.remove(task)

    def _bury(self, task: str) -> set[str]:
        buried: set[str] = set()
        waiting = [task]
        while waiting:
            one = waiting.pop()
            if one not in self._dead:
                buried.add(one)
                self._dead.add(one)
                waiting.extend(self._dependents[one])
        return buried

    def _collect(self) -> None:
        for task in self._sorter.get_ready():
            if task not in self._dead and task not in self._in_flight:
                self._push(task)

    def _push(self, task: str) -> None:
        heapq.heappush(self._ready[self._specialty[task]], self._ranks[task])

    def _best(self, slots: Mapping[str, int] | None) -> _Rank | None:
        heads = (
            heap[0]
            for specialty, heap in self._ready.items()
            if heap and (slots is None or slots.get(specialty, 0) > 0)
        )
        return min(heads, default=None)


def _by_id(tasks: Iterable[Plannable]) -> dict[str, Plannable]:
    planned: dict[str, Plannable] = {}
    for task in tasks:
        if task.id in planned:
            raise TaskTwice(task.id)
        planned[task.id] = task
    return planned


def _require_known_dependencies(planned: Mapping[str, Plannable]) -> None:
    for task in planned.values():
        for dependency in task.depends:
            if dependency not in planned:
                raise UnknownDependency(task.id, dependency)


def _dependents(planned: Mapping[str, Plannable]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {task: [] for task in planned}
    for task in planned.values():
        for dependency in dict.fromkeys(task.depends):
            found[dependency].append(task.id)
    return {task: tuple(dependents) for task, dependents in found.items()}


def _sorter(
    planned: Mapping[str, Plannable], accepted: Collection[str], in_flight: Collection[str]
) -> TopologicalSorter[str]:
    """A sorter over what is still to do: an edge to an accepted task is already satisfied, so it is dropped.

    What is in flight waits for nothing any more, whatever has become of its dependencies since.
    """
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for task in planned.values():
        if task.id not in accepted:
            waits = () if task.id in in_flight else task.depends
            sorter.add(task.id, *(one for one in waits if one not in accepted))
    sorter.prepare()
    return sorter


def _ranks(planned: Mapping[str, Plannable], dependents: Mapping[str, tuple[str, ...]]) -> dict[str, _Rank]:
    try:
        order = tuple(TopologicalSorter(dependents).static_order())
    except CycleError as error:
        raise PlanCycle(tuple(error.args[1])) from error
    path: dict[str, int] = {}
    for task in order:  # dependents come before what they depend on
        path[task] = 1 + max((path[one] for one in dependents[task]), default=0)
    return {
        task.id: _Rank(-task.priority, -path[task.id], position, task.id)
        for position, task in enumerate(planned.values())
    }
