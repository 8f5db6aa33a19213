"""What a user gets wrong costs one line that names the next step, exit code 2, and nothing written."""

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["build", ""], "prompt is empty"),
        (["build", "x" * 100_001], "100000 is the most"),
        (["build", "Make an iOS app"], "iOS"),
        (["build", "x", "--platform", "android"], "Android"),
        (["build", "x", "--platform", "fridge"], "fridge"),
        (["build", "x", "--stack", "FastAPI"], "--stack backend=FastAPI"),
        (["build", "x", "--master", "anthropic:"], "the model is missing"),
        (["build", "x", "--api-spec", "nowhere.json"], "nowhere.json"),
        pytest.param(["build", "x", "--max-parallel", "-1"], "--max-parallel", marks=pytest.mark.long),
        (["build", "--plan", "nowhere.yaml"], "nowhere.yaml"),
        pytest.param(["build", "x", "--mcp-config", "nowhere.json"], "nowhere.json", marks=pytest.mark.long),
        pytest.param(["build", "Compose a symphony"], "ANTHROPIC_API_KEY", marks=pytest.mark.long),
        (["resume", "b-nothere1"], "b-nothere1"),
        (["status"], "codegod build"),
    ],
)
def test_bad_input_is_answered_with_one_line(
    place: Any, inside: Any, arguments: list[str], said: str
) -> None:
    answer = inside(*arguments)
    assert answer.returncode == 2, answer.stdout + answer.stderr
    assert said in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1
    assert "Traceback" not in answer.stderr
    assert {path.name for path in place.folder.iterdir()} <= {"state"}


def test_an_unreachable_model_server_is_named(inside: Any) -> None:
    answer = inside("build", "x", "--master", "ollama:big", "--worker", "ollama:small")
    assert answer.returncode == 2
    assert "11434" in answer.stderr


def test_a_folder_that_is_not_empty_is_left_alone(place: Any, inside: Any) -> None:
    (place.folder / "mine").mkdir()
    (place.folder / "mine" / "thesis.txt").write_text("years of work", encoding="utf-8")
    answer = inside("build", "Create a REST API for todo management", "--out", "mine")
    assert answer.returncode == 2
    assert "not empty" in answer.stderr
    assert [path.name for path in (place.folder / "mine").iterdir()] == ["thesis.txt"]


def test_an_unreadable_configuration_is_named_with_its_line(place: Any, inside: Any) -> None:
    (place.folder / "mcp.json").write_text('{"mcpServers": {\n "x": {"command": 5}}}', encoding="utf-8")
    answer = inside("build", "Create a REST API for todo management")
    assert answer.returncode == 2
    assert "mcp.json:2" in answer.stderr


def test_help_says_what_there_is(place: Any) -> None:
    shown = place.codegod("--help")
    assert shown.returncode == 0
    assert "build" in shown.stdout
    assert place.codegod().returncode == 2


@pytest.mark.long
def test_the_doctor_says_that_models_would_be_simulated(inside: Any) -> None:
    told = inside("doctor")
    assert told.returncode == 0, told.stdout + told.stderr
    assert "simulated" in told.stdout
    assert "sandbox" in told.stdout
