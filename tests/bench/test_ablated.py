"""What is taken out for a measurement is really out: an ablation that misses its mark would measure nothing."""

import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from bench.cases import ABLATIONS

from codegod_orchestrator.allocation import tools_of_task
from codegod_orchestrator.attempts import TaskRunner

ROOT = Path(__file__).parents[2]


# Each one on top of those before it, in a process of its own: they change the product where it stands.
PROGRAM = """
import codegod_orchestrator.build as build
from codegod_mesh.view import View
from codegod_orchestrator.ladder import Rung
from codegod_orchestrator.redgreen import Red
from bench.ablated import ABLATIONS

whole, runner = View.call, vars(build)["TaskRunner"]
ABLATIONS["no_checks"]()
tests_alone = View.call
assert tests_alone is not whole
ABLATIONS["no_contract_tests"]()
assert View.call is not tests_alone
assert Red.of(None, None) == ()
ABLATIONS["no_resample"]()
assert (Rung("m").resamples, Rung("m").repairs) == (0, 2)
ABLATIONS["no_amendment"]()
assert vars(build)["TaskRunner"] is not runner
print(sorted(ABLATIONS))
"""


@pytest.mark.long
def test_each_ablation_takes_its_part_out() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{sorted(ABLATIONS)}\n"


def test_the_parts_still_have_the_names_that_ablations_know_them_by() -> None:
    assert "reviewers" in {field.name for field in fields(TaskRunner)}
    assert "sandbox.check_run" in tools_of_task("backend")
