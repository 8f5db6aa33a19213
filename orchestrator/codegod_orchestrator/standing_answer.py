"""An answer that only its tests spoke against is tried again when they turn out to have been wrong. A pure function.

Work that was right is not thrown away with the test that was not: a small model might not find it a second time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from codegod_kit.plan import Task
from codegod_orchestrator.journal import Event
from codegod_orchestrator.ladder import Ended, Ladder, Step


class Answered(Ended, Protocol):
    """What is read of an attempt; `journal.Attempt` has it."""

    @property
    def model(self) -> str: ...
    @property
    def continues(self) -> str: ...
    @property
    def commit(self) -> str: ...


def standing_answer(
    task: Task, attempts: Sequence[Answered], forgiven: int, amendments: Sequence[Event], ladder: Ladder
) -> Step | None:
    """The step that hands in an earlier answer as it stands; None when there is none that could hold now.

    `amendments` are the contract's, oldest first; `attempts` are the task's, those up to number `forgiven` made under an
    older contract. Where a stub has changed too, the old answer was written for something else.
    """
    own = [one for one in amendments if one.task == task.id]
    if not own or not set(own[-1].data["files"]) <= set(task.tests):
        return None
    if any(one.number > forgiven for one in attempts):
        return None  # tried already, or a model has answered since
    answers = [one for one in attempts if one.state == "rejected" and one.commit and not one.refused]
    if not answers or any(one.continues == answers[-1].id for one in attempts):
        return None
    last = answers[-1]
    known = last.rung < len(ladder.rungs) and ladder.rungs[last.rung].model == last.model
    return Step("repair", last.rung, last.model, continues=last.id) if known else None
