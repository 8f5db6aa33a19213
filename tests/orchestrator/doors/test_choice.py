"""Which models a build uses."""

import pytest

from codegod_orchestrator.doors.choice import DEFAULT_MASTER, DEFAULT_WORKER, Choice, choose_models
from codegod_orchestrator.doors.settings import Refused

KEY = {"ANTHROPIC_API_KEY": "k"}
HOST = {"OLLAMA_HOST": "http://127.0.0.1:11434"}


def test_with_nothing_at_all_everything_is_simulated_and_says_so() -> None:
    choice = choose_models({})
    assert choice == Choice("simulator", ("simulator",))
    assert choice.simulated


def test_a_key_and_a_host_give_a_worker_with_the_master_above_it() -> None:
    choice = choose_models(KEY | HOST)
    assert choice == Choice(DEFAULT_MASTER, (DEFAULT_WORKER, DEFAULT_MASTER))
    assert not choice.simulated


def test_a_key_alone_still_means_a_local_worker_and_never_a_simulated_one() -> None:
    assert choose_models(KEY).ladder[0] == DEFAULT_WORKER


@pytest.mark.parametrize("environment", [HOST, {"WORKER_MODEL": "ollama:x"}])
def test_workers_without_a_master_are_refused_with_the_next_step(environment: dict[str, str]) -> None:
    with pytest.raises(Refused, match="ANTHROPIC_API_KEY"):
        choose_models(environment)


def test_the_names_that_the_user_gives_win_over_the_environment() -> None:
    choice = choose_models(
        KEY | {"MASTER_MODEL": "claude-a", "WORKER_MODEL": "phi"}, master="ollama:m", worker="ollama:w"
    )
    assert choice == Choice("ollama:m", ("ollama:w", "ollama:m"))
    assert choose_models(KEY, ladder="a, b").ladder == ("a", "b")


def test_a_simulator_folder_plays_both_parts_unless_the_other_is_named() -> None:
    assert choose_models({}, worker="simulator:/x") == Choice("simulator:/x", ("simulator:/x",))
    assert choose_models({}, master="simulator:/x") == Choice("simulator:/x", ("simulator:/x",))
    assert choose_models({}, master="simulator:/x", worker="ollama:w").ladder == ("ollama:w",)


@pytest.mark.parametrize(
    "named", [{"master": "host:"}, {"worker": "host:"}, {"master": "host:", "worker": "host"}]
)
def test_a_host_without_anybody_else_plays_both_parts(named: dict[str, str]) -> None:
    choice = choose_models({}, **named)
    assert len(choice.ladder) == 1
    assert choice.master.rstrip(":") == choice.ladder[0].rstrip(":") == "host"
    assert choice.asks_host
    assert not choice.simulated


def test_a_host_plans_for_the_workers_that_are_there_and_helps_them_out() -> None:
    assert choose_models(HOST, master="host:") == Choice("host:", (DEFAULT_WORKER, "host:"))
    assert choose_models({}, master="host:", worker="ollama:w").ladder == ("ollama:w", "host:")
    assert choose_models(KEY, worker="host:").master == DEFAULT_MASTER


def test_an_empty_rung_is_refused() -> None:
    with pytest.raises(Refused, match="position 2"):
        choose_models(KEY, ladder="a,,b")
