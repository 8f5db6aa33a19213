"""What nobody saw before the end decides whether a build is done."""

import json
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

Git = Callable[..., str]

SERVER = '''\
"""Serves amounts: `python -m pennies PORT`."""

import http.server
import sys

from pennies.ledger import total


class Ledger(http.server.BaseHTTPRequestHandler):
    """Answers `/1.10/2.95` with the sum."""

    def do_GET(self) -> None:
        """The sum of the amounts in the path."""
        amounts = [part for part in self.path.split("/") if part]
        self.send_response(200)
        self.end_headers()
        self.wfile.write((total(amounts) if amounts else "ready").encode())


def main() -> None:
    """Serve until the process ends."""
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Ledger).serve_forever()


if __name__ == "__main__":
    main()
'''
TESTS = """\
import os
import urllib.request


def read(path: str) -> str:
    with urllib.request.urlopen(os.environ["APP_URL"] + path) as answer:
        return answer.read().decode()


def test_an_amount_is_shown() -> None:
    assert read("/1.10") == "1.10"


def test_amounts_are_added() -> None:
    assert read("/1.10/2.95") == "4.05"


def test_a_million_is_grouped() -> None:
    assert read("/1000000.00") == "1,000,000.00"
"""


def serve(reference: Path, *, behaviours: str, tests: str = TESTS) -> Path:
    """The made-up project as a server with hidden tests."""
    plan = (reference / "plan.yaml").read_text("utf-8")
    first = plan.index("behaviours:")
    then = plan.index("skeleton:")
    plan = (
        f"{plan[:first]}start: python -m pennies {{port}}\nhealth: /\nbehaviours:\n{behaviours}{plan[then:]}"
    )
    plan = plan.replace("skeleton: [pyproject.toml,", "skeleton: [pyproject.toml, src/pennies/__main__.py,")
    (reference / "plan.yaml").write_text(plan, "utf-8")
    (reference / "files/src/pennies/__main__.py").write_text(SERVER, "utf-8")
    if tests:
        (reference / "acceptance").mkdir()
        (reference / "acceptance/test_ledger.py").write_text(tests, "utf-8")
    return reference


def behaviour(number: int, text: str, test: str) -> str:
    return f'  - {{id: B{number}, text: {text}, test: "acceptance/test_ledger.py::{test}"}}\n'


SHOWN = behaviour(1, "An amount is shown", "test_an_amount_is_shown")
ADDED = behaviour(2, "Amounts are added", "test_amounts_are_added")
GROUPED = behaviour(3, "A million has commas", "test_a_million_is_grouped")
BOTH = TESTS[: TESTS.index("def test_a_million")]


def build(place: Any, reference: Path, *more: str) -> subprocess.CompletedProcess[str]:
    out = str(place.folder / "out")
    done: subprocess.CompletedProcess[str] = place.codegod(
        "build", "Write a tiny money library", "--worker", f"simulator:{reference}", "--out", out, *more
    )
    return done


def seen(place: Any) -> dict[str, Any]:
    """The last `acceptance.seen` of the journal."""
    with closing(sqlite3.connect(place.folder / "state/journal.db")) as journal:
        rows = journal.execute(
            "select data from events where kind = 'acceptance.seen' order by seq"
        ).fetchall()
    data: dict[str, Any] = json.loads(rows[-1][0])
    return data


@pytest.mark.long
def test_a_behaviour_that_the_application_lacks_makes_the_build_partial_by_name(
    place: Any, project: Callable[..., Path], git: Git
) -> None:
    done = build(place, serve(project(), behaviours=SHOWN + ADDED + GROUPED))
    assert done.returncode == 3, done.stdout + done.stderr
    assert "not proved: B3 (A million has commas" in done.stdout
    outcomes = {one["id"]: one["outcome"] for one in seen(place)["behaviours"]}
    assert outcomes == {"B1": "passed", "B2": "passed", "B3": "failed"}
    assert seen(place)["app"]["started"] is True
    out = place.folder / "out"
    assert "acceptance" not in git(out, "ls-tree", "--name-only", "main").splitlines()
    assert "test_ledger.py" in git(out, "ls-tree", "-r", "--name-only", "refs/codegod/acceptance")
    assert git(out, "log", "--all", "--format=%H", "--", "acceptance").splitlines()


@pytest.mark.long
def test_a_build_whose_behaviours_are_all_proved_is_done(place: Any, project: Callable[..., Path]) -> None:
    done = build(place, serve(project(), behaviours=SHOWN + ADDED, tests=BOTH))
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(one["outcome"] == "passed" for one in seen(place)["behaviours"])
    assert seen(place)["app"]["health"] == "GET /: 200"


@pytest.mark.long
def test_hidden_tests_that_no_behaviour_names_count_as_well(place: Any, project: Callable[..., Path]) -> None:
    done = build(place, serve(project(), behaviours=SHOWN + ADDED))
    assert done.returncode == 3, done.stdout + done.stderr
    assert "test_a_million_is_grouped" in done.stdout


@pytest.mark.long
def test_a_plan_that_is_handed_in_keeps_its_behaviours_and_gets_tests_again(
    place: Any, project: Callable[..., Path]
) -> None:
    reference = serve(project(), behaviours=SHOWN + ADDED, tests=BOTH)
    planned = place.codegod("plan", "Write a tiny money library", "--master", f"simulator:{reference}")
    assert planned.returncode == 0, planned.stderr
    plan = place.folder / "plan.yaml"
    assert "start: python -m pennies {port}" in plan.read_text("utf-8")
    plan.write_text(plan.read_text("utf-8").replace("Amounts are added", "Amounts are summed"), "utf-8")
    done = build(place, reference, "--plan", str(plan), "--master", f"simulator:{reference}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [one["text"] for one in seen(place)["behaviours"]] == ["An amount is shown", "Amounts are summed"]


@pytest.mark.long
def test_an_application_that_does_not_start_proves_nothing(place: Any, project: Callable[..., Path]) -> None:
    reference = serve(project(), behaviours=SHOWN)
    plan = (reference / "plan.yaml").read_text("utf-8")
    (reference / "plan.yaml").write_text(plan.replace("-m pennies {port}", "-m penny {port}"), "utf-8")
    done = build(place, reference)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "did not start" in done.stdout
    assert "No module named penny" in seen(place)["app"]["log"]
