"""Run JavaScript and TypeScript tests: under vitest or jest where the project has one, else under Node's own runner."""

import json
import os
import re
import tempfile
from collections.abc import Iterator
from typing import Any

from .node_ground import TEST_FILE, Ground, declared, link_packages, manifests, quietly, read_ground
from .project import Project, load
from .report import Report, read_request
from .workcopy import TooLarge, enter_copy

_STUB = re.compile(
    r"^\s*(Uncaught )?(\w*Error: )?(\[\w*Error: )?(todo\W+)?not (yet )?implemented\b", re.IGNORECASE
)
_STUB_NAME = re.compile(r"NotImplemented(Error)?\b")
_ASSERTION = re.compile(
    r"^\s*(\w*AssertionError|JestAssertionError|TestingLibraryElementError)\b|^\s*expect\(|\bAssertionError\b"
)
_IMPORT = re.compile(
    r"Cannot find (module|package)|Failed to (resolve import|load url)|does not provide an export named|ERR_MODULE_NOT_FOUND"
    r"|Could not resolve|is not a constructor or|Cannot use import statement|Transform failed|SyntaxError"
)
_LATE = re.compile(r"timed out|testTimeoutFailure|Exceeded timeout", re.IGNORECASE)
_FRAME = re.compile(r"(?:file://)?(/[^\s():]+):(\d+):\d+")
_MESSAGE_CHARS = 600
# Node.js bounds a file, not a test.
_FILE_SECONDS = 60.0
_MARGIN_SECONDS = 3.0


def main() -> None:
    """Run what the request names, and tell each outcome."""
    request = read_request()
    report = Report(request["nonce"])
    ground = read_ground()
    project = load(os.getcwd())
    try:
        folder = enter_copy()
    except TooLarge as error:
        report.write("broken", message=str(error))
        os._exit(0)
    link_packages(ground, folder)
    wanted = _wanted(request["tests"], project, report)
    code = 5
    if wanted:
        seconds = request["seconds"] - _MARGIN_SECONDS
        code = _run(ground, project, folder, wanted, report, max(2.0, seconds), request["test_seconds"])
    report.write("end", code=code)
    os._exit(code)


def _wanted(tests: list[str], project: Project, report: Report) -> dict[str, set[str]]:
    """Test files, each with the names that are wanted of it; no name is all of them."""
    found: dict[str, set[str]] = {}
    for test in tests:
        path, _, name = test.partition("::")
        if path in project.sources:
            found.setdefault(path, set())
            if name:
                found[path].add(name)
            continue
        below = [
            each
            for each in project.sources
            if TEST_FILE.search(each) and (path == "." or each.startswith(f"{path}/"))
        ]
        for each in below:
            found.setdefault(each, set())
        if not below and path != ".":
            report.write("absent", id=test)
    return found


def _run(
    ground: Ground,
    project: Project,
    folder: str,
    wanted: dict[str, set[str]],
    report: Report,
    seconds: float,
    each: float,
) -> int:
    packages = declared(manifests(project))
    runner = next((name for name in ("vitest", "jest") if name in packages), "")
    if runner and os.path.isdir(os.path.join(ground.modules or "/nonexistent", runner)):
        code, said, seen = _framework(ground, runner, folder, sorted(wanted), seconds, each)
    else:
        code, said, seen = _node(ground, folder, sorted(wanted), seconds, each)
    bad, told, files = False, 0, set()
    elsewhere = False
    matched: set[str] = set()
    for test in seen:
        files.add(test["id"].partition("::")[0])
        path = test["id"].partition("::")[0]
        names = wanted.get(path)
        if names is None:
            continue
        name = test["id"].partition("::")[2]
        if (
            names
            and test["path_only"] is False
            and not any(name == one or name.startswith(f"{one}::") for one in names)
        ):
            elsewhere = elsewhere or test["outcome"] not in ("passed", "skipped")
            continue
        told += 1
        # A file that says one thing as a whole says it of each of its tests.
        matched |= {
            f"{path}::{one}"
            for one in names
            if test["path_only"] or name == one or name.startswith(f"{one}::")
        }
        bad = bad or test["outcome"] not in ("passed", "skipped")
        report.write("collected", id=test["id"])
        report.write("test", **{key: value for key, value in test.items() if key != "path_only"})
    for path in sorted(set(wanted) - files):
        if code == 124:
            report.write(
                "test",
                id=path,
                outcome="timeout",
                reason="timeout",
                message="It did not end in the time of the check.",
            )
            bad, told = True, told + 1
        else:
            report.write("hidden", id=path)
    if not told and code not in (0, 124):
        report.write("broken", message=f"The tests could not run: {said.strip()[-400:]}")
    for path in sorted(files & set(wanted)):
        for name in sorted(wanted[path]):
            if f"{path}::{name}" not in matched:
                report.write("absent", id=f"{path}::{name}")
    if bad:
        return 1
    # A runner that is unhappy must be so about tests that nobody asked for; else its exit code is told.
    return (0 if code == 0 or elsewhere else 1) if told else 5


