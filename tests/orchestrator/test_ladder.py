"""The ladder, climbed step by step."""

from dataclasses import dataclass

import pytest

from codegod_orchestrator.ladder import (
    Ladder,
    LadderFault,
    Outcome,
    Rung,
    Step,
    StepKind,
    Tried,
    history,
    next_step,
    parse_ladder,
)

REJECTED: Outcome = "rejected"
LADDER = parse_ladder("ollama:qwen2.5-coder:7b, anthropic:claude-haiku-4-5")


def climb(ladder: Ladder, *outcomes: Outcome) -> tuple[list[str], Step | None]:
    """The steps taken when the attempts end like this, and the one that follows."""
    tried: list[Tried] = []
    taken: list[str] = []
    for number, outcome in enumerate(outcomes, 1):
        step = next_step(ladder, tried)
        assert step is not None
        taken.append(f"{step.kind} {step.rung}" + (f" of {step.continues}" if step.continues else ""))
        tried.append(Tried(f"t.{number}", step.rung, step.kind, outcome))
    return taken, next_step(ladder, tried)


def test_a_rung_is_a_first_try_two_repairs_and_a_fresh_answer() -> None:
    taken, then = climb(LADDER, *[REJECTED] * 8)
    assert taken == [
        "first 0",
        "repair 0 of t.1",
        "repair 0 of t.2",
        "resample 0",
        "first 1",
        "repair 1 of t.5",
        "repair 1 of t.6",
        "resample 1",
    ]
    assert then is None


def test_the_first_step_is_the_weakest_model() -> None:
    assert next_step(LADDER, []) == Step("first", 0, "ollama:qwen2.5-coder:7b")


def test_an_answer_with_nothing_to_repair_is_followed_by_a_fresh_one() -> None:
    taken, then = climb(LADDER, "refused", "refused", "refused", "refused")
    assert taken == ["first 0", "resample 0", "first 1", "resample 1"]
    assert then is None


def test_a_lost_attempt_costs_nothing_and_a_repair_goes_on_from_the_answer_that_was_judged() -> None:
    taken, then = climb(LADDER, "lost", "rejected", "lost", "lost", "rejected")
    assert taken == ["first 0", "first 0", "repair 0 of t.2", "repair 0 of t.2", "repair 0 of t.2"]
    assert then == Step("repair", 0, "ollama:qwen2.5-coder:7b", continues="t.5")


def test_a_ladder_may_have_rungs_of_its_own_making() -> None:
    ladder = Ladder((Rung("a", repairs=0, resamples=0), Rung("b", repairs=1, resamples=2)))
    taken, then = climb(ladder, *[REJECTED] * 5)
    assert taken == ["first 0", "first 1", "repair 1 of t.2", "resample 1", "resample 1"]
    assert then is None


def test_a_ladder_that_became_shorter_ends() -> None:
    assert next_step(parse_ladder("only"), [Tried("t.1", 3, "first", "rejected")]) is None


def test_a_ladder_reads_back_as_it_is_written() -> None:
    assert [rung.model for rung in LADDER.rungs] == ["ollama:qwen2.5-coder:7b", "anthropic:claude-haiku-4-5"]
    assert parse_ladder(str(LADDER)) == LADDER


@pytest.mark.parametrize(
    ("text", "said"), [("", "names no model"), ("  ", "names no model"), ("a,,b", "position 2")]
)
def test_a_ladder_with_a_hole_is_refused_with_an_example(text: str, said: str) -> None:
    with pytest.raises(LadderFault, match=rf"{said}.*--ladder ollama:"):
        parse_ladder(text)


@dataclass(frozen=True)
class Attempt:
    id: str
    number: int
    state: str
    refused: bool = False
    rung: int = 0
    kind: StepKind = "first"


def test_the_journals_attempts_become_a_history() -> None:
    attempts = [
        Attempt("t.1", 1, "rejected"),
        Attempt("t.2", 2, "rejected", refused=True),
        Attempt("t.3", 3, "lost"),
        Attempt("t.4", 4, "cancelled"),
    ]
    assert [tried.outcome for tried in history(attempts)] == ["rejected", "refused", "lost", "lost"]
    assert [tried.attempt for tried in history(attempts, forgiven=2)] == ["t.3", "t.4"]


def test_rungs_that_do_not_fit_a_task_are_left_out_unless_there_is_no_other() -> None:
    ladder = parse_ladder("small,middle,strong")
    first = next_step(ladder, [], {0})
    assert first is not None
    assert first.model == "middle"
    last = next_step(
        ladder, [Tried("a.1", 0, "first", "refused"), Tried("a.2", 0, "resample", "refused")], {1, 2}
    )
    assert last is None
    only = next_step(ladder, [], {0, 1, 2})
    assert only is not None
    assert only.model == "small"
