"""The command `codegod` with one of its mechanisms taken out, to see what that mechanism is worth.

    uv run python bench/ablated.py no_resample build "…" --out DIR

Only for measurements: nothing of this can be switched off in the product.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

import codegod_orchestrator.build as build_module
from codegod_mesh.view import View
from codegod_orchestrator.attempts import TaskRunner
from codegod_orchestrator.doors.cli import main
from codegod_orchestrator.ladder import REPAIRS_PER_TRY, Rung
from codegod_orchestrator.redgreen import Red

STATIC = ["syntax", "rules", "lint", "types", "imports"]


def no_checks() -> None:
    """Tests alone judge an answer."""
    _stages(["tests"])


def no_contract_tests() -> None:
    """Static checks alone judge an answer; no contract test has to pass."""
    _stages(STATIC)
    Red.of = lambda self, task: ()  # type: ignore[method-assign]


def no_resample() -> None:
    """Every rung repairs its answer, and never writes a fresh one."""
    Rung.__init__.__defaults__ = (REPAIRS_PER_TRY, 0)


def no_amendment() -> None:
    """The contract is right by definition, and so is the plan."""

    def runner(**given: Any) -> TaskRunner:
        return TaskRunner(**{**given, "reviewers": ()})

    vars(build_module)["TaskRunner"] = runner


def _stages(stages: list[str]) -> None:
    """Checks of answers run `stages` alone; those of the contract, which name their stages, stay as they are."""
    original = View.call

    async def call(self: View, name: str, arguments: Mapping[str, Any], *, within: float = 60) -> Any:
        if name in {"sandbox.check_run", "sandbox__check_run"} and not arguments.get("stages"):
            arguments = {**arguments, "stages": stages}
        return await original(self, name, arguments, within=within)

    View.call = call  # type: ignore[method-assign]


ABLATIONS: Mapping[str, Callable[[], None]] = {
    "no_checks": no_checks,
    "no_contract_tests": no_contract_tests,
    "no_resample": no_resample,
    "no_amendment": no_amendment,
}


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in ABLATIONS:
        sys.exit(f"usage: ablated.py {{{','.join(ABLATIONS)}}} COMMAND …")
    ABLATIONS[sys.argv[1]]()
    sys.exit(main(sys.argv[2:]))
