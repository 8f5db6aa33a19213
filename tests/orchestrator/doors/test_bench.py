"""`codegod bench`: a project is built with a model as the worker, and what came of it is told, kept and shown."""

import json
import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import pytest

from codegod_orchestrator.doors.bench_text import benched_lines
from codegod_orchestrator.doors.benched import Benched, BenchedBuild, read_benched, write_benched
from codegod_orchestrator.doors.cli import main
from codegod_orchestrator.journal import Journal
from codegod_orchestrator.reports.rates import Tally
from codegod_workers.capability import FOLDER

BENCH_SECONDS = 170.0

PLAN = """\
prompts: ["Write a command that adds cents"]
name: pennies
summary: Adds whole cents.
stack: {language: Python}
platforms: [cli]
start: python -m pennies
behaviours:
  - {id: B1, text: The sum of all arguments is printed, test: "acceptance/test_sum.py::test_sum"}
  - {id: B2, text: It is pleasant to use}
skeleton: [pyproject.toml, src/pennies/__init__.py, src/pennies/__main__.py, tests/test_smoke.py]
tasks:
  - id: adding
    type: backend
    title: Add amounts up
    files: [src/pennies/adding.py]
    tests: [tests/test_adding.py]
"""
FILES = {
    "plan.yaml": PLAN,
    "files/pyproject.toml": """\
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "pennies"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = []

[dependency-groups]
dev = ["pytest>=8"]

[tool.hatch.build.targets.wheel]
packages = ["src/pennies"]

[tool.pytest.ini_options]
pythonpath = ["src"]
testpaths = ["tests"]
""",
    "files/src/pennies/__init__.py": '"""Whole cents."""\n',
    "files/src/pennies/__main__.py": """\
import sys

from pennies.adding import total

if __name__ == "__main__":
    print(total([int(word) for word in sys.argv[1:]]))
""",
    "files/src/pennies/adding.py": '''\
"""Sums."""


def total(amounts: list[int]) -> int:
    """The sum of the amounts."""
    return sum(amounts)
''',
    "files/tests/test_smoke.py": (
        "import pennies\n\n\ndef test_the_package_is_there() -> None:\n    assert pennies.__doc__\n"
    ),
    "files/tests/test_adding.py": (
        "from pennies.adding import total\n\n\ndef test_amounts_are_added() -> None:\n    assert total([1, 2]) == 3\n"
    ),
    "acceptance/test_sum.py": """\
import os
import re
import shlex
import subprocess


def test_sum() -> None:
    command = [*shlex.split(os.environ["APP_COMMAND"]), "4", "38"]
    assert subprocess.run(command, capture_output=True, text=True).stdout == "42\\n"
""",
}


@pytest.fixture
def pennies(tmp_path: Path) -> Path:
    """A reference project with one task, and one behaviour that its own test sees."""
    for path, text in FILES.items():
        file = tmp_path / "pennies" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return tmp_path / "pennies"


def _benched(**given: object) -> Benched:
    right = BenchedBuild(
        project="word-count",
        build="b-one",
        state="done",
        behaviours=2,
        proved=2,
        tallies={"backend": Tally(first=2, repaired=1, fresh=1, attempts=9)},
        tokens=12_345,
    )
    false = BenchedBuild(project="todo-api", build="b-two", state="done", behaviours=3, proved=2)
    helped = right.model_copy(update={"build": "b-four", "tallies": {"api": Tally(given_up=1)}})
    part = BenchedBuild(project="stockroom", build="b-three", state="partial", reason="The limit is reached.")
    first = {"model": "ollama:small", "master": "simulator", "version": "0.1.0", "at": datetime.now(UTC)}
    return Benched.model_validate({**first, "builds": (right, false, part, helped), **given})


def test_the_rates_are_told_per_build_and_per_type_and_a_false_done_by_name() -> None:
    said = "\n".join(benched_lines(_benched()))
    assert "1 of 4 builds done; of 5 tasks 2 at the first try (40%), 2 after repairs" in said
    assert "1 given up (20%)" in said
    assert re.search(r"b-four +with help", said)
    assert "b-three is partial: The limit is reached." in said
    assert "False done: b-two (todo-api)" in said
    assert "2 of 3 behaviours" in said


def test_a_newer_run_takes_the_place_of_an_older_one_and_other_models_stay(state_dir: Path) -> None:
    for version in ("0.1.0", "0.2.0"):
        write_benched(state_dir, _benched(version=version))
    other = _benched(model="ollama:other")
    write_benched(state_dir, other)
    (state_dir / FOLDER / "bench-broken.json").write_text("{}", "utf-8")
    kept = read_benched(state_dir)
    assert kept[0] == other
    assert [(one.model, one.version) for one in kept[1:]] == [("ollama:small", "0.2.0")]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--model", "host:me"], "asks nobody but models"),
        (["--model", "simulator", "--project", "nothing"], "Choose from shopping-list, stockroom"),
        (["--model", "simulator", "--out", "/nowhere/at/all.json"], "cannot be written"),
        (["--model", "simulator", "--max-tokens", "many"], "--max-tokens 'many'"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_anything_is_built(
    options: list[str],
    said: str,
    state_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CODEGOD_STATE_DIR", str(state_dir))
    assert main(["bench", *options]) == 2
    assert said in capsys.readouterr().err
    assert read_benched(state_dir) == ()


@pytest.mark.long
def test_a_project_is_built_judged_by_its_own_tests_kept_and_shown(
    pennies: Path,
    state_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CODEGOD_STATE_DIR", str(state_dir))
    monkeypatch.setenv("CODEGOD_SIMULATOR_OPTIONS", "--preset oracle --fault worker:no_work@adding.1")
    out = tmp_path / "result.json"
    options = ["--model", f"simulator:{pennies}", "--master", f"simulator:{pennies}", "--project", "pennies"]
    assert main(["bench", *options, "--out", str(out)]) == 0
    (kept,) = read_benched(state_dir)
    assert json.loads(out.read_text("utf-8")) == kept.model_dump(mode="json")
    (build,) = kept.builds
    assert (build.state, build.behaviours, build.proved) == ("done", 1, 1)
    (tally,) = build.tallies.values()
    assert (tally.first, tally.accepted, tally.attempts) == (0, 1, 2)
    assert build.tokens > 0
    assert "1 of 1 builds done; of 1 tasks 0 at the first try" in capsys.readouterr().out
    assert main(["doctor"]) == 0
    assert "1 of 1 builds done" in capsys.readouterr().out


@pytest.mark.long
@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals to send to another process")
async def test_ctrl_c_ends_the_bench_and_its_build_and_keeps_nothing(state_dir: Path, silent: Any) -> None:
    models = ["--model", "ollama:silent", "--master", "ollama:silent", "--project", "word-count"]
    command = [sys.executable, "-m", "codegod_orchestrator.doors.cli", "bench", *models]
    environment = {**os.environ, **silent.environment, "CODEGOD_STATE_DIR": str(state_dir)}
    with anyio.fail_after(BENCH_SECONDS):
        async with await anyio.open_process(command, env=environment, stdout=subprocess.DEVNULL) as process:
            await silent.asked.wait()
            process.send_signal(signal.SIGINT)
            assert await process.wait() == 130
    async with Journal.open(state_dir / "journal.db") as journal:
        (build,) = await journal.builds()
    assert (build.state, build.reason) == ("cancelled", "its bench was interrupted")
    assert read_benched(state_dir) == ()
