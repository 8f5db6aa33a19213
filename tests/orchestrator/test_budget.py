"""The budget: reserved before a call, settled by its usage, and counted again from the journal."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import anyio
import pytest

from codegod_models import (
    Busy,
    Done,
    Event,
    KeyRefused,
    Message,
    ModelFault,
    ModelInfo,
    ModelName,
    ModelRequest,
    StreamCut,
    TextPart,
    Usage,
)
from codegod_orchestrator.budget import Budget, LimitReached, Limits, PriceUnknown, most_cost, most_tokens
from codegod_orchestrator.journal import ClaimedBuild, Journal
from codegod_orchestrator.voice import Voice

SONNET = ModelName("anthropic", "claude-sonnet-5-5")  # $2 and $10 per million tokens, $2.50 into the cache
UNKNOWN = ModelName("openai", "a-new-one")
REQUEST = ModelRequest("Be brief.", (Message("user", "x" * 2_970),), max_tokens=1_000)
TOKENS = most_tokens(REQUEST)
COST = most_cost(SONNET, REQUEST)


@dataclass
class Played:
    """A provider that plays these outcomes, one a try; the last one again and again."""

    outcomes: list[Usage | Exception]
    model: ModelName = SONNET
    tried: int = 0
    hold: anyio.Event | None = None
    begun: anyio.Event = field(default_factory=anyio.Event)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Event, None]:
        outcome = self.outcomes[min(self.tried, len(self.outcomes) - 1)]
        self.tried += 1
        self.begun.set()
        if isinstance(outcome, Busy | KeyRefused):
            raise outcome
        yield TextPart("ans")
        if self.hold:
            await self.hold.wait()
        if isinstance(outcome, Exception):
            raise outcome
        yield TextPart("wer")
        yield Done("end", outcome)

    async def check(self) -> ModelInfo:
        return ModelInfo(self.model, None, None, None, tools=False)

    async def aclose(self) -> None: ...


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    async with Journal.open(tmp_path / "journal.db") as journal:
        yield journal


@pytest.fixture
async def claimed(journal: Journal) -> AsyncIterator[ClaimedBuild]:
    build = await journal.create_build("Make it")
    async with journal.claim_build(build.id, "a test") as claimed:
        yield claimed


Ask = Callable[..., Voice]


@pytest.fixture
def voice(claimed: ClaimedBuild) -> Ask:
    def make(provider: Played, **limits: object) -> Voice:
        return Voice(provider, claimed, budget=Budget(Limits.model_validate(limits)))

    return make


def usage(input_tokens: int | None, output_tokens: int | None) -> Usage:
    return Usage(input_tokens, output_tokens)


def test_the_most_that_a_call_may_take_is_its_prompt_and_the_longest_answer() -> None:
    assert TOKENS == 1_000 + 990 + 3 + 2 * 8
    assert Decimal(1_009) * Decimal("2.5") / 1_000_000 + Decimal("0.01") == COST


async def test_a_call_is_settled_by_its_usage(journal: Journal, voice: Ask, claimed: ClaimedBuild) -> None:
    asked = voice(Played([usage(1_000, 100)]), tokens=10_000, cost="1")
    assert (await asked.ask(REQUEST, "plan")).text == "answer"
    assert (asked.budget.tokens, asked.budget.cost) == (1_100, Decimal("0.003"))
    spend = (await journal.spend(claimed.id)).total
    assert (spend.calls, spend.tokens, spend.cost) == (1, 1_100, Decimal("0.003"))


@pytest.mark.parametrize("missing", [usage(None, None), usage(1_000, None)])
async def test_usage_that_is_missing_stays_spent(
    journal: Journal, voice: Ask, claimed: ClaimedBuild, missing: Usage
) -> None:
    asked = voice(Played([missing]), cost="1")
    await asked.ask(REQUEST, "plan")
    assert (asked.budget.tokens, asked.budget.cost) == (TOKENS, COST)
    spend = (await journal.spend(claimed.id)).total
    assert (spend.tokens, spend.cost, spend.reserved_cost, spend.unpriced_calls) == (TOKENS, COST, COST, 0)


async def test_what_does_not_fit_is_not_asked(voice: Ask) -> None:
    provider = Played([usage(1_000, 100)])
    asked = voice(provider, tokens=TOKENS + 100)
    await asked.ask(REQUEST, "plan")
    with pytest.raises(LimitReached, match=r"1100 tokens spent, and the next call may take up to 2009"):
        await asked.ask(REQUEST, "contract")
    assert provider.tried == 1


async def test_every_try_counts(journal: Journal, voice: Ask, claimed: ClaimedBuild) -> None:
    provider = Played([StreamCut("gone"), usage(1_000, 100)])
    asked = voice(provider, cost="1")
    await asked.ask(REQUEST, "plan")
    assert asked.budget.cost == (COST or 0) + Decimal("0.003")
    calls = [one.call for one in await journal.model_calls(claimed.id)]
    assert [(one.reply, one.error) for one in calls] == [
        ("ans", "the answer was cut off (gone)."),
        ("answer", ""),
    ]


async def test_a_try_that_does_not_fit_is_not_made(voice: Ask) -> None:
    provider = Played([StreamCut("gone")])
    asked = voice(provider, tokens=TOKENS * 2 - 1)
    with pytest.raises(LimitReached):
        await asked.ask(REQUEST, "plan")
    assert provider.tried == 1


async def test_a_server_that_refuses_costs_nothing(voice: Ask) -> None:
    asked = voice(Played([Busy("529", "overloaded", retry_after=0.0), KeyRefused("u", "K", "no")]), cost="1")
    with pytest.raises(ModelFault):
        await asked.ask(REQUEST, "plan")
    assert (asked.budget.tokens, asked.budget.cost) == (0, Decimal(0))


async def test_a_call_that_is_stopped_stays_spent(
    journal: Journal, voice: Ask, claimed: ClaimedBuild
) -> None:
    provider = Played([usage(1, 1)], hold=anyio.Event())
    asked = voice(provider)
    async with anyio.create_task_group() as group:
        group.start_soon(asked.ask, REQUEST, "plan")
        with anyio.fail_after(5):
            await provider.begun.wait()
        group.cancel_scope.cancel()
    spend = (await journal.spend(claimed.id)).total
    assert (spend.tokens, spend.cost, spend.reserved_cost) == (TOKENS, COST, COST)
    assert asked.budget.tokens == TOKENS


async def test_calls_that_fit_only_one_after_the_other_wait_for_each_other(voice: Ask) -> None:
    provider = Played([usage(10, 10)], hold=anyio.Event())
    asked = voice(provider, tokens=TOKENS + 100)
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(asked.ask, REQUEST, "task")
            await provider.begun.wait()
            await anyio.wait_all_tasks_blocked()
            assert provider.tried == 1
            assert provider.hold is not None
            provider.hold.set()
    assert (provider.tried, asked.budget.tokens) == (3, 60)


async def test_a_price_that_nobody_knows_is_refused_by_name(journal: Journal, claimed: ClaimedBuild) -> None:
    budget = Budget()
    with pytest.raises(PriceUnknown, match="'openai:a-new-one'"):
        await budget.take_up(journal, claimed, Limits(cost=Decimal(1)), [SONNET, UNKNOWN])
    await Budget().take_up(journal, claimed, Limits(tokens=1), [UNKNOWN])


async def test_money_that_was_spent_unseen_is_no_money_to_count_on(
    journal: Journal, claimed: ClaimedBuild
) -> None:
    await Voice(Played([usage(10, 10)], model=UNKNOWN), claimed).ask(REQUEST, "plan")
    with pytest.raises(PriceUnknown, match="was asked before"):
        await Budget().take_up(journal, claimed, Limits(cost=Decimal(1)), [SONNET])


async def test_a_question_whose_answer_nobody_heard_stays_spent(
    journal: Journal, claimed: ClaimedBuild
) -> None:
    await Voice(Played([usage(1_000, 100)]), claimed).ask(REQUEST, "plan")
    told = {"step": "task", "model": str(SONNET), "rung": 1, "simulated": False}
    reserved = {"reserved_tokens": 500, "reserved_cost": "0.25"}
    await claimed.append("model.asked", told | reserved, task="api", attempt="api.1")  # and then: kill -9
    for _ in range(2):  # however often the build is taken up
        budget = Budget()
        await budget.take_up(journal, claimed, Limits(), [SONNET])
        assert (budget.tokens, budget.cost) == (1_600, Decimal("0.253"))
    lost = [one.call for one in await journal.model_calls(claimed.id)][-1]
    assert (lost.task, lost.attempt, lost.rung, lost.cost) == ("api", "api.1", 1, Decimal("0.25"))
    assert "went away" in lost.error


async def test_attempts_are_counted_across_resumes(journal: Journal, claimed: ClaimedBuild) -> None:
    async def ask(attempt: str) -> None:
        budget = Budget()
        await budget.take_up(journal, claimed, Limits(attempts=2), [SONNET])
        voice = Voice(Played([usage(1, 1)]), claimed, budget=budget)
        await voice.ask(REQUEST, "task", task="api", attempt=attempt)

    for attempt in ("api.1", "api.1", "api.2"):
        await ask(attempt)
    with pytest.raises(LimitReached, match=r"The limit of 2 attempts .* is reached: 2 attempts were made"):
        await ask("api.3")


async def test_time_is_counted_while_the_build_is_worked_on(journal: Journal, claimed: ClaimedBuild) -> None:
    now = 100.0
    budget = Budget(clock=lambda: now)
    await budget.take_up(journal, claimed, Limits(seconds=60), [SONNET])
    assert 0 <= budget.seconds < 5
    assert 55 < budget.seconds_left(1_800) <= 60
    assert budget.seconds_left(10) == 10
    now += 61
    with pytest.raises(
        LimitReached, match=r"The limit of 60 s \(--max-time\) is reached: 6[0-9] s have passed"
    ):
        await Voice(Played([usage(1, 1)]), claimed, budget=budget).ask(REQUEST, "plan")


async def test_limits_that_were_changed_hold_from_then_on(journal: Journal, claimed: ClaimedBuild) -> None:
    await claimed.append("limits.changed", Limits(cost=Decimal("2.5")).model_dump(mode="json"))
    budget = Budget()
    await budget.take_up(journal, claimed, Limits(tokens=1), [SONNET])
    assert budget.limits == Limits(cost=Decimal("2.5"))
