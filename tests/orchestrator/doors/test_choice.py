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


def test_an_empty_rung_is_refused() -> None:
    with pytest.raises(Refused, match="position 2"):
        choose_models(KEY, ladder="a,,b")
