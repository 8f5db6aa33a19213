"""Rust without running it: rustfmt's parser and layout, the compiler's types, clippy's lints."""

import json
import os
import re
import sys
import time
from typing import Any

from .finding import Finding
from .project import Project, load
from .rust_ground import (
    MANIFEST,
    Cargo,
    Place,
    leave_out_settings,
    messages,
    places_of,
    primary,
    read_cargo,
    told,
)
from .workcopy import TooLarge, enter_copy

FINDING_LIMIT = 60
_SECONDS = 110.0
_PARSE_SECONDS = 20.0
_EDITION = "2021"
# What the compiler only warns of, and is a defect: a result that nobody looks at, a function that calls itself for ever.
_BLOCKING = frozenset(
    {"unused_must_use", "unconditional_recursion", "unreachable_patterns", "clippy::let_underscore_must_use"}
)
_LINTS = ("-W", "clippy::suspicious", "-D", "clippy::correctness", "-W", "clippy::unwrap_in_result")
# With a file that does not parse set aside, these may speak of what stands in it.
_MISSING = frozenset(
    {"E0405", "E0412", "E0422", "E0423", "E0424", "E0425", "E0432", "E0433", "E0583", "E0599"}
)
_NO_CRATE = re.compile(
    r"unresolved module or unlinked crate|undeclared crate|can't find crate|unresolved import `(\w+)`"
)
_NOT_THERE = re.compile(r"no matching package|failed to (get|select|load source)|offline")


def main() -> None:
    """Read the request from stdin, look at a copy of the project, write the answer to stdout."""
    request = json.load(sys.stdin)
    cargo = read_cargo()
    project = load(os.getcwd())
    try:
        folder = enter_copy()
    except TooLarge as error:
        json.dump({"broken": str(error)}, sys.stdout)
        return
    leave_out_settings(folder)
    json.dump(check(project, cargo, folder, request["stages"]), sys.stdout)


def check(project: Project, cargo: Cargo, folder: str, wanted: list[str]) -> dict[str, Any]:
    """Findings and seconds of each stage."""
    started = time.monotonic()
    found: dict[str, list[Finding]] = {"syntax": [], "rules": [], "lint": [], "types": []}
    broken = _parse(cargo, project, folder, found)
    seconds = {"syntax": time.monotonic() - started}
    for path in broken:
        with open(os.path.join(folder, path), "wb"):
            pass  # empty from here on: all that the compiler said would be about it
    skipped: dict[str, str] = {}
    if "types" in wanted or "lint" in wanted:
        places = places_of(cargo, project, folder)
        if not places:
            skipped = dict.fromkeys(
                ("types", "lint"), f"Rust: without a {MANIFEST} only the syntax is looked at"
            )
        elif not cargo.has("cargo-clippy"):
            skipped["lint"] = "Rust is not linted: clippy is not installed here (rustup component add clippy)"
        for place in places:
            here = any(not place.folder or path.startswith(f"{place.folder}/") for path in broken)
            _compile(cargo, place, folder, here, found)
    if not cargo.has("rustfmt"):
        skipped["syntax"] = "Rust: rustfmt is not installed here, so the compiler alone looks at the syntax"
    seconds["types"] = seconds["lint"] = time.monotonic() - started
    return {
        stage: {**_stage(found[stage], seconds.get(stage, 0.0)), "skipped": skipped.get(stage, "")}
        for stage in wanted
    }


def _parse(cargo: Cargo, project: Project, folder: str, found: dict[str, list[Finding]]) -> set[str]:
    """Files that do not parse; those that are laid out otherwise than everybody's are told."""
    broken: set[str] = set()
    if not cargo.has("rustfmt"):
        return broken
    for source in project.sources.values():
        if not source.name.endswith(".rs"):
            continue
        options = ("--edition", _EDITION, "--emit", "stdout")
        code, laid, errors = cargo.run(
            folder, *options, seconds=_PARSE_SECONDS, said=source.content, program="rustfmt"
        )
        if code:
            said, line = _first_error(errors)
            broken.add(source.path)
            found["syntax"].append(Finding(source.path, line, "syntax", said))
        elif laid.encode() != source.content:
            message = "The file is not laid out as rustfmt does."
            found["lint"].append(Finding(source.path, 1, "rustfmt", message, advice=True))
    return broken


def _first_error(errors: str) -> tuple[str, int]:
    words = re.search(r"^error(?:\[\w+\])?: (.*)", errors, re.MULTILINE)
    place = re.search(r"--> <stdin>:(\d+):", errors)
    return (words[1] if words else errors.strip()[-200:]), int(place[1]) if place else 1


def _compile(cargo: Cargo, place: Place, folder: str, broken: bool, found: dict[str, list[Finding]]) -> None:
    manifest = os.path.join(place.folder, MANIFEST)
    if place.problem:
        found["types"].append(Finding(manifest, 0, "manifest", place.problem))
        return
    command = ("clippy", "check")[not cargo.has("cargo-clippy")]
    lints = ("--", *_LINTS) if command == "clippy" else ()
    options = ("--offline", "--workspace", "--all-targets", "--message-format=json", "--keep-going")
    code, output, errors = cargo.run(
        os.path.join(folder, place.folder), command, *options, *lints, seconds=_SECONDS
    )
    failed = False
    seen: set[tuple[str, int, str]] = set()
    for each in messages(output):
        if each.get("reason") == "compiler-message":
            failed = _judge(each["message"], folder, place.folder, broken, seen, found) or failed
    if code and not failed and not broken:
        said = told(errors, folder)
        rule = "unknown-package" if _NOT_THERE.search(said) else "compile"
        found["types"].append(Finding(manifest, 0, rule, said))


def _judge(
    message: dict[str, Any],
    folder: str,
    root: str,
    broken: bool,
    seen: set[tuple[str, int, str]],
    found: dict[str, list[Finding]],
) -> bool:
    """Tell one message of the compiler; whether it was an error."""
    code = str((message.get("code") or {}).get("code", ""))
    level = str(message["level"])
    if level not in ("error", "warning") or not message.get("spans"):
        return False
    path, line = primary(message, folder, root)
    if path.startswith("..") or (path, line, code) in seen:  # a target with tests says all of it twice
        return level == "error"
    seen.add((path, line, code))
    lint = "clippy::" in code or level == "warning"
    if broken and code in _MISSING:
        return True
    said = str(message["message"])
    helps = [each["message"] for each in message.get("children", ()) if each.get("level") == "help"]
    if lint:
        advice = level != "error" and code not in _BLOCKING
        found["lint"].append(Finding(path, line, code or "warning", ". ".join([said, *helps[:1]]), advice))
        return level == "error"
    rule = (
        "unknown-package"
        if code in ("E0432", "E0433", "E0463") and _no_crate(message, said)
        else code or "compile"
    )
    found["types"].append(Finding(path, line, rule, ". ".join([said, *helps[:1]])))
    return True


def _no_crate(message: dict[str, Any], said: str) -> bool:
    labels = " ".join(str(span.get("label") or "") for span in message["spans"])
    return bool(_NO_CRATE.search(labels) or _NO_CRATE.search(said)) and "crate" in f"{said} {labels}"


def _stage(findings: list[Finding], seconds: float) -> dict[str, Any]:
    ordered = sorted(findings, key=lambda each: (each.advice, each.path, each.line))
    return {
        "findings": [each.to_json() for each in ordered[:FINDING_LIMIT]],
        "left_out": max(0, len(ordered) - FINDING_LIMIT),
        "seconds": round(seconds, 3),
    }
