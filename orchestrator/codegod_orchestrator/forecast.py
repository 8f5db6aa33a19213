"""What a build will probably take, from its plan: calls, tokens, money and time.

The figures of a model come from this machine's journal once there are enough of them, and from published ones before.
A forecast is kept in the journal, so that the report can set the truth beside it.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict

from codegod_kit.plan import Plan, Task
from codegod_models import ModelName, Usage, price_of
from codegod_orchestrator.contract_files import batches, contract_files
from codegod_orchestrator.journal import Attempt, ClaimedBuild, Journal
from codegod_orchestrator.ladder import Rung
from codegod_orchestrator.limits import amount, dollars, duration
from codegod_orchestrator.spend import Spend

FORECAST = "plan.forecast"

HISTORY_BUILDS = 20  # the newest ones: what a machine and its models did last month says little
MEASURED_CALLS = 3  # of one model for one step: fewer say more about the project than about the model
MEASURED_ATTEMPTS = 8  # with fewer, one lucky task moves the rate by more than models differ

MASTER_PROMPT_TOKENS = 4_000  # the master's instructions, the sheet and the request
TASK_PROMPT_TOKENS = 5_000  # contract, signatures, memory and guide as the context budget cuts them
PLAN_TOKENS_PER_TASK = 200
BEHAVIOUR_TOKENS = 300  # a line of the list and its black-box test
CONTRACT_FILE_TOKENS = 500  # declarations, stubs or the tests of one component
TASK_FILE_TOKENS = 900  # a hundred lines
START_SECONDS = 15.0  # environment, the skeleton's checks and the RED run
FINISH_SECONDS = 10.0  # the last run and the delivery
ATTEMPT_SECONDS = 6.0  # writing, checking and landing one answer

_Kind = Literal["local", "hosted", "simulated"]
# How often an answer is right: first try, repair, fresh try. Local: a 7B coder on Aider's published benchmark. Hosted:
# an assumption, until this machine has measured it.
_RIGHT: Mapping[_Kind, tuple[float, float, float]] = {
    "local": (0.52, 0.12, 0.45),
    "hosted": (0.85, 0.5, 0.7),
    "simulated": (0.9, 0.9, 0.9),
}
# Tokens a second, read and written: a 7B model on one consumer GPU; hosted models of the middle class.
_SPEED: Mapping[_Kind, tuple[float, float]] = {"local": (500.0, 30.0), "hosted": (5_000.0, 70.0)}


class Forecast(BaseModel):
    """Of a whole build, planning included. `most_cost` is what it takes if every answer of the ladder is sent back."""

    model_config = ConfigDict(frozen=True)

    calls: int
    attempts: int
    tokens: int
    cost: Decimal
    most_cost: Decimal
    seconds: float
    unpriced: tuple[str, ...] = ()
    """Models without a known price: nothing of theirs is in the costs."""
    measured: tuple[str, ...] = ()
    """Models whose figures were measured on this machine."""

    def line(self) -> str:
        """`14 calls, 61000 tokens, $0.42 (at most $2.10), 6 min`."""
        unknown = f" and the unknown price of {', '.join(self.unpriced)}" if self.unpriced else ""
        most = f" (at most {dollars(self.most_cost)})" if self.most_cost else ""
        parts = (f"{self.calls} calls", amount("tokens", self.tokens), f"{dollars(self.cost)}{most}{unknown}")
        return ", ".join([*parts, duration(self.seconds)])

    def basis(self) -> str:
        """Where the figures come from, in a few words."""
        measured = f"measured here for {', '.join(self.measured)}" if self.measured else ""
        return f"{measured}, published ones else" if measured else "published figures, none measured here yet"


@dataclass(frozen=True, slots=True)
class Pace:
    """What one call takes."""

    usage: Usage
    seconds: float


@dataclass(frozen=True, slots=True)
class History:
    """What models did on this machine, by model and step, and how often which kind of answer was right."""

    paces: Mapping[tuple[str, str], Pace] = field(default_factory=dict)
    right: Mapping[tuple[str, str], float] = field(default_factory=dict)
    attempt_seconds: float = ATTEMPT_SECONDS
    """Of an attempt beside its model calls: reading, writing, checking, landing."""


@dataclass(slots=True)
class _Sum:
    """Adds calls up."""

    at: date
    calls: float = 0.0
    tokens: float = 0.0
    cost: Decimal = Decimal(0)
    most_cost: Decimal = Decimal(0)
    unpriced: dict[str, None] = field(default_factory=dict)

    def add(self, model: ModelName, pace: Pace, likely: float, most: int) -> None:
        usage = pace.usage
        known = (usage.input_tokens or 0) + (usage.output_tokens or 0)
        self.calls += likely
        self.tokens += likely * (known + usage.cache_read_tokens + usage.cache_write_tokens)
        price = price_of(model, self.at)
        each = price.of(usage) if price else None
        if each is None:
            self.unpriced[str(model)] = None
        else:
            self.cost += each * Decimal(likely)
            self.most_cost += each * most


async def foretell(
    journal: Journal,
    plan: Plan,
    *,
    master: ModelName,
    ladder: Sequence[ModelName],
    parallel: int,
    claimed: ClaimedBuild | None = None,
) -> Forecast:
    """The forecast for `plan`, by what this machine has measured; kept in the journal of `claimed` if that is given."""
    found = forecast(plan, master=master, ladder=ladder, parallel=parallel, history=await history_of(journal))
    if claimed is not None:
        await claimed.append(FORECAST, found.model_dump(mode="json"))
    return found


def forecast(
    plan: Plan,
    *,
    master: ModelName,
    ladder: Sequence[ModelName],
    parallel: int,
    history: History | None = None,
    at: date | None = None,
) -> Forecast:
    """The forecast for `plan` with these models, as `provider:model`; weakest first in the ladder."""
    known = history or History()
    total = _Sum(at or datetime.now(UTC).date())
    seconds = START_SECONDS + FINISH_SECONDS
    for step, usage, calls in _master_calls(plan):
        pace = known.paces.get((str(master), step)) or Pace(usage, _seconds(master, usage))
        total.add(master, pace, calls, 3 * calls)  # each may be sent back twice
        seconds += calls * pace.seconds
    attempts, lasting = 0.0, {}
    for task in plan.tasks:
        tries, took = _task(task, ladder, known, total)
        attempts += tries
        lasting[task.id] = took
    return Forecast(
        calls=round(total.calls),
        attempts=round(attempts),
        tokens=round(total.tokens, -2),
        cost=total.cost.quantize(Decimal("0.0001")),
        most_cost=total.most_cost.quantize(Decimal("0.0001")),
        seconds=round(seconds + makespan(plan.tasks, lasting, parallel), 1),
        unpriced=tuple(total.unpriced),
        measured=tuple(
            dict.fromkeys(str(one) for one in (master, *ladder) if any(str(one) == m for m, _ in known.paces))
        ),
    )


def _master_calls(plan: Plan) -> list[tuple[str, Usage, int]]:
    """Step, tokens of one call, and how many of them."""
    files = contract_files(plan)
    parts = len(list(batches(plan, files)))
    planned = PLAN_TOKENS_PER_TASK * len(plan.tasks)
    batch = round(CONTRACT_FILE_TOKENS * len(files) / max(1, parts))
    shown = MASTER_PROMPT_TOKENS + planned + batch * (parts - 1) // 2  # what stands is shown again
    listed = BEHAVIOUR_TOKENS * len(plan.behaviours)
    calls = [
        ("plan", Usage(MASTER_PROMPT_TOKENS, planned), 1),
        ("contract", Usage(shown, batch), parts),
    ]
    return [("acceptance", Usage(MASTER_PROMPT_TOKENS, listed), 1), *calls] if listed else calls


def _task(task: Task, ladder: Sequence[ModelName], history: History, total: _Sum) -> tuple[float, float]:
    """The attempts that a task probably takes and their seconds; its calls are added to `total`."""
    attempts, seconds, open_still = 0.0, 0.0, 1.0
    usage = Usage(TASK_PROMPT_TOKENS, TASK_FILE_TOKENS * max(1, len(task.files)))
    for model in ladder:
        pace = history.paces.get((str(model), "task")) or Pace(usage, _seconds(model, usage))
        rung = Rung(str(model))
        likely, failed = _climb(rung, *_rates(model, history))
        total.add(model, pace, open_still * likely, 1 + rung.repairs + rung.resamples)
        attempts += open_still * likely
        seconds += open_still * likely * (pace.seconds + history.attempt_seconds)
        open_still *= failed
    return attempts, seconds


def _climb(rung: Rung, first: float, repair: float, resample: float) -> tuple[float, float]:
    """How many attempts a task takes on this rung, on average, and how likely it leaves it unsolved."""
    attempts, failed = 1.0, 1.0 - first
    for right in [repair] * rung.repairs + [resample] * rung.resamples:
        attempts += failed
        failed *= 1.0 - right
    return attempts, failed


def _rates(model: ModelName, history: History) -> tuple[float, float, float]:
    first, repair, resample = _RIGHT[_kind(model)]
    name = str(model)
    return (
        history.right.get((name, "first"), first),
        history.right.get((name, "repair"), repair),
        history.right.get((name, "resample"), resample),
    )


def _seconds(model: ModelName, usage: Usage) -> float:
    """How long a call takes by published speeds."""
    kind = _kind(model)
    if kind == "simulated":
        return 0.1
    read, written = _SPEED[kind]
    return (usage.input_tokens or 0) / read + (usage.output_tokens or 0) / written


def _kind(model: ModelName) -> _Kind:
    if model.simulated:
        return "simulated"
    return "local" if model.provider == "ollama" else "hosted"


def makespan(tasks: Iterable[Task], lasting: Mapping[str, float], parallel: int) -> float:
    """How long the tasks take together, `parallel` at a time, each after those it depends on."""
    waiting = {task.id: set(task.depends) for task in tasks}
    running: list[tuple[float, str]] = []
    now = 0.0
    while waiting or running:
        ready = [name for name, needs in waiting.items() if not needs]
        for name in sorted(ready, key=lambda one: -lasting[one])[: max(1, parallel) - len(running)]:
            del waiting[name]
            heapq.heappush(running, (now + lasting[name], name))
        now, over = heapq.heappop(running)
        for needs in waiting.values():
            needs.discard(over)
    return now


async def history_of(journal: Journal) -> History:
    """What the newest builds of this machine took."""
    spends: list[Spend] = []
    attempts: list[Attempt] = []
    for build in await journal.builds(HISTORY_BUILDS):
        spends.append(await journal.spend(build.id))
        attempts += await journal.attempts(build.id)
    asked = {name: took.seconds for spend in spends for name, took in spend.by_attempt.items()}
    return History(_paces(spends), _right(attempts), _beside(attempts, asked))


def _paces(spends: Iterable[Spend]) -> dict[tuple[str, str], Pace]:
    sums: dict[tuple[str, str], list[float]] = {}
    for share in (share for spend in spends for share in spend.shares):
        took = share.amount
        if took.reserved_tokens:
            continue  # a call that ended in nothing says nothing about how much one takes
        each = sums.setdefault((share.model, share.step), [0.0] * 6)
        figures = (
            took.calls,
            took.input_tokens,
            took.output_tokens,
            took.cache_read_tokens,
            took.cache_write_tokens,
            took.seconds,
        )
        sums[share.model, share.step] = [old + new for old, new in zip(each, figures, strict=True)]
    return {
        key: Pace(Usage(*(round(figure / calls) for figure in tokens)), seconds / calls)
        for key, (calls, *tokens, seconds) in sums.items()
        if calls >= MEASURED_CALLS
    }


def _beside(attempts: Iterable[Attempt], asked: Mapping[str, float]) -> float:
    """How long an attempt takes beside its model calls; `asked` are the seconds of those."""
    landed = [one.seconds - asked.get(one.id, 0.0) for one in attempts if one.state == "accepted"]
    return max(0.0, sum(landed) / len(landed)) if len(landed) >= MEASURED_ATTEMPTS else ATTEMPT_SECONDS


def _right(attempts: Iterable[Attempt]) -> dict[tuple[str, str], float]:
    judged = [one for one in attempts if one.state in {"accepted", "rejected"}]
    keys = {(one.model, one.kind) for one in judged}
    rates: dict[tuple[str, str], float] = {}
    for key in keys:
        of_kind = [one.state == "accepted" for one in judged if (one.model, one.kind) == key]
        if len(of_kind) >= MEASURED_ATTEMPTS:
            # One more of each: eight out of eight are no proof that the ninth will be right.
            rates[key] = (sum(of_kind) + 1) / (len(of_kind) + 2)
    return rates


__all__ = ["FORECAST", "Forecast", "History", "Pace", "forecast", "foretell", "history_of", "makespan"]
