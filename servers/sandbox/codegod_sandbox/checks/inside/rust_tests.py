"""Run Rust's tests: all of a program at once, then each that did not pass in a process of its own.

What a test prints is never believed about its outcome. Those that ran together passed when their process ended well and
its last line counts exactly them; of every other the exit code of its own process tells.
"""

import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .project import Project, load
from .report import Report, read_request
from .rust_ground import (
    Cargo,
    Place,
    leave_out_settings,
    messages,
    metadata,
    places_of,
    primary,
    read_cargo,
    rust_files,
    told,
)
from .rust_source import RustFile, RustFunction
from .workcopy import TooLarge, enter_copy

_MARGIN_SECONDS = 3.0
_MESSAGE_CHARS = 600
_OUTPUT_BYTES = 2 << 20
_PASSED = {"line": 0, "outcome": "passed", "reason": "", "message": ""}
_FAILED_EXIT = 101  # of a test program with a test that failed
_LISTED = re.compile(r"^(\S.*): test$", re.MULTILINE)
_SUMMARY = re.compile(
    r"test result: ok\. (\d+) passed; 0 failed; (\d+) ignored; \d+ measured; \d+ filtered out;[^\n]*\s*\Z"
)
_PANIC = re.compile(
    r"^thread '[^\n]*' (?:\(\d+\) )?panicked at ([^\n]+?):(\d+):\d+:\n((?:[^\n]*\n?)*)", re.MULTILINE
)
_STUB = re.compile(r"^\W*not (yet )?implemented\b", re.IGNORECASE)
_ASSERTION = re.compile(
    r"^(assertion\b|note: test did not panic|[^\n]*did not panic as expected)", re.MULTILINE
)
_FOREIGN = frozenset({"E0405", "E0412", "E0425", "E0432", "E0433", "E0583", "E0599"})


@dataclass(frozen=True)
class Program:
    """A test program, the package it is of, and the file that its names begin in."""

    executable: str
    package: str
    root: str  # relative to the project


def main() -> None:
    """Run what the request names, and tell each outcome."""
    request = read_request()
    report = Report(request["nonce"])
    cargo = read_cargo()
    project = load(os.getcwd())
    try:
        folder = enter_copy()
    except TooLarge as error:
        report.write("broken", message=str(error))
        os._exit(0)
    leave_out_settings(folder)
    deadline = time.monotonic() + max(2.0, request["seconds"] - _MARGIN_SECONDS)
    wanted = _wanted(request["tests"], project, report)
    bad = told_of = 0
    seen: set[str] = set()
    for place in places_of(cargo, project, folder) if wanted else ():
        for each in _place(cargo, place, folder, wanted, request["test_seconds"], deadline):
            told_of += 1
            bad += each["outcome"] not in ("passed", "skipped")
            seen.add(each["id"])
            report.write("collected", id=each["id"])
            report.write("test", **each)
    for name, (_, function) in wanted.items():
        if name not in seen and not function.is_conditional:
            report.write("hidden", id=name)
    code = 1 if bad else 0 if told_of else 5
    report.write("end", code=code)
    os._exit(code)


def _wanted(tests: list[str], project: Project, report: Report) -> dict[str, tuple[RustFile, RustFunction]]:
    """The wanted tests by their ids."""
    every = {
        f"{file.path}::{test.title}": (file, test) for file in rust_files(project) for test in file.tests
    }
    found: dict[str, tuple[RustFile, RustFunction]] = {}
    for wish in tests:
        here = {
            name: each
            for name, each in every.items()
            if wish in (".", name, each[0].path) or name.startswith((f"{wish}::", f"{wish}/"))
        }
        if not here and wish != ".":
            report.write("absent", id=wish)
        found |= here
    return found


def _place(
    cargo: Cargo,
    place: Place,
    folder: str,
    wanted: dict[str, tuple[RustFile, RustFunction]],
    each: float,
    deadline: float,
) -> Iterator[dict[str, Any]]:
    root = os.path.join(folder, place.folder)
    here = {
        name: found
        for name, found in wanted.items()
        if not place.folder or name.startswith(f"{place.folder}/")
    }
    if not here:
        return
    if place.problem:
        yield from (_broken(name, "collection", place.problem, "", 0) for name in here)
        return
    code, output, errors = cargo.run(
        root, "test", "--no-run", "--offline", "--workspace", "--message-format=json", seconds=deadline - time.monotonic()
    )  # fmt: skip
    if code:
        yield from _not_built(here, list(messages(output)), told(errors, folder), folder, place.folder)
        return
    packages = {
        each["id"]: os.path.dirname(each["manifest_path"]) for each in metadata(cargo, root)[0]["packages"]
    }
    for artifact in messages(output):
        if (
            artifact.get("reason") == "compiler-artifact"
            and artifact["profile"]["test"]
            and artifact.get("executable")
        ):
            source = os.path.relpath(artifact["target"]["src_path"], folder)
            program = Program(artifact["executable"], packages[artifact["package_id"]], source)
            yield from _program(cargo, program, folder, here, each, deadline)


def _not_built(
    wanted: dict[str, tuple[RustFile, RustFunction]],
    said: list[dict[str, Any]],
    errors: str,
    folder: str,
    root: str,
) -> Iterator[dict[str, Any]]:
    wrong = [
        each["message"]
        for each in said
        if each.get("reason") == "compiler-message"
        and each["message"]["level"] == "error"
        and each["message"]["spans"]
    ]
    path, line = primary(wrong[0], folder, root) if wrong else ("", 0)
    message = str(wrong[0]["message"]) if wrong else errors
    foreign = any(str((each.get("code") or {}).get("code", "")) in _FOREIGN for each in wrong)
    for name in wanted:
        yield _broken(name, "import" if foreign else "collection", message, path, line)


