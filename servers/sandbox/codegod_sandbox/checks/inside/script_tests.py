"""Run JavaScript and TypeScript tests: under vitest or jest where the project has one, else under Node's own runner."""

import os
from dataclasses import dataclass, field
from typing import Any

from .node_ground import TEST_FILE, Ground, declared, link_packages, manifests, read_ground
from .project import Project, load
from .report import Report, read_request
from .script_frameworks import package_name, run_framework
from .script_node import run_node
from .workcopy import TooLarge, enter_copy

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
        if (name := package_name(os.path.join(ground.modules, runner))) != runner:
            message = f"What is installed as `{runner}` is the package `{name}`: require {runner} itself."
            report.write("broken", message=message)
            return 5
        code, said, seen = run_framework(ground, runner, folder, sorted(wanted), seconds, each)
    else:
        code, said, seen = run_node(ground, folder, sorted(wanted), seconds, each, report)
    telling = _Telling(report, wanted)
    for test in seen:
        telling.tell(test)
    telling.missing(late=code == 124)
    if not telling.count and code not in (0, 124):
        report.write("broken", message=f"The tests could not run: {said.strip()[-400:]}")
    if telling.bad:
        return 1
    # A runner that is unhappy must be so about tests that nobody asked for; else its exit code is told.
    return (0 if code == 0 or telling.elsewhere else 1) if telling.count else 5


@dataclass
class _Telling:
    """Tells what is wanted of what was seen."""

    report: Report
    wanted: dict[str, set[str]]
    bad: bool = False
    elsewhere: bool = False  # something failed that nobody asked for
    count: int = 0
    files: set[str] = field(default_factory=set)
    matched: set[str] = field(default_factory=set)

    def tell(self, test: dict[str, Any]) -> None:
        """Tell one test, unless nobody asked for it."""
        path, _, name = test["id"].partition("::")
        self.files.add(path)
        names = self.wanted.get(path)
        if names is None:
            return
        failed = test["outcome"] not in ("passed", "skipped")
        # A file that says one thing as a whole says it of each of its tests.
        here = {one for one in names if test["path_only"] or name == one or name.startswith(f"{one}::")}
        if names and not here and not test["path_only"]:
            self.elsewhere = self.elsewhere or failed
            return
        self.count += 1
        self.matched |= {f"{path}::{one}" for one in here}
        self.bad = self.bad or failed
        self.report.write("collected", id=test["id"])
        self.report.write("test", **{key: value for key, value in test.items() if key != "path_only"})

    def missing(self, *, late: bool) -> None:
        """Tell the files and the tests that were asked for, and of which nothing was seen."""
        for path in sorted(set(self.wanted) - self.files):
            if late:
                message = "It did not end in the time of the check."
                self.report.write("test", id=path, outcome="timeout", reason="timeout", message=message)
                self.bad, self.count = True, self.count + 1
            else:
                self.report.write("hidden", id=path)
        for path in sorted(self.files & set(self.wanted)):
            for name in sorted(self.wanted[path]):
                if f"{path}::{name}" not in self.matched:
                    self.report.write("absent", id=f"{path}::{name}")
