"""The ladder: which model tries a task next, and how. Pure data in, pure data out."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

StepKind = Literal["first", "repair", "resample"]
Outcome = Literal["rejected", "refused", "lost"]

# Two repairs: a small model that has not mended its answer after two rounds of findings starts to repeat itself.
REPAIRS_PER_TRY = 2
# One resample: a fresh answer without the poisoned turns; after it, a stronger model is the better spend.
RESAMPLES_PER_RUNG = 1


class LadderFault(Exception):
    """A ladder that cannot be climbed; the message says how to write one."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(
            f"The ladder {text!r} {reason}. Write models separated by commas, weakest first, "
            "e.g. `--ladder ollama:qwen2.5-coder:7b,anthropic:claude-haiku-4-5`."
        )
        self.text = text
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Rung:
    """One model and how often it may try: a first answer, repairs of it, then fresh answers."""

    model: str
    repairs: int = REPAIRS_PER_TRY
    resamples: int = RESAMPLES_PER_RUNG


@dataclass(frozen=True, slots=True)
class Ladder:
    rungs: tuple[Rung, ...]

    def __str__(self) -> str:
        return ",".join(rung.model for rung in self.rungs)


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt that ended without being accepted.

    `rejected`: the answer was sent back with findings. `refused`: there is nothing to repair (`BLOCKED`, `TOO_BIG`,
    `CONTRACT`, no answer). `lost`: a crash took it, so it costs no try and the same step is taken again.
    """

    attempt: str
    rung: int
    kind: StepKind
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Step:
    """What to do next: `continues` names the attempt whose files a repair starts from, and is empty otherwise."""

    kind: StepKind
    rung: int
    model: str
    continues: str = ""


class Ended(Protocol):
    """What is read of an attempt; `journal.Attempt` has it."""

    @property
    def id(self) -> str: ...
    @property
    def number(self) -> int: ...
    @property
    def rung(self) -> int: ...
    @property
    def kind(self) -> StepKind: ...
    @property
    def state(self) -> str: ...
    @property
    def refused(self) -> bool: ...


def history(attempts: Iterable[Ended], forgiven: int = 0) -> tuple[Tried, ...]:
    """The attempts of one task as the ladder counts them; those up to number `forgiven` no longer count."""
    return tuple(
        Tried(attempt.id, attempt.rung, attempt.kind, _outcome(attempt))
        for attempt in attempts
        if attempt.number > forgiven
    )


def _outcome(attempt: Ended) -> Outcome:
    if attempt.state != "rejected":
        return "lost"  # stale and cancelled ones too: nobody has judged an answer of theirs
    return "refused" if attempt.refused else "rejected"


def parse_ladder(text: str) -> Ladder:
    """Read `model,model,…`, weakest first; raise `LadderFault` for an empty ladder or an empty rung."""
    models = [part.strip() for part in text.split(",")]
    if models == [""]:
        raise LadderFault(text, "names no model")
    if "" in models:
        raise LadderFault(text, f"has an empty rung at position {models.index('') + 1}")
    return Ladder(tuple(Rung(model) for model in models))


def next_step(ladder: Ladder, history: Iterable[Tried], unfit: Collection[int] = ()) -> Step | None:
    """The step that follows these attempts of one task, oldest first; `None` when the ladder has no rung left.

    The rungs in `unfit` are left out, unless there is no other.
    """
    counted = [tried for tried in history if tried.outcome != "lost"]
    if not counted:
        return _step(ladder, "first", _fit_from(ladder, 0, unfit))
    last = counted[-1]
    if last.rung >= len(ladder.rungs):
        return None
    on_rung = [tried for tried in counted if tried.rung == last.rung]
    rung = ladder.rungs[last.rung]
    if last.outcome == "rejected" and _repairable(rung, on_rung):
        return _step(ladder, "repair", last.rung, continues=last.attempt)
    if sum(tried.kind == "resample" for tried in on_rung) < rung.resamples:
        return _step(ladder, "resample", last.rung)
    return _step(ladder, "first", _fit_from(ladder, last.rung + 1, unfit))


def _fit_from(ladder: Ladder, rung: int, unfit: Collection[int]) -> int:
    """The first rung from `rung` on whose model fits; `rung` itself when no rung of the ladder does."""
    rungs = range(len(ladder.rungs))
    if all(one in unfit for one in rungs):
        return rung
    return next((one for one in rungs[rung:] if one not in unfit), len(ladder.rungs))


def _repairable(rung: Rung, on_rung: Sequence[Tried]) -> bool:
    resampled = any(tried.kind == "resample" for tried in on_rung)
    return not resampled and sum(tried.kind == "repair" for tried in on_rung) < rung.repairs


def _step(ladder: Ladder, kind: StepKind, rung: int, continues: str = "") -> Step | None:
    if rung >= len(ladder.rungs):
        return None
    return Step(kind, rung, ladder.rungs[rung].model, continues)