def _node(
    ground: Ground, folder: str, files: list[str], seconds: float, each: float
) -> tuple[int, str, list[dict[str, Any]]]:
    events = os.path.join(tempfile.mkdtemp(), "events")
    options = [
        "--test", "--test-concurrency=1", f"--test-timeout={int(min(_FILE_SECONDS, max(each, seconds * 0.6)) * 1000)}",
        f"--test-reporter={os.path.join(ground.scripts, 'reporter.mjs')}", f"--test-reporter-destination={events}",
    ]  # fmt: skip
    code, said = quietly(ground.command(*options, *files), folder, seconds)
    try:
        with open(events, "rb") as told:
            lines = [json.loads(line) for line in told if line.startswith(b"{") and line.endswith(b"\n")]
    except OSError:
        lines = []
    return code, said, list(_node_tests(lines, folder, files, late=code == 124))


def _node_tests(
    lines: list[dict[str, Any]], folder: str, files: list[str], *, late: bool
) -> Iterator[dict[str, Any]]:
    """The tests that ended, and those that were running when their file was stopped."""
    names: list[str] = []
    running: dict[str, tuple[str, int]] = {}
    errors: dict[str, str] = {}
    cancelled: list[dict[str, Any]] = []
    for each in lines:
        path = os.path.relpath(each["file"], folder) if each["file"] else ""
        if each["type"] == "test:stderr":
            errors[path] = (errors.get(path, "") + each["message"])[-8000:]
            continue
        del names[each["nesting"] :]
        names.append(each["name"])
        place = os.path.relpath(os.path.join(folder, each["name"]), folder)
        alone = each["nesting"] == 0 and place in files
        place = place if alone else path
        test = place if alone else "::".join([place, *names])
        if each["type"] == "test:start":
            running[test] = (place, each["line"])
            continue
        running.pop(test, None)
        if (each["suite"] or alone) and (each["type"] == "test:pass" or each["failure"] == "subtestsFailed"):
            continue  # its tests tell
        told = _told(test, place, each["line"], folder, each, alone=alone)
        if each["failure"] == "cancelledByParent":
            cancelled.append(told)
            continue
        if each["suite"] and cancelled:
            # What its hook raised is why none of its tests ran.
            yield from ({**one, **_outcome_of(told)} for one in cancelled)
            cancelled = []
            continue
        if alone and told["reason"] == "timeout":
            stopped = [name for name in running if name.startswith(f"{place}::")]
            stopped = [one for one in stopped if not any(other.startswith(f"{one}::") for other in stopped)]
            yield from (_stopped(name, *running.pop(name)) for name in stopped)
            if stopped:
                continue
        if alone and errors.get(place):
            told.update(_failed(errors[place], errors[place], folder, alone=True, hook=False))
        yield told
    yield from cancelled
    if late:
        yield from (_stopped(name, *where) for name, where in running.items() if name not in files)


