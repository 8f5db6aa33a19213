"""JavaScript and TypeScript without running them: our own look through TypeScript's eyes, and oxlint beside it."""

import json
import os
import subprocess
import sys
import tempfile
import time
from typing import Any

from .finding import Finding
from .node_ground import SCRIPT, TEST_FILE, Ground, declared, installed, link_packages, manifests, read_ground
from .project import Project, load
from .workcopy import TooLarge, enter_copy

FINDING_LIMIT = 60
_SECONDS = 90
# Those that name a defect, not a taste; what TypeScript says already is left out.
_BLOCKING = """
constructor-super for-direction getter-return no-async-promise-executor no-class-assign no-compare-neg-zero no-cond-assign
no-const-assign no-constant-binary-expression no-debugger no-delete-var no-dupe-class-members no-dupe-else-if no-dupe-keys
no-duplicate-case no-empty no-empty-character-class no-empty-pattern no-eval no-ex-assign no-func-assign no-global-assign
no-implied-eval no-import-assign no-invalid-regexp no-loss-of-precision no-new-func no-new-native-nonconstructor no-obj-calls
no-script-url no-self-assign no-self-compare no-setter-return no-shadow-restricted-names no-sparse-arrays no-this-before-super
no-throw-literal no-unreachable no-unsafe-finally no-unsafe-negation no-unsafe-optional-chaining no-unused-labels
no-useless-catch no-var no-with require-yield use-isnan valid-typeof
"""
BLOCKING = _BLOCKING.split()
ADVICE = [
    "no-unused-vars",
    "prefer-const",
    "typescript/no-explicit-any",
    "typescript/no-non-null-assertion",
]
_HINTS = {
    "no-empty": "Handle the error, or say in a comment why nothing is to be done.",
    "no-eval": "Parse the value instead.",
    "no-var": "Use `const` or `let`.",
}


def main() -> None:
    """Read the request from stdin, look at a copy of the project, write the answer to stdout."""
    request = json.load(sys.stdin)
    ground = read_ground()
    project = load(os.getcwd())
    try:
        folder = enter_copy()
    except TooLarge as error:
        json.dump({"broken": str(error)}, sys.stdout)
        return
    link_packages(ground, folder)
    json.dump(check(project, ground, folder, request["stages"]), sys.stdout)


def check(project: Project, ground: Ground, folder: str, wanted: list[str]) -> dict[str, Any]:
    """Findings and seconds of each stage."""
    started = time.monotonic()
    files = sorted(path for path in project.sources)
    scripts = [path for path in files if SCRIPT.search(path)]
    oxlint = _start_oxlint(ground, folder, scripts) if "lint" in wanted and scripts else None
    said = _static(project, ground, folder, files)
    if isinstance(said, str):
        return {"broken": said}
    found, timed, broken = said["found"], said["timed"], set(said["broken"])
    if oxlint is not None:
        found["lint"] += _read_oxlint(oxlint, broken)
        timed["lint"] = time.monotonic() - started
    return {
        stage: _stage(
            [each for each in found[stage] if not each["path"] or each["path"] in project.sources],
            timed.get(stage, 0.0),
        )
        for stage in wanted
    }


def _static(project: Project, ground: Ground, folder: str, files: list[str]) -> dict[str, Any] | str:
    documents = manifests(project)
    asked = {
        "files": files,
        "packages": declared(documents) if documents else None,
        "installed": installed(ground),
    }
    try:
        done = subprocess.run(
            [ground.node, os.path.join(ground.scripts, "static.mjs"), ground.kit],
            cwd=folder, input=json.dumps(asked).encode(), capture_output=True, timeout=_SECONDS, check=False,
        )  # fmt: skip
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer
    except subprocess.TimeoutExpired:
        return f"the checks did not end within {_SECONDS} s"
    except ValueError:
        return f"the checks fell over: {done.stderr.decode(errors='replace').strip()[-300:]}"


def _start_oxlint(ground: Ground, folder: str, scripts: list[str]) -> "subprocess.Popen[bytes]":
    rules: dict[str, Any] = dict.fromkeys(BLOCKING, "error") | dict.fromkeys(ADVICE, "warn")
    rules["eqeqeq"] = ["error", "smart"]
    rules["no-cond-assign"] = ["error", "except-parens"]
    settings = {
        "plugins": ["eslint", "typescript", "oxc"],
        "categories": {"correctness": "off"},
        "rules": rules,
    }
    with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False, encoding="utf-8") as file:
        json.dump(settings, file)
    options = ["-f", "json", "-c", file.name, "--disable-nested-config", "--no-ignore", "--threads=2"]
    return subprocess.Popen(
        [ground.node, ground.tool("oxlint/bin/oxlint"), *options, *scripts],
        cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def _read_oxlint(process: "subprocess.Popen[bytes]", broken: set[str]) -> list[dict[str, Any]]:
    try:
        output, errors = process.communicate(timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        output, errors = b"", f"it did not end within {_SECONDS} s".encode()
    try:
        diagnostics = json.loads(output)["diagnostics"]
    except (ValueError, LookupError):
        said = (errors or output).decode(errors="replace").strip()[-200:]
        message = f"oxlint failed: {said}"
        return [Finding("", 0, "unchecked", message).to_json()]
    found = []
    for each in diagnostics:
        path = os.path.normpath(each["filename"])
        rule = each.get("code", "").partition("(")[2].rstrip(")") or each.get("code", "")
        if path in broken or not each.get("labels"):
            continue
        line = each["labels"][0]["span"]["line"]
        advice = each["severity"] != "error" or (
            rule in ("no-empty", "no-self-compare") and bool(TEST_FILE.search(path))
        )
        message = f"{each['message'].rstrip('.')}. {_HINTS.get(rule, each.get('help') or '')}".strip()
        found.append(Finding(path, line, rule, message, advice).to_json())
    return found


def _stage(findings: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
    ordered = sorted(findings, key=lambda each: (each["advice"], each["path"], each["line"]))
    return {
        "findings": ordered[:FINDING_LIMIT],
        "left_out": max(0, len(ordered) - FINDING_LIMIT),
        "seconds": round(seconds, 3),
    }
