"""`codegod list`, `status` and `logs`, on a pipe as scripts read them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from codegod_orchestrator.doors.cli import main
from codegod_orchestrator.doors.commands.inspect import find_build
from codegod_orchestrator.doors.settings import Settings
from codegod_orchestrator.journal import Journal
from codegod_orchestrator.states import BUILD_ENDS

FOLDER = "/a/folder/with/a/long/name/" + "below/" * 10 + "todo"
Told = Callable[..., str]


@pytest.fixture
def told(state_dir: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Told:
    """What a command prints, on a terminal of 80 columns that is none."""
    monkeypatch.setenv("CODEGOD_STATE_DIR", str(state_dir))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(state_dir)

    def run(*arguments: str) -> str:
        assert main(arguments) == 0
        return capfd.readouterr().out

    return run


@pytest.fixture
def left_alone(settings: Settings, begun: Any) -> str:
    """A build that was begun, and whose process is gone."""

    async def begin() -> str:
        async with Journal.open(settings.journal) as journal:
            build = await begun.create(journal, "Make a demo [bold]\x1b[31m", FOLDER)
            async with journal.claim_build(build.id, "a test") as claimed:
                await begun.up_to_tasks(claimed)
            return str(build.id)

    return anyio.run(begin)


def test_the_list_cuts_no_name_that_somebody_copies(told: Told, left_alone: str) -> None:
    head, row = told("list").splitlines()
    assert head.split() == ["build", "state", "started", "(UTC)", "folder", "prompt"]
    assert row.startswith(f"{left_alone}  not running  ")
    assert row.endswith(f"  {FOLDER}  Make a demo [bold] [31m")


def test_a_build_whose_process_is_gone_says_how_to_go_on(told: Told, left_alone: str) -> None:
    lines = told("status").splitlines()
    assert lines[:3] == [
        f"{left_alone}  running",
        f"  no process works on it; go on with: codegod resume {left_alone}",
        f"  for {FOLDER}",
    ]
    assert lines[3].split() == ["storage", "database", "ready", "0", "tries"]


def test_every_event_of_the_log_says_something_of_itself(told: Told, left_alone: str) -> None:
    lines = told("logs", left_alone).splitlines()
    assert lines[0].split()[2:4] == ["build.created", "prompt=Make"]
    assert any("planned demo: 2 tasks" in line for line in lines)


async def test_without_a_name_the_newest_build_of_a_fitting_state_is_meant(
    journal: Journal, begun: Any
) -> None:
    waiting = await begun.create(journal)
    ended = await begun.create(journal)
    async with journal.claim_build(ended.id, "a test") as claimed:
        await claimed.advance("cancelled", reason="cancelled on request")
    assert (await find_build(journal, "")).id == ended.id
    assert (await find_build(journal, "", but=BUILD_ENDS)).id == waiting.id
    assert (await find_build(journal, ended.id, but=BUILD_ENDS)).id == ended.id
