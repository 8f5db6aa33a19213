"""A prompt goes in, a tested repository comes out; everything but the language model is real."""

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

Git = Callable[..., str]
Suite = Callable[[Path], subprocess.CompletedProcess[str]]


def _accepted(report: Mapping[str, Any]) -> set[str]:
    return {one["task"]["id"] for one in report["tasks"] if one["task"]["state"] == "accepted"}


def test_a_project_that_no_bundle_knows_is_built_and_its_mistake_is_corrected(
    place: Any, project: Callable[..., Path], wrong_amount: Mapping[str, str], git: Git, suite: Suite
) -> None:
    reference = project(amount__1=wrong_amount)
    out = place.folder / "out"
    done = place.codegod(
        "build", "Write a tiny money library", "--worker", f"simulator:{reference}", "--out", str(out)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "simulated" in done.stdout
    assert str(out) in done.stdout

    assert suite(out).returncode == 0
    subjects = git(out, "log", "--first-parent", "--reverse", "--format=%s").splitlines()
    assert subjects[0] == "Skeleton of pennies"
    assert {"Parse and show amounts", "Add amounts up", "The README"} <= set(subjects)
    assert subjects.count("Parse and show amounts") == 1
    attempts = git(out, "for-each-ref", "--format=%(refname)", "refs/codegod/attempts/amount").splitlines()
    assert attempts == ["refs/codegod/attempts/amount/1", "refs/codegod/attempts/amount/2"]

    report = json.loads(place.codegod("report", "--json").stdout)
    assert _accepted(report) == {"amount", "ledger", "readme"}
    assert "12.5" in json.dumps(report)


@pytest.mark.long
@pytest.mark.parametrize(
    "prompt",
    ["Create a REST API for todo management", "Create a command-line tool that counts words in text files"],
)
def test_a_bundled_project_is_built_and_green_at_every_commit(
    place: Any, git: Git, suite: Suite, prompt: str
) -> None:
    out = place.folder / "out"
    done = place.codegod("build", prompt, "--out", str(out))
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("README.md", "Dockerfile", "compose.yaml"):
        assert (out / name).is_file()
    for commit in git(out, "rev-list", "--first-parent", "--reverse", "main").splitlines():
        git(out, "checkout", "-q", commit)
        ran = suite(out)
        assert ran.returncode == 0, f"{commit}: {ran.stdout}"
    trailers = git(out, "log", "--first-parent", "--format=%(trailers:key=Task-Id,valueonly)", "main").split()
    assert len(trailers) == len(set(trailers)) >= 4


@pytest.mark.long
def test_a_plan_is_written_built_and_seen_by_the_journals_commands(
    place: Any, project: Callable[..., Path], git: Git
) -> None:
    reference = f"simulator:{project()}"
    planned = place.codegod("plan", "Write a tiny money library", "--master", reference)
    assert planned.returncode == 0, planned.stderr
    built = place.codegod("build", "--plan", "plan.yaml", "--master", reference, "--out", "made")
    assert built.returncode == 0, built.stdout + built.stderr
    assert git(place.folder / "made", "rev-parse", "--abbrev-ref", "HEAD") == "main"
    assert (place.folder / "made" / "plan.yaml").is_file()

    assert "done" in place.codegod("list").stdout
    status = place.codegod("status").stdout
    assert "ledger" in status
    assert "accepted" in status
    assert "attempt.accepted" in place.codegod("logs").stdout
    again = place.codegod("resume")
    assert again.returncode == 2
    assert "nothing to resume" in again.stderr


@pytest.mark.long
def test_a_task_that_fails_leaves_its_stub_and_a_partial_build_that_goes_on_in_its_folder(
    place: Any, project: Callable[..., Path], wrong_amount: Mapping[str, str], suite: Suite
) -> None:
    reference = project(**{f"amount__{number}": wrong_amount for number in range(1, 6)})
    out = place.folder / "out"
    done = place.codegod(
        "build", "Write a tiny money library", "--worker", f"simulator:{reference}", "--out", str(out)
    )
    assert done.returncode == 3, done.stdout + done.stderr
    assert "amount" in done.stdout
    assert "raise NotImplementedError" in (out / "src/pennies/amount.py").read_text("utf-8")
    assert suite(out).returncode == 0

    (out / "mine.txt").write_text("the owner's own", "utf-8")
    again = place.codegod("resume")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "raise NotImplementedError" not in (out / "src/pennies/amount.py").read_text("utf-8")
    assert (out / "mine.txt").read_text("utf-8") == "the owner's own"
    assert suite(out).returncode == 0
