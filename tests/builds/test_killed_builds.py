"""A build that is killed at any boundary ends, once resumed, with the tree of one that was not."""

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

# Each is a moment after something was journalled; a kill then must cost nothing that was accepted.
BOUNDARIES = (
    ("plan.saved", 1),
    ("contract.saved", 1),
    ("attempt.dispatched", 1),
    ("attempt.submitted", 1),
    ("attempt.proved", 1),
    ("attempt.accepted", 1),
    ("attempt.accepted", 2),
    ("attempt.accepted", 3),
    ("build.delivered", 1),
)
DEADLINE_SECONDS = 120.0
LOOK_SECONDS = 0.005


def _counts(journal: Path) -> Iterator[dict[str, int]]:
    """How many events of each kind the journal has, again and again until the deadline."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        if journal.exists():
            try:
                with sqlite3.connect(f"file:{journal}?mode=ro", uri=True, timeout=5) as connection:
                    yield dict(connection.execute("select kind, count(*) from events group by kind"))
            except sqlite3.OperationalError:
                pass  # the tables are not there yet
        time.sleep(LOOK_SECONDS)  # another process's file gives no event to wait on
    raise AssertionError("the build never came that far")


def _kill_at(place: Any, arguments: list[str], kind: str, count: int) -> None:
    build = subprocess.Popen(
        place.command(*arguments),
        env=place.environment,
        cwd=place.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for counts in _counts(place.folder / "state" / "journal.db"):
            if counts.get(kind, 0) >= count:
                break
    finally:
        os.kill(build.pid, signal.SIGKILL)
        build.wait(timeout=30)


@pytest.fixture(scope="module")
def whole_trees() -> dict[str, str]:
    """The tree of the build that nobody killed, once it was made."""
    return {}


def _whole_tree(trees: dict[str, str], place: Any, build: list[str], git: Any) -> str:
    if not trees:
        place.codegod(*build, "whole", check=True)
        trees["main"] = git(place.folder / "whole", "rev-parse", "main^{tree}")
        for file in (place.folder / "state").glob("journal.db*"):
            file.unlink()
    return trees["main"]


@pytest.mark.long
@pytest.mark.parametrize(("kind", "count"), BOUNDARIES)
def test_a_killed_build_resumes_to_the_same_tree(
    place: Any,
    project: Callable[..., Path],
    wrong_amount: Any,
    git: Any,
    whole_trees: dict[str, str],
    kind: str,
    count: int,
) -> None:
    reference = f"simulator:{project(amount__1=wrong_amount)}"
    build = ["build", "Write a tiny money library", "--worker", reference, "--out"]
    whole = _whole_tree(whole_trees, place, build, git)
    _kill_at(place, [*build, "killed"], kind, count)
    resumed = place.codegod("resume")
    assert resumed.returncode == 0 or "nothing to resume" in resumed.stderr, resumed.stdout + resumed.stderr
    killed = place.folder / "killed"
    assert git(killed, "rev-parse", "main^{tree}") == whole
    landed = git(killed, "log", "--format=%(trailers:key=Task-Id,valueonly)", "main").split()
    assert sorted(landed) == ["amount", "ledger", "readme"]