def _broken(name: str, reason: str, message: str, path: str, line: int) -> dict[str, Any]:
    return {
        "id": name, "path": path or name.partition("::")[0], "line": line, "outcome": "error", "reason": reason,
        "message": f"The tests cannot be built: {message}"[:_MESSAGE_CHARS],
    }  # fmt: skip


def _program(
    cargo: Cargo,
    program: Program,
    folder: str,
    wanted: dict[str, tuple[RustFile, RustFunction]],
    each: float,
    deadline: float,
) -> Iterator[dict[str, Any]]:
    """The wanted tests of one program."""
    listed = set(_LISTED.findall(_ran(cargo, program, ["--list"], each)[1]))
    ignored = set(_LISTED.findall(_ran(cargo, program, ["--list", "--ignored"], each)[1]))
    names = {_name_in(program.root, file, test): (name, file) for name, (file, test) in wanted.items()}
    here = {name: names[name] for name in sorted(listed) if name in names}
    for name in sorted(ignored & set(here)):
        yield {"id": here.pop(name)[0], **_PASSED, "outcome": "skipped"}
    if not here:
        return
    seconds = min(each * len(here), deadline - time.monotonic())
    code, output = _ran(cargo, program, ["--exact", *here], max(1.0, seconds))
    summary = _SUMMARY.search(output)
    if code == 0 and summary and int(summary[1]) == len(here):
        yield from ({"id": name, **_PASSED} for name, _ in here.values())
        return
    for title, (name, file) in here.items():
        left = deadline - time.monotonic()
        if left <= 0:
            yield {**_timeout(name), "message": "It did not run."}
            continue
        code, output = _ran(cargo, program, ["--exact", title], min(each, max(1.0, left)))
        yield {"id": name, **_outcome(code, output, file, folder, program)}


def _name_in(root: str, file: RustFile, test: RustFunction) -> str:
    """What the program that begins in `root` calls a test; a name that no test has when it is of another program."""
    base = os.path.dirname(root)
    path = os.path.relpath(file.path, base or ".")
    if file.path == root:
        modules: list[str] = []
    elif path.startswith("..") or os.path.basename(file.path) in ("main.rs", "lib.rs"):
        return ""
    else:
        modules = path.removesuffix(".rs").removesuffix("/mod").split("/")
    return "::".join([*modules, test.title])


def _ran(cargo: Cargo, program: Program, arguments: list[str], seconds: float) -> tuple[int, str]:
    """Run a test program: its exit code, 124 when it did not end, and what it and its tests said."""
    environment = {**cargo.environment(), "CARGO_MANIFEST_DIR": program.package}
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [program.executable, "--color=never", *arguments], cwd=program.package, env=environment,
            stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            code = 124
        size = said.seek(0, os.SEEK_END)
        said.seek(max(0, size - _OUTPUT_BYTES))
        return code, said.read(_OUTPUT_BYTES).decode(errors="replace")


def _outcome(code: int, output: str, file: RustFile, folder: str, program: Program) -> dict[str, Any]:
    """How the one test of a process went."""
    summary = _SUMMARY.search(output)
    if code == 0 and summary and int(summary[1]) == 1:
        return dict(_PASSED)
    if code == 124:
        return {
            "line": 0,
            "outcome": "timeout",
            "reason": "timeout",
            "message": "It did not end in its time.",
        }
    panic = _PANIC.search(output)
    if code != _FAILED_EXIT or panic is None:
        failed = code == _FAILED_EXIT
        said = _said(output) if failed else f"The process ended in this test (exit {code})."
        asserted = failed and _ASSERTION.search(output)
        return {
            "line": 0, "outcome": "failed" if failed else "error", "reason": "assertion" if asserted else "error",
            "message": said[:_MESSAGE_CHARS],
        }  # fmt: skip
    path = os.path.relpath(os.path.join(program.package, panic[1]), folder)
    words = panic[3].split("\nnote: ")[0].split("\n\n")[0].strip()
    reason = "error"
    if _ASSERTION.match(words):
        reason = "assertion"
    elif _STUB.match(words) and not _in_test(path, int(panic[2]), file):
        reason = "stub"
    place = {"path": path} if os.path.exists(os.path.join(folder, path)) and not path.startswith("..") else {}
    line = int(panic[2]) if place else 0
    return {**place, "line": line, "outcome": "failed", "reason": reason, "message": words[:_MESSAGE_CHARS]}


def _in_test(path: str, line: int, file: RustFile) -> bool:
    if path != file.path:
        return "tests" in path.split("/")[:-1]
    lines = file.text.splitlines(keepends=True)
    return file.in_test(
        sum(map(len, lines[: line - 1])) + len(lines[line - 1]) - 1 if line <= len(lines) else 0
    )


def _said(output: str) -> str:
    lines = [
        each
        for each in output.splitlines()
        if each.strip() and not each.startswith(("running ", "test ", "failures:"))
    ]
    return "\n".join(lines[:6]) or "It failed."


def _timeout(name: str) -> dict[str, Any]:
    return {
        "id": name,
        "line": 0,
        "outcome": "timeout",
        "reason": "timeout",
        "message": "It did not end in its time.",
    }
