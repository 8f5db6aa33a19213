"""Run Java's tests under JUnit, by a program of ours that tells each outcome with a word that no test has seen."""

import base64
import os
import re
import secrets
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from typing import Any

from .java_ground import JVM, Jdk, classes, java_files, look, read_jdk
from .java_rules import TEST_METHOD, is_test
from .project import Project, Source, load
from .report import Report, read_request
from .source_text import code_of
from .workcopy import TooLarge, enter_copy

_MARGIN_SECONDS = 3.0
_MESSAGE_CHARS = 600
_OUTPUT_BYTES = 8 << 20
_PACKAGE = re.compile(r"^\s*package\s+([\w.]+)\s*;", re.MULTILINE)
_STUB = re.compile(r"^\W*(todo\W+)?not (yet )?implemented\b", re.IGNORECASE)
_STUB_CLASS = re.compile(r"(^|\.)NotImplemented(Exception|Error)$")
_ASSERTION = re.compile(
    r"(^java\.lang\.AssertionError$|AssertionFailedError$|AssertionError$|MultipleFailuresError$|ComparisonFailure$)"
)
_FOREIGN = re.compile(r"compiler\.err\.(cant\.resolve|doesnt\.exist|cant\.apply|cant\.ref|not\.def)")
_UNLOADED = frozenset(
    {"java.lang.NoClassDefFoundError", "java.lang.ClassNotFoundException", "java.lang.NoSuchMethodError"}
)


@dataclass
class Run:
    """What is to be run and what was told: test ids, their files, and the outcomes."""

    report: Report
    files: dict[str, str]  # class to path
    wanted: dict[str, set[str]]  # path to names, none for all
    collected: set[str] = field(default_factory=set)
    told: dict[str, dict[str, Any]] = field(default_factory=dict)
    running: str = ""
    whole: bool = False
    late: bool = False


def main() -> None:
    """Run what the request names, and tell each outcome."""
    request = read_request()
    report = Report(request["nonce"])
    jdk = read_jdk()
    project = load(os.getcwd())
    try:
        folder = enter_copy()
    except TooLarge as error:
        report.write("broken", message=str(error))
        os._exit(0)
    deadline = time.monotonic() + max(2.0, request["seconds"] - _MARGIN_SECONDS)
    run = Run(report, _classes_of(project), _wanted(request["tests"], project, report))
    if run.wanted:
        into = classes()
        problem = _compiled(jdk, project, folder, into, run, deadline)
        if not problem:
            _execute(jdk, project, folder, into, run, request["test_seconds"], deadline)
    code = _tell(run, project)
    report.write("end", code=code)
    os._exit(code)


def _classes_of(project: Project) -> dict[str, str]:
    return {_class_of(each): each.path for each in project.sources.values() if each.name.endswith(".java")}


def _class_of(source: Source) -> str:
    package = _PACKAGE.search(source.text)
    name = source.name.removesuffix(".java")
    return f"{package[1]}.{name}" if package else name


def _wanted(tests: list[str], project: Project, report: Report) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    holders = {
        each.path: set(_names(each))
        for each in project.sources.values()
        if each.name.endswith(".java") and is_test(each)
    }
    for test in tests:
        path, _, name = test.partition("::")
        here = [
            each
            for each, names in holders.items()
            if names and (path == "." or each == path or each.startswith(f"{path}/"))
        ]
        if (not here and path != ".") or (
            name and name.rpartition("::")[2].partition("[")[0] not in holders.get(path, ())
        ):
            report.write("absent", id=test)
            continue
        for each in here:
            if name:
                found.setdefault(each, {name}).add(name)
            else:
                found[each] = set()
    return found


def _names(source: Source) -> list[str]:
    return [match["name"] for match in TEST_METHOD.finditer(code_of(source.text, rust=False))]


def _compiled(jdk: Jdk, project: Project, folder: str, into: str, run: Run, deadline: float) -> bool:
    """Compile everything; whether that failed, which is then what became of every test."""
    said = look(
        jdk, folder, java_files(project, tests=True), into, load=False, seconds=deadline - time.monotonic()
    )
    if isinstance(said, str):
        run.report.write("broken", message=said)
        return True
    wrong = [each for each in said if each.kind == "ERROR"]
    if not wrong:
        return False
    foreign = any(_FOREIGN.match(each.code) for each in wrong)
    words = re.sub(r"\n\s*", "; ", wrong[0].words)[:_MESSAGE_CHARS]
    for path, names in run.wanted.items():
        for name in sorted(names or _names(project.sources[path])):
            run.told[f"{path}::{name}"] = {
                "path": wrong[0].path, "line": wrong[0].line, "outcome": "error",
                "reason": "import" if foreign else "collection", "message": f"The tests cannot be built: {words}",
            }  # fmt: skip
    run.collected = set(run.told)
    run.whole = True
    return True


