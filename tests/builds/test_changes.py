"""`codegod change`: an existing repository in, a branch of it out, and nothing else touched."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from codegod_kit.plan import dump_plan, load_plan

from .changed_projects import COUNT, COUNTING, LIBRARY, MEND, MENDED, MENDING, UNTESTED, write_tree

DEADLINE_SECONDS = 240.0
PATIENCE_SECONDS = 400.0  # a change takes half a minute; on a machine that does much else, some minutes
LOOK_SECONDS = 0.01
BRANCH = "codegod/parse-drops-what-follows-a-blank-1h-30m"

Git = Callable[..., str]


@pytest.fixture
def repository(place: Any, git: Git) -> Callable[[Mapping[str, str]], Path]:
    """Makes somebody's repository with one commit."""

    def make(files: Mapping[str, str]) -> Path:
        folder = write_tree(place.folder / "own", files)
        git(folder, "init", "-q", "-b", "trunk")
        git(folder, "config", "user.name", "Ann")
        git(folder, "config", "user.email", "ann@example.org")
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "-m", "As it was")
        return folder

    return make


@pytest.fixture
def played(place: Any) -> Callable[[Mapping[str, str]], list[str]]:
    """Options by which a reference folder is played."""

    def write(files: Mapping[str, str]) -> list[str]:
        folder = write_tree(place.folder / "reference", files)
        return ["--master", f"simulator:{folder}", "--worker", f"simulator:{folder}"]

    return write


def kept(folder: Path, git: Git) -> tuple[str, ...]:
    """What belongs to the user: settings, HEAD, index, files."""
    inside = folder / ".git"
    files = sorted(
        (str(path.relative_to(folder)), path.read_bytes().hex())
        for path in folder.rglob("*")
        if path.is_file() and inside not in path.parents
    )
    return (
        (inside / "config").read_text("utf-8"),
        (inside / "HEAD").read_text("ascii"),
        (inside / "index").read_bytes().hex(),
        git(folder, "rev-parse", "HEAD"),
        git(folder, "--no-optional-locks", "status", "--porcelain"),
        repr(files),
    )


def events(place: Any, kind: str) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(place.folder / "state" / "journal.db")) as connection:
        rows = connection.execute("select data from events where kind = ? order by seq", (kind,)).fetchall()
    return [json.loads(data) for (data,) in rows]


