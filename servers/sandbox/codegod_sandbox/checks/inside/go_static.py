"""Go without running it: gofmt, our own rules, vet."""

import json
import os
import re
import sys
import time
from collections.abc import Iterator
from typing import Any

from .finding import Finding
from .go_ground import TEST_FUNCTION, Toolchain, modules_of, places, read_toolchain
from .project import Project, Source, load
from .workcopy import TooLarge, enter_copy

FINDING_LIMIT = 60
_SECONDS = 90
_STUB = re.compile(
    r'\bpanic\(\s*(fmt\.Sprintf\(|errors\.New\()?\s*["`]\s*(TODO\W+)?not (yet )?implemented', re.IGNORECASE
)
_EMPTY = re.compile(r"^func (\([^)]*\) )?([A-Z]\w*)\([^)]*\)[^{\n]*\{\s*\}", re.MULTILINE)
_SQL = re.compile(
    r"\.(Query|QueryRow|Exec|Prepare)(Context)?\([^\n]*(fmt\.Sprintf\(|[\"`]\s*\+)", re.MULTILINE
)
_SQL_VALUE = re.compile(
    r"(=|<|>|'|\bLIKE|\bVALUES\s*\(|\bIN\s*\()\s*'?\s*(%[svdq]|[\"`]\s*\+)", re.IGNORECASE
)
_CHECKS = re.compile(
    r"\b\w+\.(Error|Errorf|Fatal|Fatalf|Fail|FailNow|Run|Skip\w*)\(|\b(assert|require|expect|check|must|verify)\w*[.(]|\(t,",
    re.IGNORECASE,
)
_SKIPPED = re.compile(r"^\s*t\.Skip(f|Now)?\(", re.MULTILINE)
_FORGOTTEN = re.compile(r"^\s*_\s*=\s*err\b", re.MULTILINE)
_NO_PACKAGE = re.compile(
    r"is not in std|no required module|cannot find module providing|module lookup disabled"
)
# Messages of vet that come from the compiler: the code does not hold together.
_TYPE_STAGE, _LINT_STAGE = "types", "lint"


def main() -> None:
    """Read the request from stdin, look at a copy of the project, write the answer to stdout."""
    request = json.load(sys.stdin)
    toolchain = read_toolchain()
    project = load(os.getcwd())
    try:
        folder = enter_copy()
    except TooLarge as error:
        json.dump({"broken": str(error)}, sys.stdout)
        return
    json.dump(check(project, toolchain, folder, request["stages"]), sys.stdout)


def check(project: Project, toolchain: Toolchain, folder: str, wanted: list[str]) -> dict[str, Any]:
    """Findings and seconds of each stage."""
    started = time.monotonic()
    found: dict[str, list[Finding]] = {"syntax": [], "rules": [], "lint": [], "types": []}
    files = [source for source in project.sources.values() if source.name.endswith(".go")]
    broken = _gofmt(toolchain, folder, files, found)
    seconds = {"syntax": time.monotonic() - started}
    for source in files:
        found["rules"] += _rules(source)
    # A file that does not parse is set aside: it would be all that the compiler speaks of.
    for path in broken:
        os.remove(os.path.join(folder, path))
    if "types" in wanted or "lint" in wanted:
        for module in modules_of(project, folder):
            _vet(toolchain, folder, module, broken, found)
    seconds["types"] = seconds["lint"] = time.monotonic() - started
    return {stage: _stage(found[stage], seconds.get(stage, 0.0)) for stage in wanted}


def _gofmt(
    toolchain: Toolchain, folder: str, files: list[Source], found: dict[str, list[Finding]]
) -> set[str]:
    """Files that do not parse; those that are laid out otherwise than everybody's are told."""
    if not files:
        return set()
    code, output, errors = toolchain.run(
        folder, "gofmt", "-l", "-e", *(each.path for each in files), seconds=_SECONDS
    )
    broken: set[str] = set()
    for path, line, message in places(errors, ""):
        if path not in broken:
            broken.add(path)
            found["syntax"].append(Finding(path, line, "syntax", message))
    if code and not broken and not output:
        found["syntax"].append(Finding("", 0, "syntax", f"gofmt failed: {errors.strip()[-200:]}"))
    for path in output.splitlines():
        found["lint"].append(
            Finding(path, 1, "gofmt", "The file is not laid out as gofmt does.", advice=True)
        )
    return broken


