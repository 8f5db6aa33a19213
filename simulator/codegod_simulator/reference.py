"""A reference project: a finished application, cut into a plan, from which master and workers are played.

plan.yaml       the plan in its own schema, plus `prompts`: the requests it answers
files/          the finished sources; every file is named once in the plan, by skeleton, files or tests
contract/       optional: what the contract writes instead (skeleton with stubs, tests; in a change, files that exist
                already with new declarations)
acceptance/     optional: black-box tests of the behaviours
wrong/TASK/N/   optional: the files of the N-th, wrong try at TASK; or answer.txt, what it says instead of files
wrong/contract/N/ optional: files that the N-th answer with the contract has wrong; a ruling then blames and mends them
wrong/plan/N/plan.yaml  optional: the N-th answer with the plan; a replan answers with the right one
specs/          optional: documents served at ${simulator}/specs/NAME/…, for the plan's `references`
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from codegod_kit.marked_yaml import Marked, read_marked
from codegod_kit.plan import Plan, PlanFault, Task, load_plan, parse_plan
from codegod_simulator.checks import problems
from codegod_simulator.importing import needed_at_import
from codegod_simulator.stubs import empty_bodies
from codegod_simulator.tree import TreeFault, read_tree
from codegod_simulator.unused_imports import wanted_outside

PLAN_FILE = "plan.yaml"
SAID_FILE = "answer.txt"
ERRORS_SHOWN = 10  # more than anybody mends in one go


class ReferenceFault(Exception):
    """The folder is no reference project; each error reads `file:line: field: what is wrong`."""

    def __init__(self, folder: Path, errors: tuple[str, ...]) -> None:
        listed = "; ".join(error.replace("\n", " ") for error in errors[:ERRORS_SHOWN])
        more = f"; and {len(errors) - ERRORS_SHOWN} more" if len(errors) > ERRORS_SHOWN else ""
        super().__init__(f"{folder} is no reference project that can be played: {listed}{more}")
        self.folder = folder
        self.errors = errors


class NothingToWrite(Exception):
    """A file was asked for that this project does not have, or not at this step."""

    def __init__(self, project: str, path: str, why: str) -> None:
        super().__init__(f"The reference project {project!r} has no answer for {path!r}: {why}.")


@dataclass(frozen=True)
class Reference:
    """One loaded and checked reference project."""

    plan: Plan
    files: Mapping[str, str]
    contract: Mapping[str, str] = field(default_factory=dict)
    acceptance: Mapping[str, str] = field(default_factory=dict)
    wrong: Mapping[tuple[str, int], Mapping[str, str]] = field(default_factory=dict)
    specs: Mapping[str, str] = field(default_factory=dict)
    said: Mapping[tuple[str, int], str] = field(default_factory=dict)
    """What a wrong try says instead of writing files."""
    wrong_contracts: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    wrong_plans: Mapping[int, Plan] = field(default_factory=dict)

    def contract_try(self, path: str, attempt: int) -> str:
        """The file as the `attempt`-th answer with the contract has it: wrong, if the folder says so."""
        wrong = self.wrong_contracts.get(attempt, {})
        return wrong[path] if path in wrong else self.contract_file(path)

    def contract_file(self, path: str) -> str:
        """The file as the contract holds it: given, finished (skeleton and tests), or with its bodies emptied."""
        if path in self.contract:
            return self.contract[path]
        if path in self.shared:
            return self.files[path]
        if path in self._stubs:
            return self._stubs[path]
        owned = path in self.files
        raise NothingToWrite(
            self.plan.name, path, "only Python has stubs" if owned else "its plan does not name it"
        )

    def task_files(self, task: Task, attempt: int, wanted: tuple[str, ...]) -> dict[str, str]:
        """What the `attempt`-th answer to `task` writes: a wrong try if there is one, else the finished files."""
        tried = self.wrong.get((task.id, attempt), {})
        for path in wanted:
            if path not in task.files:
                raise NothingToWrite(self.plan.name, path, f"task {task.id!r} does not own it")
        return {path: self.files[path] for path in wanted} | dict(tried)

    def task(self, name: str) -> Task | None:
        """The task of that name in the plan, or in a wrong one."""
        plans = (self.plan, *self.wrong_plans.values())
        return next((task for plan in plans for task in plan.tasks if task.id == name), None)

    @cached_property
    def shared(self) -> frozenset[str]:
        """What the contract writes finished: the skeleton and the tests."""
        return frozenset([*self.plan.skeleton, *(path for task in self.plan.tasks for path in task.tests)])

    @cached_property
    def _stubs(self) -> Mapping[str, str]:
        """The emptied form of every Python file that a task owns."""
        sources = {path: text for path, text in self.files.items() if path.endswith(".py")}
        keep, wanted = needed_at_import(sources), wanted_outside(sources)
        stubs = {
            path: empty_bodies(path, text, keep=keep[path], wanted_outside=wanted[path])
            for path, text in sources.items()
            if path not in self.shared
        }
        return MappingProxyType(stubs)


def load_reference(folder: Path) -> Reference:
    """The reference project in `folder`; raises `ReferenceFault` with everything that is wrong with it."""
    plan, marked = _plan(folder)
    try:
        wrong = dict(_wrong(folder / "wrong"))
        tasks = {task.id for task in plan.tasks}
        reference = Reference(
            plan=plan,
            files=read_tree(folder / "files", required=True),
            contract=read_tree(folder / "contract"),
            acceptance=read_tree(folder / "acceptance"),
            wrong_contracts=_taken(wrong, "contract", tasks),
            wrong_plans=_plans(folder / "wrong" / "plan", _taken(wrong, "plan", tasks)),
            said={key: files.pop(SAID_FILE) for key, files in wrong.items() if SAID_FILE in files},
            wrong=wrong,
            specs=read_tree(folder / "specs"),
        )
        _refuse_strangers(folder, reference)
    except TreeFault as fault:
        raise ReferenceFault(folder, fault.errors) from fault
    errors = tuple(
        f"{folder / PLAN_FILE}:{marked.line(problem.place)}: {problem.field}: {problem.text}"
        if problem.file is None
        else f"{folder / problem.file}:{problem.line}: {problem.field}: {problem.text}"
        for problem in problems(reference)
    )
    if errors:
        raise ReferenceFault(folder, errors)
    return reference


def _plan(folder: Path) -> tuple[Plan, Marked]:
    path = folder / PLAN_FILE
    if not folder.is_dir():
        raise ReferenceFault(folder, (f"{folder}:1: folder: is not there, or not a folder",))
    try:
        return load_plan(path), read_marked(path.read_text(encoding="utf-8"))
    except PlanFault as fault:
        raise ReferenceFault(folder, fault.errors) from fault


def _taken(
    wrong: dict[tuple[str, int], dict[str, str]], name: str, tasks: AbstractSet[str]
) -> dict[int, dict[str, str]]:
    """The tries under wrong/NAME, taken out of `wrong`; a task of that name keeps them for itself."""
    if name in tasks:
        return {}
    return {number: wrong.pop((one, number)) for one, number in list(wrong) if one == name}


def _plans(folder: Path, tries: Mapping[int, Mapping[str, str]]) -> dict[int, Plan]:
    """The wrong plans by number."""
    plans: dict[int, Plan] = {}
    for number, files in tries.items():
        place = folder / str(number) / PLAN_FILE
        if set(files) != {PLAN_FILE}:
            raise TreeFault((f"{place}:1: wrong: a wrong plan is this one file",))
        try:
            plans[number] = parse_plan(files[PLAN_FILE], str(place))
        except PlanFault as fault:
            raise TreeFault(fault.errors) from fault
    return plans


def _refuse_strangers(folder: Path, reference: Reference) -> None:
    """A wrong contract is one of this project's files; raises `TreeFault` for any other."""
    known = {*reference.plan.skeleton, *reference.files, *reference.contract}
    errors = [
        f"{folder}/wrong/contract/{number}/{path}:1: wrong: the plan names no such file"
        for number, files in reference.wrong_contracts.items()
        for path in files
        if path not in known
    ]
    if errors:
        raise TreeFault(tuple(errors))


def _wrong(folder: Path) -> Iterator[tuple[tuple[str, int], dict[str, str]]]:
    """The wrong tries by task and number."""
    errors: list[str] = []
    tries: dict[tuple[str, int], dict[str, str]] = {}
    for path, text in read_tree(folder).items():
        task, _, rest = path.partition("/")
        number, _, file = rest.partition("/")
        if number.isascii() and number.isdigit() and number == str(int(number)) and int(number) and file:
            tries.setdefault((task, int(number)), {})[file] = text
        else:
            errors.append(f"{folder / path}:1: wrong: put it under wrong/TASK/N/, where N counts from 1")
    if errors:
        raise TreeFault(tuple(errors))
    yield from tries.items()
