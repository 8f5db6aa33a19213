"""The stage that runs tests, and does not believe a report that is not whole."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, cast

from codegod_sandbox.checks.bench import Bench, last_words
from codegod_sandbox.checks.lines import Nonce
from codegod_sandbox.checks.records import Done, Finding, Outcome, Reason, TestResult
from codegod_sandbox.files.shown import shown
from codegod_sandbox.spec import RunResult

_MEMORY_BYTES: Final = 1 << 30
# A single test of a small application takes a tenth of a second; one that hangs must not eat the others' time.
TEST_SECONDS: Final = 20.0
_PASSED, _FAILED, _NONE_COLLECTED = 0, 1, 5
# Interrupted, broken inside, called wrongly.
_COULD_NOT_RUN: Final = (2, 3, 4)
_UNTOLD: Final = TestResult(id="", outcome="passed")
_ABSENT: Final = "There is no such test."
# The first failures are read, the others counted: what all messages together may take of a result.
_MESSAGE_CHARS: Final = 30_000
_TOLD_FAILURES: Final = 40


@dataclass(slots=True)
class _Seen:
    """What the run reported, put together."""

    collected: list[str] = field(default_factory=list)
    results: dict[str, TestResult] = field(default_factory=dict)
    places: dict[str, tuple[str, int]] = field(default_factory=dict)
    hidden: list[str] = field(default_factory=list)
    forged: list[str] = field(default_factory=list)
    broken: str = ""
    running: str = ""
    code: int | None = None


async def run_tests(bench: Bench) -> Done:
    """The outcome of every wanted test, and findings for what keeps the report from being believed."""
    nonce = Nonce()
    request = {
        "nonce": nonce.word,
        "env": True,
        "tests": list(bench.tests),
        "test_seconds": min(TEST_SECONDS, max(1.0, bench.seconds_left * 0.8)),
    }
    result = await bench.run(
        "run_tests", stdin=json.dumps(request).encode(), site=True, memory_bytes=_MEMORY_BYTES
    )
    return judged(nonce, result)


def judged(nonce: Nonce, result: RunResult) -> Done:
    """What a run under our recorder came to."""
    seen = _read(nonce, result)
    _complete(seen, result)
    failures = list(_failures(seen))
    more = len(failures) - _TOLD_FAILURES
    return Done(
        (*_doubts(seen, result), *failures[:_TOLD_FAILURES]),
        tests=tuple(_shortened(seen)),
        seconds=result.seconds,
        note=f"{more} more failures are in `tests` only" if more > 0 else "",
        level=result.level,
    )


def _read(nonce: Nonce, result: RunResult) -> _Seen:
    seen = _Seen()
    for line in nonce.lines(result):
        match line["kind"]:
            case "collected":
                seen.collected.append(line["id"])
            case "begin":
                seen.running = line["id"]
            case "test":
                _keep(seen, line)
            case "absent":
                seen.results[line["id"]] = _error(line["id"], "collection", _ABSENT)
            case "hidden":
                seen.hidden.append(line["id"])
            case "forged":
                seen.forged.append(line["id"])
            case "broken":
                seen.broken = line["message"]
            case "end":
                seen.code = line["code"]
    return seen


def _keep(seen: _Seen, line: dict[str, Any]) -> None:
    name = line["id"]
    if seen.results.get(name, _UNTOLD).outcome not in ("passed", "skipped"):
        return  # told twice, as of two tests with one title: the worse one counts
    seen.results[name] = TestResult(
        id=shown(name),
        outcome=cast("Outcome", line["outcome"]),
        reason=cast("Reason", line["reason"]),
        message=shown(line["message"]),
    )
    if line.get("path"):
        seen.places[name] = (shown(line["path"]), line["line"])
    if seen.running == name:
        seen.running = ""


def _complete(seen: _Seen, result: RunResult) -> None:
    """Every collected test has an outcome, also when the process did not live to see it."""
    late = result.status == "timeout"
    for name in seen.collected:
        if name in seen.results:
            continue
        if name == seen.running and late:
            seen.results[name] = TestResult(
                id=shown(name),
                outcome="timeout",
                reason="timeout",
                message="It did not end in the time of the check.",
            )
        elif name == seen.running:
            message = f"The process ended in this test ({last_words(result)})."
            seen.results[name] = _error(name, "error", message)
        else:
            seen.results[name] = _error(name, "timeout" if late else "error", "It did not run.")


def _doubts(seen: _Seen, result: RunResult) -> Iterator[Finding]:
    """What makes the report one that cannot be believed, or no report at all."""
    if seen.broken:
        yield _doubt("tests-broken", seen.broken)
        return
    for name in seen.hidden:
        yield _doubt(
            "hidden-test", f"`{name}` is in the file and was kept from running: remove what hides it."
        )
    for name in seen.forged:
        message = (
            f"`{name}` was reported more often than it ran: let no test speak in the place of its runner."
        )
        yield _doubt("forged-report", message)
    if result.truncated:
        yield _doubt("report-cut", "The tests report more than can be read: run fewer at once.")
    elif seen.code is None:
        where = f" in `{seen.running}`" if seen.running else ""
        message = f"The run ended before its report was whole{where} ({last_words(result)}); an exit code is no result."
        yield _doubt("report-cut", message)
    elif seen.code == result.exit_code and seen.code in _COULD_NOT_RUN:
        yield _doubt(
            "tests-broken", f"pytest could not run ({last_words(result)}): mend its settings and conftest.py."
        )
    elif seen.code != result.exit_code or not _agrees(seen):
        message = f"The report does not agree with the exit code {result.exit_code} ({last_words(result)})."
        yield _doubt("report-disagrees", message)
    elif seen.code == _NONE_COLLECTED and not seen.results:
        yield _doubt("no-tests", "No test was found where tests were to be run.")
    elif seen.results and all(each.outcome == "skipped" for each in seen.results.values()):
        yield _doubt("no-tests", "Every test was skipped, so nothing is shown.")


def _agrees(seen: _Seen) -> bool:
    # Tests that are absent never reached pytest.
    reported = [
        each for name, each in seen.results.items() if name in seen.collected or each.message != _ABSENT
    ]
    bad = any(each.outcome not in ("passed", "skipped") for each in reported)
    if seen.code == _PASSED:
        return not bad and bool(reported)
    if seen.code == _FAILED:
        return bad
    return seen.code == _NONE_COLLECTED and not any(each.outcome == "passed" for each in reported)


def _failures(seen: _Seen) -> Iterator[Finding]:
    for name, each in seen.results.items():
        if each.outcome not in ("passed", "skipped"):
            path, line = seen.places.get(name, (shown(name.partition("::")[0]), 0))
            rule = each.reason or each.outcome
            yield Finding(
                stage="tests", path=path, line=line, rule=rule, message=f"{each.id}: {each.message}"
            )


def _shortened(seen: _Seen) -> Iterator[TestResult]:
    room = _MESSAGE_CHARS
    for each in seen.results.values():
        message = each.message[:room]
        room -= len(message)
        yield each.model_copy(update={"message": message})


def _error(name: str, reason: Reason, message: str) -> TestResult:
    return TestResult(id=shown(name), outcome="error", reason=reason, message=message)


def _doubt(rule: str, message: str) -> Finding:
    return Finding(stage="tests", path="", line=0, rule=rule, message=shown(message))