def _vet(
    toolchain: Toolchain, folder: str, module: str, broken: set[str], found: dict[str, list[Finding]]
) -> None:
    code, _, errors = toolchain.run(os.path.join(folder, module), "vet", "./...", seconds=_SECONDS)
    if code == 0:
        return
    by_compiler = False
    told = 0
    for line in errors.splitlines():
        if line.startswith("#"):
            # `# package` heads what the compiler says, `# [package]` what vet says.
            by_compiler = not line.startswith("# [")
            continue
        for path, number, message in places(line, module):
            rule = "vet"
            if _NO_PACKAGE.search(message):
                rule = "unknown-package"
                message = f"{message}. If there is such a module, require it in go.mod; if not, write the code without it."
            elif by_compiler or line.startswith("vet: "):
                rule = "compile"
            stage = _LINT_STAGE if rule == "vet" else _TYPE_STAGE
            if broken and rule == "compile" and message.startswith("undefined:"):
                continue  # it may stand in the file that was set aside
            found[stage].append(Finding(path, number, rule, message))
            told += 1
    if not told and not broken:
        found["types"].append(Finding(os.path.join(module, "go.mod"), 0, "compile", errors.strip()[-300:]))


def _rules(source: Source) -> Iterator[Finding]:
    text = source.text
    if source.name.endswith("_test.go"):
        yield from _test_rules(source)
        return
    for match in _STUB.finditer(text):
        yield Finding(
            source.path,
            _line(text, match),
            "placeholder",
            'This panics with "not implemented": write the code that does what it promises.',
        )
    for match in _EMPTY.finditer(text):
        yield Finding(
            source.path,
            _line(text, match),
            "placeholder",
            f"`{match[2]}` has an empty body: write the code that does what it promises.",
        )
    for match in _SQL.finditer(text):
        line = text[match.start() : text.find("\n", match.start())]
        if _SQL_VALUE.search(line) and re.search(r"\b(SELECT|INSERT|UPDATE|DELETE)\b", line, re.IGNORECASE):
            message = "A value is written into SQL text: use a placeholder and pass the value apart."
            yield Finding(source.path, _line(text, match), "sql-injection", message)
    for match in _FORGOTTEN.finditer(text):
        yield Finding(
            source.path, _line(text, match), "error-ignored", "The error is thrown away: return or handle it."
        )


def _test_rules(source: Source) -> Iterator[Finding]:
    text = source.text
    for match in TEST_FUNCTION.finditer(text):
        end = text.find("\n}", match.end())
        body = text[match.end() : end if end > 0 else len(text)]
        if not _CHECKS.search(body):
            yield Finding(
                source.path,
                _line(text, match),
                "no-assertion",
                f"`{match[1]}` checks nothing: call `t.Fatal` or `t.Error` when it is wrong.",
            )
    for match in _SKIPPED.finditer(text):
        yield Finding(
            source.path, _line(text, match), "skipped-test", "The test is skipped: remove the call."
        )


def _line(text: str, match: "re.Match[str]") -> int:
    return text.count("\n", 0, match.start() + len(match[0]) - len(match[0].lstrip())) + 1


def _stage(findings: list[Finding], seconds: float) -> dict[str, Any]:
    ordered = sorted(findings, key=lambda each: (each.advice, each.path, each.line))
    return {
        "findings": [each.to_json() for each in ordered[:FINDING_LIMIT]],
        "left_out": max(0, len(ordered) - FINDING_LIMIT),
        "seconds": round(seconds, 3),
    }