def _outcome_of(told: dict[str, Any]) -> dict[str, Any]:
    return {"outcome": "error", "reason": told["reason"], "message": told["message"]}


def _stopped(test: str, path: str, line: int) -> dict[str, Any]:
    return {
        "id": test, "path": path, "line": line, "outcome": "timeout", "reason": "timeout",
        "message": "It did not end in its time.", "path_only": False,
    }  # fmt: skip


def _told(
    test: str, path: str, line: int, folder: str, each: dict[str, Any], *, alone: bool
) -> dict[str, Any]:
    base = {"id": test, "path": path, "line": line, "path_only": alone}
    if each["skipped"] or each["todo"]:
        return {**base, "outcome": "skipped", "reason": "", "message": ""}
    if each["type"] == "test:pass":
        return {**base, "outcome": "passed", "reason": "", "message": ""}
    error = each["error"] or {"name": "", "code": "", "message": "", "stack": ""}
    said = f"{error['name']}: {error['message']}" if error["name"] else error["message"]
    if error["code"] == "ERR_ASSERTION":
        said = f"AssertionError: {error['message']}"
    failure = "testTimeoutFailure " if each["failure"] == "testTimeoutFailure" else ""
    return {
        **base,
        **_failed(
            f"{failure}{said}", error["stack"], folder, alone=alone, hook=each["failure"] == "hookFailed"
        ),
    }


def _framework(
    ground: Ground, runner: str, folder: str, files: list[str], seconds: float, each: float
) -> tuple[int, str, list[dict[str, Any]]]:
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
    return code, said, list(_framework_tests(document, folder))


def _framework_tests(document: dict[str, Any], folder: str) -> Iterator[dict[str, Any]]:
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
                **_failed(said, said, folder, alone=True, hook=False),
            }
        for each in results:
            name = "::".join([path, *each.get("ancestorTitles", []), each.get("title", "")])
            line = (each.get("location") or {}).get("line", 0)
            base = {"id": name, "path": path, "line": line, "path_only": False}
            if each["status"] == "passed":
                yield {**base, "outcome": "passed", "reason": "", "message": ""}
            elif each["status"] == "failed":
                said = "\n".join(str(one) for one in each.get("failureMessages") or ["it failed"])
                yield {**base, **_failed(said, said, folder, alone=False, hook=False)}
            else:
                yield {**base, "outcome": "skipped", "reason": "", "message": ""}


def _failed(said: str, stack: str, folder: str, *, alone: bool, hook: bool) -> dict[str, Any]:
    """How a test failed, in the words of pytest's side."""
    first = _clean(_telling(said) if alone else said, folder)
    reason = "error"
    if _LATE.search(said[:300]):
        return {"outcome": "timeout", "reason": "timeout", "message": first}
    if (_STUB.search(said) or _STUB_NAME.match(said.strip())) and not _raised_in_test(stack, folder):
        reason = "stub"
    elif _IMPORT.search(said):
        reason = "import"
    elif alone:
        reason = "collection"
    elif hook:
        reason = "fixture"
    elif _ASSERTION.search(said):
        reason = "assertion"
    outcome = "error" if alone or hook else "failed"
    return {"outcome": outcome, "reason": reason, "message": first}


def _telling(said: str) -> str:
    """The line of a crash that names the error, and what stands behind it."""
    found = re.search(r"^(\w*Error\b.*)", said, re.MULTILINE)
    return said[found.start() :] if found else said


def _raised_in_test(stack: str, folder: str) -> bool:
    """Whether the first place in the project that the stack names is a test: the project's code is what counts."""
    for path, _ in _FRAME.findall(stack):
        if path.startswith(f"{folder}/") and "/node_modules/" not in path:
            return bool(TEST_FILE.search(path))
    return False


def _clean(said: str, folder: str) -> str:
    lines = [line for line in said.replace(f"{folder}/", "").splitlines() if not re.match(r"\s+at ", line)]
    return re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(lines)).strip()[:_MESSAGE_CHARS]
