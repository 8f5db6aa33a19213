"""Start the application, wait until it answers, run tests from outside against it, and stop it.

The tests are read from the tree, which nothing here can write; the application runs in a copy that does not hold them.
"""

import os
import shlex
import shutil
import sys
from typing import Any, TypedDict

from .app_process import AppProcess, command_line, free_port
from .go_ground import read_toolchain
from .go_program import compiled
from .node_ground import link_packages, read_ground
from .project import load
from .report import Report, read_request
from .run_tests import arguments, expected, present
from .workcopy import TooLarge, enter_copy

PORT_MARK = "{port}"
_NONE_COLLECTED = 5
# What pytest takes from the project's settings otherwise, and what a test from outside must not depend on.
_OWN_SETTINGS = ("-o", "pythonpath=", "-o", "filterwarnings=")


class AppRequest(TypedDict):
    """What is to be started, and how long that may take."""

    command: str
    health: str
    start_seconds: float
    kit: str
    """Which kit of tools this run has: `js`, `go`, or none."""


def main() -> None:
    """Do what the request says, and end with pytest's exit code; the application never outlives this process."""
    request: Any = read_request()
    report = Report(request["nonce"])
    # Before anything of the project can be found under these names.
    import pytest
    import pytest_timeout  # type: ignore[import-untyped]  # noqa: F401

    from .recorder import Recorder

    tree = os.getcwd()
    project = load(tree)
    try:
        copy = enter_copy()
    except TooLarge as error:
        report.write("broken", message=str(error))
        os._exit(0)
    _import_last(copy)
    for folder in {test.partition("/")[0] for test in request["tests"] if "/" in test}:
        shutil.rmtree(os.path.join(copy, folder), ignore_errors=True)
    app = _started(request, report, copy, _equip(request["kit"], copy))
    code = _NONE_COLLECTED
    wanted = present(request["tests"], tree, report) if app is None or app.up else []
    if wanted:
        recorder = Recorder(report, copy, wanted, expected(project, wanted))
        own = [*_OWN_SETTINGS, f"--confcutdir={os.path.join(tree, wanted[0].partition('/')[0])}"]
        code = int(pytest.main([*own, *arguments(request, project, tree, wanted)], plugins=[recorder]))
    if app is not None:
        report.write("app", **app.stop())
    report.write("end", code=code)
    os._exit(code)


def _import_last(copy: str) -> None:
    """Tests from outside find the application behind everything else: no file of its own stands for their libraries."""
    own = [path for path in sys.path if path == copy or path.startswith(f"{copy}/")]
    sys.path[:] = [*(path for path in sys.path if path not in own), *own]


def _equip(kit: str, folder: str) -> dict[str, list[str]]:
    """Make the tools of the project's language usable; the words that programs stand for."""
    if kit == "go":
        toolchain = read_toolchain()
        os.environ.update(toolchain.environment())
        return {"go": [os.path.join(toolchain.root, "bin", "go")]}
    if kit == "js":
        ground = read_ground()
        link_packages(ground, folder)
        return {"tsx": ground.command(), "node": [ground.node]}
    return {}


def _started(
    request: AppRequest, report: Report, folder: str, tools: dict[str, list[str]]
) -> AppProcess | None:
    """The application, up or not; None when there is nothing to start. Tests read where it is from the environment."""
    if not request["command"]:
        return None
    variables, words = command_line(request["command"], folder, tools)
    if request["kit"] == "go":
        words = compiled(words, request["start_seconds"])
    os.environ["APP_COMMAND"] = _joined(variables, words)
    if PORT_MARK not in request["command"]:
        return None
    try:
        port = free_port()
    except OSError as error:
        report.write("unreachable", message=str(error))
        return None
    os.environ["APP_URL"] = f"http://127.0.0.1:{port}"
    filled = [word.replace(PORT_MARK, str(port)) for word in words]
    environment = {name: value.replace(PORT_MARK, str(port)) for name, value in variables.items()}
    app = AppProcess(filled, {**os.environ, **environment}, port)
    app.wait(request["health"], request["start_seconds"])
    return app


def _joined(variables: dict[str, str], words: list[str]) -> str:
    """The command as tests can run it themselves, with `env` for its variables and the mark for a port of their own."""
    set_by = ["env", *(f"{name}={value}" for name, value in variables.items())] if variables else []
    return shlex.join([*set_by, *words])
