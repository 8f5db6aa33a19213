"""Tests of JavaScript under vitest or jest."""

import json
import os
import tempfile
from collections.abc import Iterator
from typing import Any

from .node_ground import Ground, quietly
from .script_failures import failed


def run_framework(
    ground: Ground, runner: str, folder: str, files: list[str], seconds: float, each: float
) -> tuple[int, str, list[dict[str, Any]]]:
    """Exit code, what was said, and the tests of `files`."""
    output = os.path.join(tempfile.mkdtemp(), "report.json")
    program = os.path.join(ground.modules, runner, "vitest.mjs" if runner == "vitest" else "bin/jest.js")
    milliseconds = int(each * 1000)
    if runner == "vitest":
        options = [
            "run",
            "--reporter=json",
            f"--outputFile={output}",
            f"--testTimeout={milliseconds}",
            "--no-color",
        ]
        options += ["--allowOnly=false", "--no-file-parallelism"]
    else:
        options = [
            "--json",
            f"--outputFile={output}",
            f"--testTimeout={milliseconds}",
            "--ci",
            "--no-color",
            "--watchman=false",
        ]
        options += ["--runInBand", "--runTestsByPath"]
    # Its own loaders read TypeScript; ours would stand in their way.
    code, said = quietly([ground.node, program, *options, *files], folder, seconds)
    try:
        with open(output, encoding="utf-8") as file:
            document = json.load(file)
    except (OSError, ValueError):
        return (code or 1), said, []
    return code, said, list(framework_tests(document, folder))


def package_name(folder: str) -> str:
    """What the package in a folder calls itself."""
    try:
        with open(os.path.join(folder, "package.json"), encoding="utf-8") as file:
            return str(json.load(file)["name"])
    except (OSError, ValueError, LookupError, TypeError):
        return "unknown"


def framework_tests(document: dict[str, Any], folder: str) -> Iterator[dict[str, Any]]:
    """The tests of the report that both write."""
    for file in document.get("testResults", []):
        path = os.path.relpath(os.path.realpath(file["name"]), folder)
        results = file.get("assertionResults", [])
        if not results:
            said = str(file.get("message") or "No test was found in this file.")
            yield {
                "id": path,
                "path": path,
                "line": 0,
                "path_only": True,
                **failed(said, said, folder, alone=True, hook=False),
            }
        for each in results:
            name = "::".join([path, *each.get("ancestorTitles", []), each.get("title", "")])
            line = (each.get("location") or {}).get("line", 0)
            base = {"id": name, "path": path, "line": line, "path_only": False}
            if each["status"] == "passed":
                yield {**base, "outcome": "passed", "reason": "", "message": ""}
            elif each["status"] == "failed":
                said = "\n".join(str(one) for one in each.get("failureMessages") or ["it failed"])
                yield {**base, **failed(said, said, folder, alone=False, hook=False)}
            else:
                yield {**base, "outcome": "skipped", "reason": "", "message": ""}
