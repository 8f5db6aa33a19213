"""The judge that decides whether `done` was true: it has to say no when it was not. And the file that keeps what it said."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bench import harness
from bench.cases import QUICK_FAULTS, Case, cases, projects
from bench.results import Verdict, append_result, read_results, summary

from codegod_simulator.faults import KINDS

ROOT = Path(__file__).parents[2]
PROJECT = ROOT / "simulator/codegod_simulator/projects/word-count"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a judge remembers trees that were green: most of these tests ask about the same one."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def delivered(tmp_path: Path) -> Path:
    """What a perfect build of the bundled word count delivers."""
    folder = Path(shutil.copytree(PROJECT / "files", tmp_path / "delivered"))
    _git(folder, "init", "-q", "-b", "main")
    _commit(folder)
    return folder


def _git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@localhost"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, timeout=60)


def _commit(folder: Path) -> None:
    _git(folder, "add", "--all")
    _git(folder, "commit", "-q", "-m", "As it stands")


def _judged(delivered: Path, cache: Path, *options: str) -> list[str]:
    places = ["--cache", str(cache), str(PROJECT), str(delivered)]
    command = [sys.executable, "-m", "bench.judging", *options, *places]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def _verdict(**given: object) -> Verdict:
    first = {
        "key": "word-count / oracle / --seed 1 / simulator / ",
        "project": "word-count",
        "group": "oracle",
        "name": "oracle",
        "options": "--seed 1",
    }
    return Verdict.model_validate({**first, "state": "done", "seconds": 30.0, **given})


@pytest.mark.long
def test_a_right_delivery_has_nothing_wrong_and_its_tree_is_known_to_be_green(
    delivered: Path, cache: Path
) -> None:
    assert _judged(delivered, cache) == []
    assert len(list(cache.glob("green-*"))) == 1


@pytest.mark.long
def test_a_behaviour_that_is_not_there_and_a_test_that_nobody_meant_are_complaints(
    delivered: Path, cache: Path
) -> None:
    code, tests = delivered / "src/wordcount/counting.py", delivered / "tests/test_counting.py"
    code.write_text(code.read_text("utf-8") + "\n\nraise SystemExit(0)\n", "utf-8")
    tests.write_text("def test_nothing() -> None:\n    assert True\n", "utf-8")
    acceptance, contract = _judged(delivered, cache)
    assert acceptance.startswith("acceptance: ")
    assert contract == "wrong contract landed: tests/test_counting.py"


@pytest.mark.long
def test_a_commit_on_the_way_at_which_the_suite_is_red_is_a_complaint(delivered: Path, cache: Path) -> None:
    path = delivered / "tests/test_counting.py"
    right = path.read_text("utf-8")
    for text in ("def test_wrong() -> None:\n    assert False\n", right):
        path.write_text(text, "utf-8")
        _commit(delivered)
    (complaint,) = _judged(delivered, cache, "--commits-only")
    assert complaint.startswith("suite red at ")
    assert "test_wrong" in complaint


@pytest.mark.long
def test_a_build_that_says_done_and_is_not_is_a_false_done(tmp_path: Path) -> None:
    (project,) = projects([], ["word-count"])

    class Lying(harness.Bench):
        def _build(self, case: Case, place: Path) -> tuple[int, str]:
            (place / "out" / "tests").mkdir(parents=True)
            return 0, "done"

    verdict = Lying(tmp_path).judge(Case(project, "preset", "preset", ""))
    assert verdict.state == "done"
    assert verdict.false_done
    assert (tmp_path / "build-1/told").read_text("utf-8") == "done"


def test_a_run_that_is_started_again_makes_only_the_builds_that_are_missing(tmp_path: Path) -> None:
    made: list[str] = []

    class Counting(harness.Bench):
        def judge(self, case: Case) -> Verdict:
            made.append(case.name)
            return _verdict(key=case.key, name=case.name)

    (project,) = projects([], ["word-count"])
    wanted = [Case(project, "faults", name, f"--fault {name}") for name in ("one", "two")]
    for _ in range(2):
        harness.run(Counting(tmp_path), wanted, 1, tmp_path / "results.jsonl")
        wanted.append(Case(project, "faults", "three", "--fault three"))
    assert made == ["one", "two", "three"]
    assert [verdict.name for verdict in read_results(tmp_path / "results.jsonl")] == made


def test_results_come_back_as_they_were_kept(tmp_path: Path) -> None:
    kept = [
        _verdict(complaints=("acceptance: B1",), struck=False),
        _verdict(key="word-count / oracle / --seed 2 / simulator / ", state="partial"),
    ]
    for verdict in kept:
        append_result(tmp_path / "results.jsonl", verdict)
    assert read_results(tmp_path / "results.jsonl") == kept


def test_the_summary_counts_false_done_and_says_which_faults_struck_nothing() -> None:
    said = "\n".join(
        summary(
            [
                _verdict(),
                _verdict(complaints=("acceptance: B1",)),
                _verdict(group="faults", name="worker:prose", struck=True, attempts=5),
                _verdict(group="faults", name="worker:no_work", struck=False),
            ]
        )
    )
    assert "| oracle | 2 | 2 | 0 | 0 | 1 | 1 |" in said
    assert "| `worker:prose` | done 5 |" in said
    assert "| `worker:no_work` | - |" in said
    assert "faults that struck: 1 builds, 1 done; nothing to strike: 1" in said


def test_what_a_part_is_worth_is_seen_beside_the_same_build_with_everything() -> None:
    played = "--preset 7b --seed 1 / simulator,simulator:strong"
    said = list(
        summary(
            [
                _verdict(key=f"word-count / 7b / {played} / ", attempts=6),
                _verdict(key="word-count / 7b / --preset 7b --seed 1 / simulator / ", attempts=9),
                _verdict(
                    key=f"word-count / ablation / {played} / no_checks",
                    without="no_checks",
                    attempts=4,
                    complaints=("acceptance: B1", "suite red at abc"),
                ),
            ]
        )
    )
    assert "| no_checks | 1 | 1 | 1 | 1 | 4.0 | 1 | 6.0 |" in said


def test_every_fault_of_the_catalogue_is_a_case_and_the_quick_ones_exist() -> None:
    every = {f"{role}:{kind}" for role, kinds in KINDS.items() for kind in kinds}
    assert every >= QUICK_FAULTS
    assert len(every) > 40


def test_no_two_builds_of_a_whole_run_are_the_same() -> None:
    options = harness.options_of(["--builds", "20"])
    keys = [case.key for case in cases(projects([], []), options)]
    assert len(keys) == len(set(keys))
