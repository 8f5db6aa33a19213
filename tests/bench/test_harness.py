"""The judge that decides whether `done` was true: it has to say no when it was not."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCH = Path(__file__).parents[2] / "bench"
PROJECT = Path(__file__).parents[2] / "simulator/codegod_simulator/projects/word-count"


def _harness() -> ModuleType:
    spec = importlib.util.spec_from_file_location("codegod_bench_harness", BENCH / "harness.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def delivered(tmp_path: Path) -> Path:
    """What a perfect build of the bundled word count delivers."""
    return Path(shutil.copytree(PROJECT / "files", tmp_path / "delivered"))


def _judged(delivered: Path) -> list[str]:
    command = [sys.executable, str(BENCH / "judging.py"), str(PROJECT), str(delivered)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.long
def test_a_right_delivery_has_nothing_wrong(delivered: Path) -> None:
    assert _judged(delivered) == []


@pytest.mark.long
def test_a_behaviour_that_is_not_there_is_a_complaint(delivered: Path) -> None:
    path = delivered / "src/wordcount/counting.py"
    path.write_text(path.read_text("utf-8") + "\n\nraise SystemExit(0)\n", "utf-8")
    assert [line for line in _judged(delivered) if line.startswith("acceptance: ")]


@pytest.mark.long
def test_a_contract_test_that_nobody_meant_is_a_complaint(delivered: Path) -> None:
    path = delivered / "tests/test_counting.py"
    path.write_text("def test_nothing() -> None:\n    assert True\n", "utf-8")
    assert _judged(delivered) == ["wrong contract landed: tests/test_counting.py"]


@pytest.mark.long
def test_a_build_that_says_done_and_is_not_is_a_false_done(tmp_path: Path) -> None:
    harness = _harness()
    (project,) = harness.projects([], ["word-count"])

    class Lying(harness.Bench):  # type: ignore[name-defined,misc]
        def _build(self, case: object, out: Path) -> tuple[int, str]:
            (out / "tests").mkdir(parents=True)
            return 0, "done"

    verdict = Lying(tmp_path).judge(harness.Case(project, "preset", "preset", ""))
    assert verdict.state == "done"
    assert verdict.false_done


def test_every_fault_of_the_catalogue_is_a_case_and_the_quick_ones_exist() -> None:
    harness = _harness()
    every = {f"{role}:{kind}" for role, kinds in harness.KINDS.items() for kind in kinds}
    assert every >= harness.QUICK_FAULTS
    assert len(every) > 40
