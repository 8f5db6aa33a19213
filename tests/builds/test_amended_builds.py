"""Builds whose contract or plan turns out wrong on the way: they mend it and end, and say so."""

import json
import sqlite3
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from codegod_orchestrator.blobs import Blobs

from .conftest import PLAN

DEADLINE_SECONDS = 120.0
LOOK_SECONDS = 0.01
PROMPT = "Write a tiny money library"
WRONG_TEST = """\
from pennies.amount import parse, show


def test_an_amount_is_parsed() -> None:
    assert parse("12.30") == 1230


def test_an_amount_is_shown() -> None:
    assert show(1205) == "12.50"
"""

_PLAN = PLAN.partition("\n")[2]  # as a master answers: the prompts are the reference's own

# The ledger calls what the amounts offer, and this plan does not say so.
NO_EDGE = _PLAN.replace("    depends: [amount]\n", "")

# Everything in one task, which its worker finds too much.
ONE_TASK = (
    _PLAN.partition("tasks:\n")[0]
    + """\
tasks:
  - id: amount
    type: backend
    title: Parse, show and add amounts
    files: [src/pennies/amount.py, src/pennies/ledger.py]
    tests: [tests/test_amount.py, tests/test_ledger.py]
  - id: readme
    type: documentation
    title: The README
    files: [README.md]
    depends: [amount]
"""
)


def _events(place: Any, *kinds: str) -> list[tuple[str, str, dict[str, Any]]]:
    """The events of these kinds in the journal, oldest first."""
    rows = _query(place, "select kind, task, data from events order by seq")
    return [(kind, task, json.loads(data)) for kind, task, data in rows if kind in kinds]


def _query(place: Any, question: str) -> list[Any]:
    with closing(sqlite3.connect(f"file:{place.folder}/state/journal.db?mode=ro", uri=True)) as journal:
        return list(journal.execute(question))


def _landed(git: Callable[..., str], out: Path) -> list[str]:
    trailers = git(
        out, "log", "--reverse", "--first-parent", "--format=%(trailers:key=Task-Id,valueonly)", "main"
    )
    return trailers.split()


def _green_at_every_commit(git: Callable[..., str], suite: Callable[[Path], Any], out: Path) -> None:
    for commit in git(out, "rev-list", "--first-parent", "--reverse", "main").splitlines():
        git(out, "checkout", "-q", commit)
        ran = suite(out)
        assert ran.returncode == 0, f"{commit}: {ran.stdout}"
    git(out, "checkout", "-q", "main")


def _build(place: Any, reference: Path) -> tuple[subprocess.CompletedProcess[str], Path]:
    out = place.folder / "out"
    done = place.codegod("build", PROMPT, "--worker", f"simulator:{reference}", "--out", str(out))
    return done, out


@pytest.mark.long
def test_a_wrong_contract_test_is_ruled_on_amended_and_passed(
    place: Any, project: Callable[..., Path], git: Callable[..., str], suite: Callable[[Path], Any]
) -> None:
    done, out = _build(place, project(contract__1={"tests/test_amount.py": WRONG_TEST}))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "12.05" in (out / "tests/test_amount.py").read_text("utf-8")
    (amended,) = _events(place, "contract.amended")
    assert amended[1] == "amount"
    assert (amended[2]["ruling"], amended[2]["contract"]) == ("test", 2)
    assert "tests/test_amount.py::test_what_is_no_amount_is_refused" in amended[2]["tests_added"]
    assert [version for _, _, version in _events(place, "contract.saved")][-1]["version"] == 2
    assert _landed(git, out) == ["amount", "ledger", "readme"]
    _green_at_every_commit(git, suite, out)
    # The answer that was right before its test was is not asked for again.
    ((accepted, continues),) = _query(
        place, "select id, continues from attempts where task = 'amount' and state = 'accepted'"
    )
    assert continues
    asked_for = {attempt for (attempt,) in _query(place, "select attempt from model_calls")}
    assert accepted not in asked_for
    # The master ruled without having seen an answer's code.
    ((asked,),) = _query(place, "select request from model_calls where step = 'ruling'")
    question = Blobs(place.folder / "state" / "blobs").kept(asked)
    assert "raise NotImplementedError" in question
    assert "whole.isdigit()" not in question


