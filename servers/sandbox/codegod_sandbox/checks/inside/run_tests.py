"""Run the project's tests under pytest, in a way that the project cannot bend."""

import os
import shlex
import tomllib
from configparser import ConfigParser
from configparser import Error as ConfigError
from typing import Any

from .project import Project, load
from .report import Report, Request, read_request
from .suite_facts import tests_of
from .workcopy import TooLarge, enter_copy

# Options of a project's own `addopts` that change how tests are found or run, and can hide none.
_KEPT_OPTIONS = ("--import-mode", "--asyncio-mode", "--anyio-mode", "--ds")
# Wherever the project says otherwise, what is called a test is a test.
_SETTINGS = {
    "addopts": "",
    "python_files": "test_*.py *_test.py",
    "python_classes": "Test",
    "python_functions": "test",
    "testpaths": "",
    "norecursedirs": ".* venv node_modules __pycache__",
    "xfail_strict": "true",
}


def main() -> None:
    """Run what the request names, telling each outcome as it comes, and end with pytest's own exit code."""
    request = read_request()
    report = Report(request["nonce"])
    # Before anything of the project can be found under these names.
    import pytest
    import pytest_timeout  # type: ignore[import-untyped]  # noqa: F401

    from .recorder import Recorder

    project = load(os.getcwd())
    try:
        folder = enter_copy()
    except TooLarge as error:
        report.write("broken", message=str(error))
        os._exit(0)
    wanted = present(request["tests"], folder, report)
    code = 5
    if wanted:
        recorder = Recorder(report, folder, wanted, expected(project, wanted))
        code = int(pytest.main(arguments(request, project, folder, wanted), plugins=[recorder]))
    report.write("end", code=code)
    os._exit(code)


def present(tests: list[str], folder: str, report: Report) -> list[str]:
    """The wanted tests whose files are there; of the others it is told that they are not."""
    found = []
    for test in tests:
        if os.path.exists(os.path.join(folder, test.partition("::")[0])):
            found.append(test)
        else:
            report.write("absent", id=test)
    return found


def expected(project: Project, wanted: list[str]) -> dict[str, set[str]]:
    """For each file that is wanted whole, the names of its tests as its text says them."""
    folders = [test.rstrip("/") for test in wanted if "::" not in test]
    return {
        source.path: {placed.name for placed in tests_of(source) if not placed.around.conditional}
        for source in project.parsed
        if source.is_test
        and any(
            folder == "." or source.path == folder or source.path.startswith(f"{folder}/")
            for folder in folders
        )
    }


def arguments(request: Request, project: Project, folder: str, wanted: list[str]) -> list[str]:
    """pytest's command line. Single tests are picked by the recorder, so that one wrong name does not stop all."""
    settings = [part for name, value in _SETTINGS.items() for part in ("-o", f"{name}={value}")]
    files = list(dict.fromkeys(test.partition("::")[0] for test in wanted))
    return [
        "-q",
        "--no-header",
        # One file that cannot be collected must not keep the others from being judged.
        "--continue-on-collection-errors",
        "--color=no",
        "-p",
        "no:cacheprovider",
        *settings,
        f"--rootdir={folder}",
        f"--timeout={request['test_seconds']:g}",
        "--timeout-method=signal",
        *kept_options(project),
        *(os.path.join(folder, path) for path in files),
    ]


def kept_options(project: Project) -> list[str]:
    """What remains of the project's `addopts`."""
    words = _addopts(project)
    kept = []
    for index, word in enumerate(words):
        name, equals, _ = word.partition("=")
        if name in _KEPT_OPTIONS:
            kept.append(word)
            if not equals and index + 1 < len(words):
                kept.append(words[index + 1])
    return kept


def _addopts(project: Project) -> list[str]:
    value: Any = ""
    if "pytest.ini" in project.sources:
        value = _ini(project.sources["pytest.ini"].text, "pytest")
    elif "pyproject.toml" in project.sources:
        value = _toml(project.sources["pyproject.toml"].text)
    if not value and "tox.ini" in project.sources:
        value = _ini(project.sources["tox.ini"].text, "pytest")
    if not value and "setup.cfg" in project.sources:
        value = _ini(project.sources["setup.cfg"].text, "tool:pytest")
    if isinstance(value, list):
        return [str(word) for word in value]
    try:
        return shlex.split(str(value))
    except ValueError:
        return []


def _toml(text: str) -> Any:
    try:
        tool = tomllib.loads(text).get("tool", {}).get("pytest", {})
    except (tomllib.TOMLDecodeError, AttributeError, RecursionError):
        return ""
    options = tool.get("ini_options", tool) if isinstance(tool, dict) else {}
    return options.get("addopts", "") if isinstance(options, dict) else ""


def _ini(text: str, section: str) -> str:
    parser = ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
        return parser.get(section, "addopts", fallback="")
    except ConfigError:
        return ""