def _execute(
    jdk: Jdk, project: Project, folder: str, into: str, run: Run, each: float, deadline: float
) -> None:
    word = secrets.token_hex(16)
    names = [name for name, path in run.files.items() if path in run.wanted]
    asked = "\n".join([word, str(int(each * 1000)), *names]).encode()
    resources = [
        path
        for path in ("src/main/resources", "src/test/resources")
        if os.path.isdir(os.path.join(folder, path))
    ]
    path = os.pathsep.join([into, *(os.path.join(folder, each) for each in resources), *jdk.jars])
    command = [
        os.path.join(jdk.root, "bin", "java"),
        *JVM,
        "-cp",
        path,
        os.path.join(jdk.programs, "Run.java"),
    ]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            process.communicate(asked, timeout=max(1.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            run.late = True
            os.killpg(process.pid, 9)
            process.wait()
        said.seek(0)
        for line in said.read(_OUTPUT_BYTES).decode(errors="replace").splitlines():
            if line.startswith(f"{word} "):
                _take([_text(part) for part in line.split(" ")[1:]], folder, run)
    bad = any(told["outcome"] not in ("passed", "skipped") for told in run.told.values())
    if run.whole and process.returncode != (1 if bad else 0):
        run.whole = False
    if run.late and not run.collected:
        late = (
            f"{path}::{name}"
            for path, names in run.wanted.items()
            for name in names or _names(project.sources[path])
        )
        run.collected |= set(late)
    elif not run.collected:
        run.report.write("broken", message=f"JUnit could not run (exit {process.returncode}).")


def _take(parts: list[str], folder: str, run: Run) -> None:
    kind, owner, method, part, error, message, stack = parts
    if kind == "end":
        run.whole = True
        return
    outer, _, nested = owner.partition("$")
    path = run.files.get(outer, "")
    names = [*nested.split("$"), f"{method}[{part.lstrip('#')}]" if part and method else method]
    test = "::".join([path, *(name for name in names if name)])
    if kind == "container" and not error:
        return
    if kind == "begin":
        run.running = test
    elif kind == "collected":
        run.collected.add(test)
    else:
        run.running = "" if run.running == test else run.running
        outcome = _outcome(kind, error, message, stack, run)
        if run.told.get(test, {}).get("outcome", "passed") in (
            "passed",
            "skipped",
        ):  # told twice, the worse one counts
            run.told[test] = outcome
        run.collected.add(test)


def _outcome(kind: str, error: str, message: str, stack: str, run: Run) -> dict[str, Any]:
    if kind in ("passed", "skipped"):
        return {
            "outcome": kind,
            "reason": "",
            "message": message[:_MESSAGE_CHARS] if kind == "skipped" else "",
        }
    lines = stack.split("\n")
    root, said = lines[0] or error, message
    frames = [each.split(" ") for each in lines[2:] if each.count(" ") == 2]
    place = next(
        ((owner, line) for owner, _, line in frames if owner.partition("$")[0] in run.files), ("", "0")
    )
    path = run.files.get(place[0].partition("$")[0], "")
    in_test = bool(path) and path in run.wanted
    reason = "error"
    if "TimeoutException" in error and "timed out after" in message:
        return {"outcome": "timeout", "reason": "timeout", "message": message[:_MESSAGE_CHARS]}
    if (_STUB.match(lines[1] if len(lines) > 1 else said) or _STUB_CLASS.search(root)) and not in_test:
        reason = "stub"
    elif _ASSERTION.search(error):
        reason = "assertion"
    elif root in _UNLOADED:
        reason = "import"
    elif kind == "container":
        reason = "fixture"
    outcome = "error" if kind == "container" else "failed"
    words = f"{error.rpartition('.')[2]}: {said}"[:_MESSAGE_CHARS]
    where = {"path": path, "line": max(0, int(place[1]))} if path else {}
    return {**where, "outcome": outcome, "reason": reason, "message": words}


def _tell(run: Run, project: Project) -> int:
    """Tell what is wanted of it; what the runner's exit code would be."""
    bad = count = 0
    files: set[str] = set()
    for test in sorted(run.collected | set(run.told)):
        path, _, name = test.partition("::")
        plain = re.sub(r"\[[^\]]*\]$", "", name)
        names = run.wanted.get(path)
        if names is None or (names and not names & {name, plain, plain.rpartition("::")[2]}):
            continue
        files.add(path)
        told = run.told.get(test)
        if (
            told is None
            and run.whole
            and any(each.startswith(f"{path}::") or each == path for each in run.told)
        ):
            told = next((run.told[each] for each in (path, *_outer(test)) if each in run.told), None)
        if told is None:
            told = _untold(run, test)
        count += 1
        bad += told["outcome"] not in ("passed", "skipped")
        run.report.write("collected", id=test)
        run.report.write("test", id=test, **told)
    for path in sorted(set(run.wanted) - files):
        run.report.write("hidden", id=path)
    if not run.whole and not bad and count:
        run.report.write("broken", message="The tests' process ended before it had told everything.")
    return 1 if bad else 0 if count else 5


def _untold(run: Run, test: str) -> dict[str, Any]:
    if test == run.running and run.late:
        return {
            "outcome": "timeout",
            "reason": "timeout",
            "message": "It did not end in the time of the check.",
        }
    message = "The process ended in this test." if test == run.running else "It did not run."
    return {"outcome": "error", "reason": "timeout" if run.late else "error", "message": message}


def _outer(test: str) -> list[str]:
    """The classes around a test, from the nearest."""
    parts = test.split("::")
    return ["::".join(parts[:count]) for count in range(len(parts) - 1, 0, -1)]


def _text(coded: str) -> str:
    return "" if coded == "-" else base64.b64decode(coded).decode(errors="replace")