@pytest.mark.long
def test_a_planted_bug_is_mended_on_a_branch_and_nothing_else_is_touched(
    place: Any, repository: Any, played: Any, git: Git, suite: Any
) -> None:
    own = repository(LIBRARY)
    (own / "run.log").write_text("ignored, and in nobody's way", encoding="utf-8")
    before = kept(own, git)
    done = place.codegod("change", str(own), MEND, *played(MENDING), within=PATIENCE_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"The branch {BRANCH} is in {own}" in done.stdout
    assert kept(own, git) == before
    assert git(own, "diff", "--name-status", "trunk", BRANCH).split() == [
        "M", "src/spans/parse.py", "A", "tests/test_blanks.py", "M", "tests/test_show.py",
    ]  # fmt: skip
    assert git(own, "show", f"{BRANCH}:src/spans/parse.py") == MENDED.strip()
    assert git(own, "log", "--format=%s", BRANCH).splitlines() == [
        "Read over blanks between the parts of a span",
        "As it was",
    ]
    git(place.folder, "clone", "-q", "--branch", BRANCH, str(own), "taken")
    ran = suite(place.folder / "taken").stdout
    assert "1 failed, 6 passed" in ran and "test_days_are_shown" in ran
    assert "demands less than before" in str(events(place, "contract.sent_back"))
    report = json.loads(place.codegod("report", "--json").stdout)
    days = "tests/test_show.py::test_days_are_shown"
    assert (report["branch"], report["base"]) == (BRANCH, git(own, "rev-parse", "trunk"))
    assert (report["failing_before"], report["still_failing"]) == ([days], [days])
    assert [one["outcome"] for one in report["accepted"]] == ["passed"]


@pytest.mark.long
def test_a_change_that_is_killed_again_and_again_ends_with_the_same_branch(
    place: Any, repository: Any, played: Any, git: Git
) -> None:
    own = repository(LIBRARY)
    arguments = ["change", str(own), MEND, *played(MENDING), "--branch", "mended"]
    for kind in ("change.surveyed", "contract.saved", "change.still_failing"):
        _kill_at(place, arguments, kind)
        arguments = ["resume"]
    resumed = place.codegod("resume", within=PATIENCE_SECONDS)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert git(own, "show", "mended:src/spans/parse.py") == MENDED.strip()
    assert git(own, "rev-list", "--count", "trunk..mended") == "1"
    assert len(events(place, "change.surveyed")) == 1
    assert git(own, "for-each-ref", "--format=%(refname)").split() == [
        "refs/heads/mended",
        "refs/heads/trunk",
    ]


@pytest.mark.long
def test_a_repository_without_tests_is_pinned_down_first_and_its_code_is_kept(
    place: Any, repository: Any, played: Any, git: Git, suite: Any
) -> None:
    own = repository(UNTESTED)
    options = [*played(COUNTING), "--branch", "units"]
    done = place.codegod("change", str(own), COUNT, *options, within=PATIENCE_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    sent_back = [str(one["findings"]) for one in events(place, "contract.sent_back")]
    assert len(sent_back) == 2
    assert "`show` is gone" in sent_back[0]
    assert "pins nothing down" in sent_back[1]
    assert git(own, "diff", "--name-only", "trunk", "units").split() == [
        "src/spans/show.py",
        "tests/test_characterisation.py",
        "tests/test_units.py",
    ]
    git(place.folder, "clone", "-q", "--branch", "units", str(own), "taken")
    assert "3 passed" in suite(place.folder / "taken").stdout


@pytest.mark.long
def test_a_feature_comes_to_a_finished_application_of_ours_with_its_plan(
    place: Any, repository: Any, git: Git
) -> None:
    folder = resources.files("codegod_simulator") / "projects" / "todo-api"
    own = Path(str(folder))
    plan = load_plan(own / "plan.yaml").model_copy(update={"prompts": (), "references": ()})
    target = place.folder / "own"
    shutil.copytree(own / "files", target, ignore=shutil.ignore_patterns("__pycache__"))
    repository({"plan.yaml": dump_plan(plan)})
    done = place.codegod("change", str(target), "List overdue todos", within=PATIENCE_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 of 2 behaviours proved" in done.stdout
    branch = "codegod/list-overdue-todos"
    assert git(target, "diff", "--name-only", "trunk", branch).split() == [
        "plan.yaml",
        "src/todo/app.py",
        "src/todo/overdue.py",
        "src/todo/overdue_route.py",
        "tests/test_overdue.py",
        "tests/test_overdue_route.py",
    ]
    git(target, "checkout", "-q", branch)
    merged = load_plan(target / "plan.yaml")
    assert (merged.name, merged.start) == ("todo-api", plan.start)
    assert [one.id for one in merged.behaviours][-2:] == ["B9", "B10"]
    assert {"selection", "route"} <= {one.id for one in merged.tasks}


@pytest.mark.long
def test_what_cannot_be_changed_is_refused_in_one_line_before_anything_begins(
    place: Any, repository: Any, git: Git, inside: Any
) -> None:
    own = repository(LIBRARY)
    git(own, "branch", "taken")
    plain = place.folder / "plain"
    plain.mkdir()
    cases: dict[str, tuple[str, ...]] = {
        "is no git repository": (str(plain), MEND),
        "lies inside the repository": (str(own / "src"), MEND),
        "is no folder": (str(place.folder / "nowhere"), MEND),
        "The prompt is empty": (str(own), " "),
        "cannot be made": (str(own), MEND, "--branch", "taken"),
        "is no ref": (str(own), MEND, "--branch", "a..b"),
    }
    for words, arguments in cases.items():
        answer = inside("change", *arguments)
        assert (answer.returncode, words in answer.stderr) == (2, True), answer.stderr
        assert answer.stderr.count("\n") == 1
    (own / "src/spans/parse.py").write_text("mine", encoding="utf-8")
    (own / "new.py").touch()
    answer = inside("change", str(own), MEND)
    assert answer.returncode == 2
    assert "new.py, src/spans/parse.py" in answer.stderr and "git stash" in answer.stderr
    assert "b-" not in inside("list").stdout


def _kill_at(place: Any, arguments: list[str], kind: str) -> None:
    """Run until the journal has an event of `kind`, then kill."""
    run = subprocess.Popen(
        place.command(*arguments),
        env=place.environment,
        cwd=place.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    journal = place.folder / "state" / "journal.db"
    try:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline:
            if journal.exists() and _has(journal, kind):
                return
            time.sleep(LOOK_SECONDS)  # another process's file gives no event to wait on
        raise AssertionError(f"the change never came to {kind}")
    finally:
        os.kill(run.pid, signal.SIGKILL)
        run.wait(timeout=30)


def _has(journal: Path, kind: str) -> bool:
    try:
        with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True, timeout=5)) as connection:
            return bool(connection.execute("select 1 from events where kind = ?", (kind,)).fetchone())
    except sqlite3.OperationalError:
        return False  # the tables are not there yet
