"""The simulator as a door starts it: with the options of the environment, and a strong model as a last rung."""

from pathlib import Path

import pytest

from codegod_orchestrator.doors.choice import choose_models
from codegod_orchestrator.doors.engine import open_models
from codegod_orchestrator.doors.settings import Refused, Settings
from codegod_orchestrator.doors.simulated import OPTIONS, simulator


@pytest.mark.long
async def test_a_ladder_can_end_in_the_simulated_master(tmp_path: Path) -> None:
    settings = Settings(tmp_path, {OPTIONS: "--preset 7b --seed 3"})
    choice = choose_models({}, ladder="simulator,simulator:strong")
    async with open_models(choice, settings) as opened:
        names = [str(provider.model) for provider in (opened.models.master, *opened.models.rungs)]
    assert names == ["simulator:claude-simulated", "simulator:qwen2.5-coder:7b", "simulator:claude-simulated"]


@pytest.mark.long
async def test_an_option_that_the_simulator_does_not_know_is_refused_in_its_words() -> None:
    with pytest.raises(Refused, match="invalid choice: '70b'"):
        async with simulator((), "--preset 70b"):
            pass


async def test_options_with_an_open_quote_are_refused_by_the_name_of_the_variable() -> None:
    with pytest.raises(Refused, match=OPTIONS):
        async with simulator((), '--preset "7b'):
            pass
