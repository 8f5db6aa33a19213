"""The simulator as a process: what it says, and when it ends."""

import json
import signal
import sys
from pathlib import Path

import httpx
import pytest

from codegod_simulator.__main__ import main
from codegod_simulator.faults import KINDS, BadFault, parse_fault

from .conftest import SECONDS, started

# Starts processes or installs packages in most of its tests: the everyday suite stays below two minutes without.
pytestmark = pytest.mark.long


def test_it_says_where_it_listens_and_ends_with_its_input() -> None:
    with started("--seed", "3", "--latency", "worker:0.1") as (process, said):
        assert said["master"] == "claude-simulated"
        assert said["worker"] == "qwen2.5-coder:7b"
        assert said["projects"] == ["shopping-list", "stockroom", "todo-api", "word-count", "todo-overdue"]
        assert httpx.get(f"{said['url']}/api/version", timeout=SECONDS).status_code == 200
        assert process.stdin
        process.stdin.close()
        assert process.wait(SECONDS) == 0
        assert process.stderr
        assert process.stderr.read() == ""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_it_ends_when_it_is_told_to_even_in_the_middle_of_an_answer() -> None:
    prompt = "Step: plan\nAttempt: 1\n\n<request>\nCreate a todo REST API\n</request>"
    body = {"model": "qwen2.5-coder:7b", "messages": [{"role": "user", "content": prompt}]}
    with (
        started("--fault", "master:hang") as (process, said),
        httpx.stream("POST", f"{said['url']}/api/chat", json=body, timeout=SECONDS) as response,
    ):
        assert response.status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) in {0, -signal.SIGTERM}


def test_a_project_of_ones_own_is_announced(small_reference: Path) -> None:
    with started("--reference", str(small_reference)) as (_, said):
        assert said["projects"] == [
            "hello",
            "shopping-list",
            "stockroom",
            "todo-api",
            "word-count",
            "todo-overdue",
        ]


def test_what_can_be_played_is_listed_with_the_tests_that_judge_it(
    small_reference: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--list", "--reference", str(small_reference), "--preset", "7b"]) == 0
    projects = {one["name"]: one for one in json.loads(capsys.readouterr().out)["projects"]}
    assert [*projects] == ["hello", "shopping-list", "stockroom", "todo-api", "word-count"]
    todo = projects["todo-api"]
    assert todo["prompt"] == "Create a REST API for todo management"
    for behaviour in todo["behaviours"]:
        path, _, name = behaviour["test"].partition("::")
        assert f"def {name}(" in todo["tests"][path]


def test_what_struck_is_written_down_where_it_was_asked_for(tmp_path: Path) -> None:
    prompt = "Step: plan\nAttempt: 1\n\n<request>\nCreate a todo REST API\n</request>"
    body = {
        "model": "claude-simulated",
        "max_tokens": 9_000,
        "messages": [{"role": "user", "content": prompt}],
    }
    file = tmp_path / "struck"
    with started("--fault", "master:500", "--struck", str(file)) as (_, said):
        for status in (500, 200):
            response = httpx.post(f"{said['url']}/v1/messages", json=body, timeout=SECONDS)
            assert response.status_code == status
    assert file.read_text("utf-8") == "master:500 todo-api plan  1\n"


def test_a_broken_project_is_refused_in_one_line(
    small_reference: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (small_reference / "files/README.md").unlink()
    assert main(["--reference", str(small_reference)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"{small_reference / 'plan.yaml'}:15: tasks[1].files[0]: 'README.md' is missing in files/" in said


def test_a_port_that_is_taken_is_named(simulator: str, capsys: pytest.CaptureFixture[str]) -> None:
    port = simulator.rpartition(":")[2]
    assert main(["--port", port]) == 2
    assert f"port {port}" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [("--latency", "fast"), ("--latency", "judge:1"), ("--latency", "nan"), ("--fault", "worker:nothing")],
)
def test_wrong_options_are_refused(options: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(options)
    assert ended.value.code == 2
    assert options[1] in capsys.readouterr().err


@pytest.mark.parametrize(
    "text", ["", "worker", "judge:cut", "worker:nothing", "worker:cut@", "worker:cut@a.b", "worker:cut@a.1.2"]
)
def test_a_fault_that_is_none_is_refused_with_those_there_are(text: str) -> None:
    with pytest.raises(BadFault) as caught:
        parse_fault(text)
    assert all(kind in str(caught.value) for kind in KINDS)
