"""Everything that can be said without running the project: one process for syntax, rules, lint and types."""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from .finding import Finding
from .project import load
from .rules import check_rules
from .syntax import check_syntax
from .validators import Running, ValidatorBroken, read_ruff, read_ty, start_ruff, start_ty

# A small model acts on the first ten; the rest only says how bad it is.
FINDING_LIMIT = 60


def main() -> None:
    """Read the request from stdin, look at the project in the working directory, write the answer to stdout."""
    tools, env = sys.argv[2:4]
    json.dump(check(os.getcwd(), json.load(sys.stdin), tools, env), sys.stdout)


def check(folder: str, request: dict[str, Any], tools: str, env: str) -> dict[str, Any]:
    """The wanted stages: for each its findings, seconds, and why it was not done when it was not.

    `tools` is the folder of ruff and ty, `env` that of the prepared environment, empty when there is none.
    """
    wanted: list[str] = request["stages"]
    started = time.monotonic()
    project = load(folder)
    answer: dict[str, Any] = {}
    running: dict[str, Running | str] = {}
    if project.parsed and "lint" in wanted:
        running["lint"] = _try(lambda: start_ruff(tools, folder, project))
    if project.parsed and "types" in wanted:
        running["types"] = _try(lambda: start_ty(tools, folder, project, env))
    if "syntax" in wanted:
        answer["syntax"] = _stage([*project.unread, *check_syntax(project)], started)
    if "rules" in wanted:
        answer["rules"] = _stage(check_rules(project, request["baseline"], _installed(env)), started)
    if "lint" in wanted:
        answer["lint"] = _validated(running.get("lint"), lambda each: read_ruff(each, project), started)
    if "types" in wanted:
        answer["types"] = _validated(running.get("types"), lambda each: read_ty(each, project, env), started)
    return answer


def _try(start: Callable[[], Running]) -> Running | str:
    try:
        return start()
    except ValidatorBroken as error:
        return str(error)


def _validated(
    running: Running | str | None, read: Callable[[Running], list[Finding]], started: float
) -> dict[str, Any]:
    if isinstance(running, str):
        return {**_stage([], started), "skipped": running}
    if running is None:
        return {**_stage([], started), "skipped": "there is no Python file that parses"}
    try:
        return _stage(read(running), started)
    except ValidatorBroken as error:
        return {**_stage([], started), "skipped": str(error)}


def _stage(findings: list[Finding], started: float) -> dict[str, Any]:
    ordered = sorted(findings, key=lambda each: (each.advice, each.path, each.line))
    return {
        "findings": [finding.to_json() for finding in ordered[:FINDING_LIMIT]],
        "left_out": max(0, len(ordered) - FINDING_LIMIT),
        "seconds": round(time.monotonic() - started, 3),
    }


def _installed(env: str) -> frozenset[str] | None:
    """Top-level names that the environment offers for import, None when there is no environment."""
    if not env:
        return None
    names: set[str] = set()
    for version in os.listdir(os.path.join(env, "lib")):
        packages = os.path.join(env, "lib", version, "site-packages")
        if os.path.isdir(packages):
            names |= {name.split(".")[0] for name in os.listdir(packages)}
    return frozenset(names)
