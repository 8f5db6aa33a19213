"""Java without running it: javac's parser, its types, and what it warns of."""

import json
import os
import re
import sys
import time
from typing import Any

from .finding import Finding
from .java_ground import Jdk, Said, classes, java_files, look, read_jdk
from .project import Project, load
from .workcopy import TooLarge, enter_copy

FINDING_LIMIT = 60
_SECONDS = 110.0
_NO_JUNIT = "tests are not looked at by the compiler: the jars of JUnit are not here"
# What javac only warns of, and is a defect.
_BLOCKING = frozenset(
    {"compiler.warn.div.zero", "compiler.warn.empty.if", "compiler.warn.finally.cannot.complete", "compiler.warn.has.been.deprecated.for.removal"}
)  # fmt: skip
_NO_PACKAGE = "compiler.err.doesnt.exist"
# With a file that does not parse set aside, these may speak of what stands in it.
_MISSING = re.compile(r"compiler\.err\.(cant\.resolve|doesnt\.exist|cant\.apply)")


def main() -> None:
    """Read the request from stdin, look at a copy of the project, write the answer to stdout."""
    request = json.load(sys.stdin)
    jdk = read_jdk()
    project = load(os.getcwd())
    try:
        folder = enter_copy()
    except TooLarge as error:
        json.dump({"broken": str(error)}, sys.stdout)
        return
    json.dump(check(project, jdk, folder, request["stages"]), sys.stdout)


def check(project: Project, jdk: Jdk, folder: str, wanted: list[str]) -> dict[str, Any]:
    """Findings and seconds of each stage."""
    started = time.monotonic()
    files = java_files(project, tests=bool(jdk.jars))
    found: dict[str, list[Finding]] = {"syntax": [], "rules": [], "lint": [], "types": []}
    said = look(jdk, folder, files, classes(), load=False, seconds=_SECONDS) if files else []
    if isinstance(said, str):
        return {"broken": said}
    broken = {each.path for each in said if each.stage == "syntax"}
    for each in said:
        _judge(each, _about(each, broken), found)
    seconds = time.monotonic() - started
    note = "" if jdk.jars or len(files) == len(java_files(project, tests=True)) else _NO_JUNIT
    return {
        stage: {**_stage(found[stage], seconds), "skipped": note if stage == "types" else ""}
        for stage in wanted
    }


def _about(each: Said, broken: set[str]) -> bool:
    """Whether it speaks of what may stand in a file that does not parse."""
    names = {os.path.basename(path).removesuffix(".java") for path in broken}
    return bool(_MISSING.match(each.code)) and any(re.search(rf"\b{name}\b", each.words) for name in names)


def _judge(each: Said, broken: bool, found: dict[str, list[Finding]]) -> None:
    words = re.sub(r"\n\s*", "; ", each.words.strip())
    if each.stage == "syntax":
        found["syntax"].append(Finding(each.path, each.line, "syntax", words))
    elif each.kind != "ERROR":
        if each.path != ".":
            rule = each.code.removeprefix("compiler.warn.")
            found["lint"].append(
                Finding(each.path, each.line, rule, words, advice=each.code not in _BLOCKING)
            )
    elif not broken:
        rule = "unknown-package" if each.code == _NO_PACKAGE else "compile"
        found["types"].append(Finding(each.path if each.path != "." else "", each.line, rule, words))


def _stage(findings: list[Finding], seconds: float) -> dict[str, Any]:
    ordered = sorted(findings, key=lambda each: (each.advice, each.path, each.line))
    return {
        "findings": [each.to_json() for each in ordered[:FINDING_LIMIT]],
        "left_out": max(0, len(ordered) - FINDING_LIMIT),
        "seconds": round(seconds, 3),
    }