@pytest.mark.long
@pytest.mark.parametrize(
    ("wrong_plan", "task", "said"),
    [
        (NO_EDGE, "ledger", "BLOCKED: pennies.amount.parse is a stub\n"),
        (ONE_TASK, "amount", "TOO_BIG: two modules in one answer\n"),
    ],
    ids=["a missing dependency", "a task that is too big"],
)
def test_what_a_worker_cannot_do_is_planned_anew(
    place: Any,
    project: Callable[..., Path],
    git: Callable[..., str],
    suite: Callable[[Path], Any],
    wrong_plan: str,
    task: str,
    said: str,
) -> None:
    wrong: dict[str, Mapping[str, str]] = {
        "plan__1": {"plan.yaml": wrong_plan},
        f"{task}__1": {"answer.txt": said},
    }
    done, out = _build(place, project(**wrong))
    assert done.returncode == 0, done.stdout + done.stderr
    (revised,) = _events(place, "plan.revised")
    assert (revised[1], revised[2]["version"]) == (task, 2)
    assert revised[2]["reason"] == said.strip()
    assert sorted(_landed(git, out)) == ["amount", "ledger", "readme"]
    assert "depends" in (out / "plan.yaml").read_text("utf-8")
    _green_at_every_commit(git, suite, out)


@pytest.mark.long
def test_work_that_was_accepted_by_a_wrong_test_is_done_once_more(
    place: Any,
    project: Callable[..., Path],
    wrong_amount: Mapping[str, str],
    git: Callable[..., str],
    suite: Callable[[Path], Any],
) -> None:
    # The wrong test lets a wrong answer pass; what is built on it is where that shows.
    wrong_test = WRONG_TEST.replace("12.50", "12.5")
    reference = project(contract__1={"tests/test_amount.py": wrong_test}, amount__1=wrong_amount)
    done, out = _build(place, reference)
    assert done.returncode == 0, done.stdout + done.stderr
    (amended,) = _events(place, "contract.amended")
    assert (amended[1], list(amended[2]["reopened"])) == ("ledger", ["amount"])
    assert _landed(git, out) == ["amount", "amount", "ledger", "readme"]
    assert "02d" in (out / "src/pennies/amount.py").read_text("utf-8")
    _green_at_every_commit(git, suite, out)


def _kill_at(place: Any, arguments: list[str], kind: str) -> None:
    """Run a build and kill it as soon as the journal has an event of this kind."""
    build = subprocess.Popen(
        place.command(*arguments),
        env=place.environment,
        cwd=place.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not (place.folder / "state" / "journal.db").exists() or not _seen(place, kind):
            assert time.monotonic() < deadline, f"{kind} never came"
            assert build.poll() is None, f"the build ended before {kind}"
            time.sleep(LOOK_SECONDS)  # another process's file gives no event to wait on
    finally:
        build.kill()
        build.wait(timeout=30)


def _seen(place: Any, kind: str) -> bool:
    try:
        return bool(_events(place, kind))
    except sqlite3.OperationalError:
        return False  # the tables are not there yet


@pytest.mark.long
@pytest.mark.parametrize("kind", ["amendment.begun", "contract.amended"], ids=lambda kind: kind)
def test_an_amendment_survives_a_kill_at_any_moment(
    place: Any, project: Callable[..., Path], git: Callable[..., str], kind: str
) -> None:
    reference = f"simulator:{project(contract__1={'tests/test_amount.py': WRONG_TEST})}"
    _kill_at(place, ["build", PROMPT, "--worker", reference, "--out", "out"], kind)
    resumed = place.codegod("resume")
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    (amended,) = _events(place, "contract.amended")
    assert amended[2]["contract"] == 2
    assert len(_events(place, "contract.settled")) == 1
    assert "12.05" in (place.folder / "out" / "tests/test_amount.py").read_text("utf-8")
    assert _landed(git, place.folder / "out") == ["amount", "ledger", "readme"]


@pytest.mark.long
@pytest.mark.parametrize("kind", ["plan.revised"], ids=lambda kind: kind)
def test_a_revised_plan_survives_a_kill_at_any_moment(
    place: Any, project: Callable[..., Path], git: Callable[..., str], kind: str
) -> None:
    wrong = {"plan__1": {"plan.yaml": ONE_TASK}, "amount__1": {"answer.txt": "TOO_BIG: two modules\n"}}
    reference = f"simulator:{project(**wrong)}"
    _kill_at(place, ["build", PROMPT, "--worker", reference, "--out", "out"], kind)
    resumed = place.codegod("resume")
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert [event[2]["version"] for event in _events(place, "plan.revised")] == [2]
    assert sorted(_landed(git, place.folder / "out")) == ["amount", "ledger", "readme"]
