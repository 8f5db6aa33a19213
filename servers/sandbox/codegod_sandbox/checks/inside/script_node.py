"""Tests of JavaScript under Node's own runner."""

import json
import os
import tempfile
from collections.abc import Iterator
from typing import Any

from .node_ground import Ground, quietly
from .report import Report
from .script_failures import failed

# Node.js bounds a file, not a test.
_FILE_SECONDS = 60.0


def run_node(
    ground: Ground, folder: str, files: list[str], seconds: float, each: float, report: Report
) -> tuple[int, str, list[dict[str, Any]]]:
    """Exit code, what was said, and the tests of `files`."""
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
    for name in forged(lines, folder):
        report.write("forged", id=name)
    return code, said, list(_node_tests(lines, folder, files, late=code == 124))


def forged(lines: list[dict[str, Any]], folder: str) -> list[str]:
    """Tests that ended more often than they began: a file can write to the channel that its runner reads from."""
    balance: dict[tuple[str, int, str, int], int] = {}
    for each in lines:
        if each["type"] in ("test:start", "test:pass", "test:fail"):
            key = (each["file"], each["nesting"], each["name"], each["line"])
            balance[key] = balance.get(key, 0) + (1 if each["type"] == "test:start" else -1)
    return sorted(
        f"{os.path.relpath(file, folder) if file else ''}::{name}"
        for (file, _, name, _), count in balance.items()
        if count < 0
    )


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
            told.update(failed(errors[place], errors[place], folder, alone=True, hook=False))
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
        **failed(
            f"{failure}{said}", error["stack"], folder, alone=alone, hook=each["failure"] == "hookFailed"
        ),
    }
