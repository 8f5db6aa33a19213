"""Run Go's tests, each to its own end: one that panics ends its process, and the others are run in another."""

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from typing import Any

from .go_ground import TEST_FUNCTION, Toolchain, modules_of, places, read_toolchain
from .project import Project, load
from .report import Report, read_request
from .workcopy import TooLarge, enter_copy

_RUN = re.compile(r"^=== RUN\s+(\S+)")
_ENDED = re.compile(r"^--- (PASS|FAIL|SKIP): (\S+)")
_PANIC = re.compile(r"^panic: (.*)")
_STUB = re.compile(r"^\W*(TODO\W+)?not (yet )?implemented\b", re.IGNORECASE)
_FRAME = re.compile(r"^\s+(/\S+\.go):(\d+)")
_SAID_AT = re.compile(r"^\s+(\w+_test\.go):(\d+): (.*)")
_PASSED = {"line": 0, "outcome": "passed", "reason": "", "message": ""}
_MARGIN_SECONDS = 3.0
_MESSAGE_CHARS = 600
_OUTPUT_BYTES = 4 << 20


def main() -> None:
    """Run what the request names, and tell each outcome."""
    request = read_request()
    report = Report(request["nonce"])
    toolchain = read_toolchain()
    project = load(os.getcwd())
    try:
        folder = enter_copy()
    except TooLarge as error:
        report.write("broken", message=str(error))
        os._exit(0)
    deadline = time.monotonic() + max(2.0, request["seconds"] - _MARGIN_SECONDS)
    wanted = _wanted(request["tests"], project, report)
    bad = told = 0
    modules = modules_of(project, folder)
    for package in sorted({path.rpartition("/")[0] for path, _ in wanted}):
        tests: dict[str, list[str]] = {}
        for path, name in sorted(wanted):
            if path.rpartition("/")[0] == package:
                tests.setdefault(name, []).append(path)
                report.write("collected", id=f"{path}::{name}")
        module = max(
            (each for each in modules if package == each or package.startswith(f"{each}/") or not each),
            key=len,
            default="",
        )
        for each in _package(toolchain, folder, module, package, tests, request["test_seconds"], deadline):
            told += 1
            bad += each["outcome"] not in ("passed", "skipped")
            report.write("test", **each)
    code = 1 if bad else 0 if told else 5
    report.write("end", code=code)
    os._exit(code)


def _wanted(tests: list[str], project: Project, report: Report) -> set[tuple[str, str]]:
    """File and name of each wanted test."""
    found: set[tuple[str, str]] = set()
    for test in tests:
        path, _, name = test.partition("::")
        here = {
            (source.path, each)
            for source in project.sources.values()
            if source.name.endswith("_test.go")
            and (path == "." or source.path == path or source.path.startswith(f"{path}/"))
            for each in TEST_FUNCTION.findall(source.text)
            if not name or each == name
        }
        if not here and path != ".":
            report.write("absent", id=test)
        found |= here
    return found


def _package(
    toolchain: Toolchain,
    folder: str,
    module: str,
    package: str,
    tests: dict[str, list[str]],
    each: float,
    deadline: float,
) -> Iterator[dict[str, Any]]:
    program = os.path.join(tempfile.mkdtemp(), "tests")
    place = os.path.join(folder, module)
    inside = "./" + os.path.relpath(os.path.join(folder, package), place)
    code, output, errors = toolchain.run(
        place, "test", "-c", "-vet=off", "-o", program, inside, seconds=max(1.0, deadline - time.monotonic())
    )
    if code or not os.path.exists(program):
        yield from _not_built(tests, module, f"{output}\n{errors}")
        return
    here = os.path.join(folder, package)
    code, seen = _once(toolchain, program, here, tests, each, deadline)
    for name, paths in tests.items():
        # Together they passed only when their process ended well. What one of them prints could speak for another, so
        # otherwise each has a process of its own, whose exit code tells.
        if code and time.monotonic() < deadline:
            seen |= _once(toolchain, program, here, {name: paths}, each, deadline)[1]
        elif code:
            seen.pop(name, None)
        # A package and its tests' package may use one name twice: one outcome, the worst, is that of both.
        for path in paths:
            yield {"id": f"{path}::{name}", "path": path, **seen.get(name, _unrun(deadline))}


def _unrun(deadline: float) -> dict[str, Any]:
    reason = "timeout" if time.monotonic() >= deadline else "error"
    return {"line": 0, "outcome": reason, "reason": reason, "message": "It did not run."}


def _not_built(tests: dict[str, list[str]], module: str, said: str) -> Iterator[dict[str, Any]]:
    told = places(said, module)
    path, line, message = told[0] if told else ("", 0, said.strip()[-300:])
    foreign = re.search(
        r"undefined:|is not in std|no required module|could not import|has no field or method", said
    )
    for name, file in ((name, file) for name, files in tests.items() for file in files):
        yield {
            "id": f"{file}::{name}", "path": path or file, "line": line, "outcome": "error",
            "reason": "import" if foreign else "collection", "message": f"The tests cannot be built: {message}",
        }  # fmt: skip


