"""What a played model does wrong, as data: `ROLE:KIND[@TASK[.ATTEMPT]]` on the command line.

Faults are the one thing the simulator remembers of questions: each strikes once per question, or a client could never
get past it. `ROLE` is who answers: `worker` is the small model, `master` the strong one, whatever it is asked.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast, get_args

from codegod_simulator import master_faults, worker_faults
from codegod_simulator.question import Question, Role
from codegod_simulator.reference import Reference
from codegod_simulator.scene import Scene

Break = Literal["", "overload", "cut", "hang", "stall"]


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of fault shows: as a status, as other words, or as a stream that breaks."""

    status: int = 0
    retry_after: int = 0
    breaks: Break = ""
    keeps: float = 1.0  # share of the answer that is written before it stops for its length
    before: str = ""
    after: str = ""
    spoil: worker_faults.Spoiler | None = None
    step: str = ""  # the only step that it strikes
    change: Callable[[Reference], Reference] | None = None  # of the project itself, for the whole run
    reads: float = 1.0  # share of the prompt that the model gets to see
    lasts: bool = False  # strikes every attempt unless one is named


_WIRE: dict[str, Kind] = {
    "truncation": Kind(keeps=0.6),
    "prose": Kind(
        before="Sure! Here is what you asked for. I kept it simple:\n\n",
        after="\nThat should do it. Let me know if you would like me to change anything!\n",
    ),
    "hang": Kind(breaks="hang"),
    "stall": Kind(breaks="stall"),
    "429": Kind(status=429, retry_after=1),
    "500": Kind(status=500),
    "529": Kind(breaks="overload"),
    "overload": Kind(breaks="overload"),
    "cut": Kind(breaks="cut"),
}
_WORKER = {name: Kind(spoil=spoil) for name, spoil in worker_faults.SPOILERS.items()} | {
    "same_answer": Kind(spoil=worker_faults.same_answer, lasts=True),
    "context_cut": Kind(spoil=worker_faults.cut_context, reads=0.5),
}
_MASTER = {name: Kind(spoil=spoil, step=step) for name, (step, spoil) in master_faults.SPOILERS.items()} | {
    "cut_plan": Kind(keeps=master_faults.CUT, step="plan"),
    "unneeded_task": Kind(change=master_faults.with_unneeded_task),
}
KINDS: dict[Role, dict[str, Kind]] = {"master": _WIRE | _MASTER, "worker": _WIRE | _WORKER}

_FORM = re.compile(r"(?P<role>\w+):(?P<kind>\w+)(?:@(?P<task>[a-z0-9-]+|\*)(?:\.(?P<attempt>\d+|\*))?)?")


class BadFault(ValueError):
    def __init__(self, text: str) -> None:
        kinds = "; ".join(f"{role}: {', '.join(names)}" for role, names in KINDS.items())
        super().__init__(
            f"{text!r} is no fault. Write ROLE:KIND[@TASK[.ATTEMPT]], for example worker:truncation@storage.1 (`*` is "
            f"every task or attempt), with a kind of its role ({kinds})."
        )


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault and what it strikes: empty `task` is any step of the role, `attempt` 0 is every attempt."""

    role: Role
    kind: Kind
    task: str = ""
    attempt: int = 1
    name: str = ""

    def strikes(self, question: Question, role: Role) -> bool:
        """Whether it is due; the task of a fault in plan or contract is the one that it spoils there."""
        aimed = self.task in {"", question.task} or bool(self.kind.step)
        return (
            self.role == role
            and self.kind.change is None
            and self.kind.step in {"", question.step}
            and aimed
            and self.attempt in {0, question.attempt}
        )


def parse_fault(text: str) -> Fault:
    """The fault that `text` means; raises `BadFault`. Without an attempt it strikes the first one."""
    found = _FORM.fullmatch(text)
    role = cast("Role", found["role"]) if found and found["role"] in get_args(Role) else None
    if found is None or role is None or found["kind"] not in KINDS[role]:
        raise BadFault(text)
    kind = KINDS[role][found["kind"]]
    task = found["task"] or ""
    attempt = found["attempt"] or ("*" if kind.lasts else "1")
    return Fault(
        role=role,
        kind=kind,
        task="" if task == "*" else task,
        attempt=0 if attempt == "*" else int(attempt),
        name=found["kind"],
    )


@dataclass(frozen=True, slots=True)
class Struck:
    """The fault that one delivery of an answer suffers, and the answer's words after it."""

    kind: Kind
    text: str


class Faults:
    """The faults of one run. `told` hears of each one that strikes: what, in which project, in which answer."""

    def __init__(self, faults: Sequence[Fault] = (), told: Callable[[str], None] = lambda _: None) -> None:
        self._faults = faults
        self._told = told
        self._struck: Counter[tuple[int, Question]] = Counter()

    def strike(self, scene: Scene, role: Role) -> Struck:
        """What becomes of an answer; each fault strikes a question once, one after the other."""
        for index, fault in enumerate(self._faults):
            if not fault.strikes(scene.question, role) or self._struck[index, scene.question]:
                continue
            text = fault.kind.spoil(replace(scene, target=fault.task)) if fault.kind.spoil else scene.text
            if text is not None:
                self._struck[index, scene.question] += 1
                asked = f"{scene.question.step} {scene.question.task} {scene.question.attempt}"
                self._told(f"{role}:{fault.name} {scene.reference.plan.name} {asked}")
                return Struck(fault.kind, text)
        return Struck(Kind(), scene.text)

    def staged(self, reference: Reference) -> Reference:
        """The project as the faults of the whole run have it."""
        for fault in self._faults:
            if fault.kind.change:
                changed = fault.kind.change(reference)
                if changed is not reference:
                    self._told(f"{fault.role}:{fault.name} {reference.plan.name} from the start")
                reference = changed
        return reference

    @property
    def spoil_contracts(self) -> bool:
        """Whether a contract may have been spoilt, so that a ruling has to look."""
        return any(fault.kind.step == "contract" for fault in self._faults)
