"""What a played model does wrong, as data: `ROLE:KIND[@TASK[.ATTEMPT]]` on the command line.

Faults are the one thing the simulator remembers: each strikes once per question, or a client could never get past it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast, get_args

from codegod_simulator.question import Question, Role

Break = Literal["", "overload", "cut", "hang"]


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of fault shows: as a status, as other words, or as a stream that breaks."""

    status: int = 0
    retry_after: int = 0
    breaks: Break = ""
    keeps: float = 1.0  # share of the answer that is written before it stops for its length
    before: str = ""
    after: str = ""


KINDS: dict[str, Kind] = {
    "truncation": Kind(keeps=0.6),
    "prose": Kind(
        before="Sure! Here is what you asked for. I kept it simple:\n\n",
        after="\nThat should do it. Let me know if you would like me to change anything!\n",
    ),
    "hang": Kind(breaks="hang"),
    "429": Kind(status=429, retry_after=1),
    "500": Kind(status=500),
    "overload": Kind(breaks="overload"),
    "cut": Kind(breaks="cut"),
}

_FORM = re.compile(r"(?P<role>\w+):(?P<kind>\w+)(?:@(?P<task>[a-z0-9-]+|\*)(?:\.(?P<attempt>\d+|\*))?)?")


class BadFault(ValueError):
    def __init__(self, text: str) -> None:
        super().__init__(
            f"{text!r} is no fault. Write ROLE:KIND[@TASK[.ATTEMPT]] with a role of {', '.join(get_args(Role))} and a "
            f"kind of {', '.join(KINDS)}, for example worker:truncation@storage.1 (`*` is every task or attempt)."
        )


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault and what it strikes: empty `task` is any step of the role, `attempt` 0 is every attempt."""

    role: Role
    kind: Kind
    task: str = ""
    attempt: int = 1

    def strikes(self, question: Question) -> bool:
        return (
            self.role == question.role
            and self.task in {"", question.task}
            and self.attempt in {0, question.attempt}
        )


def parse_fault(text: str) -> Fault:
    """The fault that `text` means; raises `BadFault`. Without an attempt it strikes the first one."""
    found = _FORM.fullmatch(text)
    if found is None or found["role"] not in get_args(Role) or found["kind"] not in KINDS:
        raise BadFault(text)
    task = found["task"] or ""
    attempt = found["attempt"] or "1"
    return Fault(
        role=cast("Role", found["role"]),
        kind=KINDS[found["kind"]],
        task="" if task == "*" else task,
        attempt=0 if attempt == "*" else int(attempt),
    )


class Faults:
    """The faults of one run."""

    def __init__(self, faults: Sequence[Fault] = ()) -> None:
        self._faults = faults
        self._struck: Counter[tuple[int, Question]] = Counter()

    def next_for(self, question: Question) -> Kind:
        """The fault that this delivery of an answer suffers; each strikes a question once, one after the other."""
        for index, fault in enumerate(self._faults):
            if fault.strikes(question) and not self._struck[index, question]:
                self._struck[index, question] += 1
                return fault.kind
        return Kind()