def _once(
    toolchain: Toolchain, program: str, folder: str, tests: dict[str, list[str]], each: float, deadline: float
) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code, and the tests that came to an end, or brought the process to its own."""
    pattern = f"^({'|'.join(tests)})$"
    seconds = min(each, max(1.0, deadline - time.monotonic()))
    command = [
        program,
        "-test.v",
        "-test.paniconexit0",
        f"-test.run={pattern}",
        f"-test.timeout={seconds:.0f}s",
    ]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command, cwd=folder, env=toolchain.environment(), stdin=subprocess.DEVNULL, stdout=said,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        late = False
        try:
            process.wait(seconds + 2)
        except subprocess.TimeoutExpired:
            late = True
            os.killpg(process.pid, 9)
            process.wait()
        said.seek(0)
        lines = said.read(_OUTPUT_BYTES).decode(errors="replace").splitlines()
    return process.returncode, _read(lines, tests, folder, late=late, code=process.returncode)


def _read(
    lines: list[str], tests: dict[str, list[str]], folder: str, *, late: bool, code: int
) -> dict[str, dict[str, Any]]:
    seen: dict[str, dict[str, Any]] = {}
    running, said, panic = "", [""], -1
    begun: dict[str, int] = {}
    ended: dict[str, int] = {}
    for number, line in enumerate(lines):
        if match := _RUN.match(line):
            if "/" not in match[1]:
                running, said = match[1], []
                begun[running] = begun.get(running, 0) + 1
        elif match := _ENDED.match(line):
            name = match[2]
            ended[name] = ended.get(name, 0) + 1
            if name in tests:
                # Of two tests with one name, the first that fails counts.
                if seen.get(name, _PASSED) == _PASSED:
                    seen[name] = _result(match[1], said)
                running = "" if name == running else running
        elif panic < 0 and _PANIC.match(line):
            panic = number
            break
        elif not line.startswith(("=== ", "    --- ")):
            said.append(line)
    # After `--- FAIL`, a panic is told: the test that it ended is the one that it is about.
    if panic >= 0:
        name = running or next(reversed(seen), "")
        if name in tests:
            seen[name] = _panicked(lines[panic:], folder)
    elif running in tests:
        reason = "timeout" if late else "error"
        seen[running] = {
            "line": 0,
            "outcome": reason,
            "reason": reason,
            "message": f"The process ended in this test (exit {code}).",
        }
    for name in tests:
        if ended.get(name, 0) > begun.get(name, 0) and seen.get(name, _PASSED) == _PASSED:
            message = "It prints a line that only the test runner writes: print something else."
            seen[name] = {"line": 0, "outcome": "error", "reason": "error", "message": message}
    if code and all(each["outcome"] in ("passed", "skipped") for each in seen.values()):
        # Something ended it badly that no test tells of: their words are not believed.
        message = f"The tests passed, and their process ended with exit {code}."
        return {name: {"line": 0, "outcome": "error", "reason": "error", "message": message} for name in seen}
    return seen


def _result(word: str, said: list[str]) -> dict[str, Any]:
    if word == "PASS":
        return dict(_PASSED)
    if word == "SKIP":
        return {"line": 0, "outcome": "skipped", "reason": "", "message": ""}
    line = next((int(match[2]) for each in said if (match := _SAID_AT.match(each))), 0)
    words = "\n".join(each.strip() for each in said if each.strip())[:_MESSAGE_CHARS]
    return {"line": line, "outcome": "failed", "reason": "assertion", "message": words or "It failed."}


def _panicked(lines: list[str], folder: str) -> dict[str, Any]:
    match = _PANIC.match(lines[0])
    said = re.sub(r" \[recovered.*", "", match[1] if match else "")
    if "test timed out" in said:
        return {"line": 0, "outcome": "timeout", "reason": "timeout", "message": said[:_MESSAGE_CHARS]}
    frames = [
        found
        for line in lines
        if (found := _FRAME.match(line)) and found[1].startswith(os.path.dirname(folder) or "/")
    ]
    ours = [found for found in frames if "/gomod/" not in found[1]]
    in_test = bool(ours) and ours[0][1].endswith("_test.go")
    words = said.removeprefix('&errors.errorString{s:"').strip('"')
    reason = "stub" if _STUB.search(words) and not in_test else "error"
    line = int(ours[0][2]) if ours and in_test else 0
    return {
        "line": line,
        "outcome": "failed",
        "reason": reason,
        "message": f"panic: {words}"[:_MESSAGE_CHARS],
    }
