"""A pytest plugin that tells what became of every test, from what really happened.

It judges by the exceptions that tests raised and not by the reports that other plugins may have changed.
"""

from collections.abc import Generator
from typing import Any

import pytest

from .blame import is_stub, message_of, place_of, root_of
from .report import Report

_TIMEOUT = "Timeout (>"


class Recorder:
    """Writes `collected`, then for each test `begin` and `test`, and whatever else a reader must know."""

    def __init__(self, report: Report, folder: str, wanted: list[str], expected: dict[str, set[str]]) -> None:
        self._report = report
        self._folder = folder
        self._wanted = wanted
        self._expected = expected
        self._seen: dict[str, pytest.Item] = {}
        self._outcomes: dict[str, dict[str, Any]] = {}
        self._failed_files: set[str] = set()

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Before any conftest can leave it out."""
        self._seen[item.nodeid] = item

    def pytest_exception_interact(
        self, node: pytest.Item | pytest.Collector, call: pytest.CallInfo[Any]
    ) -> None:
        """A file that cannot be collected."""
        if isinstance(node, pytest.Item) or call.excinfo is None:
            return
        root = root_of(call.excinfo.value)
        self._failed_files.add(node.nodeid.partition("::")[0])
        reason = "import" if isinstance(root, ImportError) else "collection"
        self._tell(node.nodeid, "error", reason, root)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that skips itself."""
        if report.skipped:
            self._failed_files.add(report.nodeid)
            self._report.write("test", id=report.nodeid, outcome="skipped", reason="", message="skips itself")

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Pick the single tests that are wanted."""
        if all("::" not in test for test in self._wanted):
            return
        picked = [item for item in items if any(_is_wanted(item.nodeid, test) for test in self._wanted)]
        for unwanted in {item.nodeid for item in items} - {item.nodeid for item in picked}:
            self._seen.pop(unwanted, None)
        items[:] = picked

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Tell what will run, and what is missing there."""
        for item in session.items:
            self._report.write("collected", id=item.nodeid)
        running = {item.nodeid for item in session.items}
        for hidden in self._seen.keys() - running:
            self._report.write("hidden", id=hidden)
        for test in self._wanted:
            path = test.partition("::")[0]
            if (
                "::" in test
                and path not in self._failed_files
                and not any(_is_wanted(each, test) for each in running)
            ):
                self._report.write("absent", id=test)
        self._tell_uncollected()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Should the process end in this test, it is known in which."""
        self._report.write("begin", id=nodeid)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Remember the worst that happened to the test."""
        report = yield
        if call.excinfo is not None:
            error = call.excinfo.value
            if isinstance(error, pytest.skip.Exception):
                self._note(item.nodeid, "skipped", "", str(error))
            elif isinstance(error, pytest.xfail.Exception) or (
                hasattr(report, "wasxfail") and report.skipped
            ):
                self._note(item.nodeid, "skipped", "", "is expected to fail")
            else:
                self._blame(item.nodeid, call.when, error)
        elif call.when == "call":
            self._note(item.nodeid, "passed", "", "")
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """What failed without an exception of its own: subtests, a strict xfail that passed."""
        if report.failed and self._outcomes.get(report.nodeid, {}).get("outcome") in (
            None,
            "passed",
            "skipped",
        ):
            first = (report.longreprtext.strip().splitlines() or ["failed"])[-1]
            self._note(report.nodeid, "failed", "assertion", first[:500])

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Tell the outcome."""
        outcome = self._outcomes.pop(nodeid, None)
        if outcome is not None:
            self._report.write("test", id=nodeid, **outcome)

    def _blame(self, nodeid: str, when: str, error: BaseException) -> None:
        if isinstance(error, pytest.fail.Exception) and str(error).startswith(_TIMEOUT):
            self._note(nodeid, "timeout", "timeout", str(error).partition(" from ")[0])
            return
        in_test = when == "call"
        if is_stub(error, self._folder):
            reason = "stub"
        elif isinstance(error, AssertionError | pytest.fail.Exception) and in_test:
            reason = "assertion"
        elif isinstance(root_of(error), ImportError):
            reason = "import"
        else:
            reason = "error" if in_test else "fixture"
        place = place_of(error, self._folder)
        self._note(
            nodeid,
            "failed" if in_test else "error",
            reason,
            _first_line(error, self._folder),
            place.path,
            place.line,
        )

    def _note(
        self, nodeid: str, outcome: str, reason: str, message: str, path: str = "", line: int = 0
    ) -> None:
        before = self._outcomes.get(nodeid, {}).get("outcome", "passed")
        if before in ("passed", "skipped"):
            self._outcomes[nodeid] = {
                "outcome": outcome,
                "reason": reason,
                "message": message,
                "path": path,
                "line": line,
            }

    def _tell(self, nodeid: str, outcome: str, reason: str, error: BaseException) -> None:
        place = place_of(error, self._folder)
        message = message_of(error, self._folder)
        self._report.write(
            "test",
            id=nodeid,
            outcome=outcome,
            reason=reason,
            message=message,
            path=place.path,
            line=place.line,
        )

    def _tell_uncollected(self) -> None:
        """Tests that stand in a file and were not found there."""
        found: dict[str, set[str]] = {}
        for nodeid in self._seen:
            path, *parts = nodeid.partition("[")[0].split("::")
            found.setdefault(path, set()).add(".".join(parts))
        for path, names in self._expected.items():
            if path not in self._failed_files:
                for name in sorted(names - found.get(path, set())):
                    self._report.write("hidden", id=f"{path}::{name.replace('.', '::')}")


def _is_wanted(nodeid: str, test: str) -> bool:
    test = test.rstrip("/")
    return test == "." or nodeid == test or nodeid.startswith((f"{test}::", f"{test}[", f"{test}/"))


def _first_line(error: BaseException, folder: str) -> str:
    """pytest says of a missing fixture where it looked; the name is enough."""
    missing = getattr(error, "argname", None)
    if type(error).__name__ == "FixtureLookupError" and missing:
        return f"fixture `{missing}` not found"
    return message_of(error, folder)
