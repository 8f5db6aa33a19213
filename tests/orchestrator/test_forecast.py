"""The forecast: more work takes more, what this machine measured counts, and the unknown is named."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import pytest

from codegod_kit.plan import Plan
from codegod_models import ModelName, Usage
from codegod_orchestrator.forecast import Forecast, History, Pace, forecast, makespan

SONNET = ModelName("anthropic", "claude-sonnet-5-5")
LOCAL = ModelName("ollama", "qwen2.5-coder:7b")
UNKNOWN = ModelName("openai", "a-new-one")
PLAYED = ModelName("ollama", "played", simulated=True)
AT = date(2026, 11, 1)


def plan_of(*depends: Sequence[str]) -> Plan:
    """Tasks t0, t1, …; those that each depends on."""
    tasks = [
        {
            "id": f"t{number}",
            "type": "backend",
            "title": "Work",
            "files": [f"src/t{number}.py"],
            "tests": [f"tests/test_t{number}.py"],
            "depends": list(needs),
        }
        for number, needs in enumerate(depends)
    ]
    wishes = [{"id": "B1", "text": "It works"}]
    return Plan.model_validate({"name": "p", "skeleton": ["a.py"], "behaviours": wishes, "tasks": tasks})


def of(
    plan: Plan, ladder: Sequence[ModelName] = (LOCAL, SONNET), parallel: int = 2, **more: History
) -> Forecast:
    return forecast(plan, master=SONNET, ladder=ladder, parallel=parallel, at=AT, **more)


def test_more_tasks_take_more_of_everything() -> None:
    small, large = of(plan_of([], [])), of(plan_of([], [], [], []))
    assert small.calls < large.calls
    assert small.tokens < large.tokens
    assert Decimal(0) < small.cost < large.cost < large.most_cost
    assert small.seconds < large.seconds


def test_a_weak_model_is_tried_more_often_and_costs_nothing() -> None:
    weak, strong = of(plan_of([], []), [LOCAL]), of(plan_of([], []), [SONNET])
    assert weak.attempts > strong.attempts >= 2
    assert weak.cost < strong.cost


def test_a_price_that_nobody_knows_is_named_and_not_counted() -> None:
    told = of(plan_of([]), [LOCAL, UNKNOWN])
    assert told.unpriced == ("openai:a-new-one",)
    assert "the unknown price of openai:a-new-one" in told.line()


def test_simulated_models_cost_nothing() -> None:
    told = forecast(plan_of([]), master=PLAYED, ladder=[PLAYED], parallel=1, at=AT)
    assert (told.cost, told.most_cost, told.unpriced) == (Decimal(0), Decimal(0), ())


def test_what_was_measured_here_counts_more_than_what_was_published() -> None:
    plan = plan_of([], [])
    slow = Pace(Usage(1_000, 500), seconds=300.0)
    right = {(str(LOCAL), "first"): 0.9}
    told = of(plan, history=History({(str(LOCAL), "task"): slow}, right))
    assert told.seconds > of(plan).seconds + 100
    assert told.attempts < of(plan).attempts
    assert told.measured == (str(LOCAL),)
    assert str(LOCAL) in told.basis()


@pytest.mark.parametrize(("parallel", "seconds"), [(1, 60.0), (2, 30.0), (9, 30.0)])
def test_tasks_wait_for_what_they_need_and_for_a_free_place(parallel: int, seconds: float) -> None:
    # t0 alone, t1 → t2 → t3, t4 alone: the chain takes 30.
    tasks = plan_of([], [], ["t1"], ["t2"], []).tasks
    lasting = {"t0": 20.0, "t1": 10.0, "t2": 10.0, "t3": 10.0, "t4": 10.0}
    assert makespan(tasks, lasting, parallel) == seconds
