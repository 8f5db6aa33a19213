"""Import every module of the project in one interpreter."""

import importlib
import os
import signal
from types import FrameType

from .blame import message_of, place_of, root_of
from .project import Project, load, standard_modules
from .report import Report, read_request
from .workcopy import TooLarge, enter_copy

# A module that takes longer waits for something that is not there.
MODULE_SECONDS = 15
# Run by hand or by a tool that prepares the ground, and not meant to be imported.
_SCRIPT_FOLDERS = frozenset(
    {"alembic", "bench", "benchmarks", "bin", "docs", "examples", "migrations", "scripts"}
)
_SCRIPTS = frozenset(
    {"__main__.py", "conftest.py", "fabfile.py", "noxfile.py", "setup.py", "tasks.py", "wsgi_test.py"}
)


class _TooSlow(BaseException):
    """Raised in the middle of an import; no `except Exception` of the project catches it."""


def main() -> None:
    """Announce each module, then say how its import went."""
    request = read_request()
    report = Report(request["nonce"])
    project = load(os.getcwd())
    try:
        folder = enter_copy()
    except TooLarge as error:
        report.write("broken", message=str(error))
        os._exit(0)
    signal.signal(signal.SIGALRM, _ring)
    for name in importable(project):
        report.write("begin", module=name, path=project.modules[name])
        _import(name, project, folder, report, judge_packages=request["env"])
    report.write("end")
    # Whatever threads the project started, this run is over.
    os._exit(0)


def importable(project: Project) -> list[str]:
    """The modules that must import, packages before what is in them."""
    return [
        name
        for name, path in sorted(project.modules.items())
        if not project.sources[path].is_test_code
        and project.sources[path].name not in _SCRIPTS
        and _SCRIPT_FOLDERS.isdisjoint(path.split("/")[:-1])
    ]


def _import(name: str, project: Project, folder: str, report: Report, *, judge_packages: bool) -> None:
    signal.setitimer(signal.ITIMER_REAL, MODULE_SECONDS)
    try:
        importlib.import_module(name)
    except _TooSlow as error:
        place = place_of(error, folder)
        message = f"Importing `{name}` does not end: start nothing when the module is imported."
        report.write("failed", path=place.path or project.modules[name], line=place.line, message=message)
    except SystemExit as error:
        place = place_of(error, folder)
        message = f"Importing `{name}` ends the program: put that under `if __name__ == '__main__':`."
        report.write("failed", path=place.path or project.modules[name], line=place.line, message=message)
    except BaseException as error:  # noqa: BLE001 - whatever the project raises is the finding
        root = root_of(error)
        missing = _missing_package(root, project)
        if missing and not judge_packages:
            report.write("missing", package=missing)
        else:
            place = place_of(root, folder)
            path = place.path or project.modules[name]
            report.write(
                "failed", path=path, line=place.line, message=f"On import: {message_of(root, folder)}"
            )
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _missing_package(error: BaseException, project: Project) -> str:
    """The package of somebody else that is not installed, '' when that is not the trouble."""
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return ""
    top = error.name.split(".")[0]
    return "" if top in project.top_level or top in standard_modules() else top


def _ring(number: int, frame: FrameType | None) -> None:
    raise _TooSlow
