"""Whether what starts the application is there and can be imported, before anybody works on the rest."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from codegod_kit.plan_records import PORT_MARK
from codegod_orchestrator.toolset import Desk
from codegod_workers import Finding

STAGE: Final = "start"
_ASSIGNED: Final = re.compile(r"[A-Za-z_]\w*=")
# An import of a web framework takes one or two; an entry module without a guard then serves until it is ended.
ENTRY_SECONDS = 10.0
ANY_PORT: Final = "8000"  # nothing else listens in the sandbox's own network

# A stub that an unguarded entry module calls may say so, and a program may end: both mean that it was imported.
_IMPORT: Final = """\
import importlib, sys
del sys.argv[0]
try:
    importlib.import_module(sys.argv[0])
except (NotImplementedError, SystemExit):
    pass
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a start command runs."""

    module: str
    arguments: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()


def entry_of(start: str) -> Entry | None:
    """The module behind a command such as `PORT=1 python -m todo --port {port}`; None for other commands."""
    words = [word.replace(PORT_MARK, ANY_PORT) for word in shlex.split(start)]
    environment = tuple(takewhile(_ASSIGNED.match, words))
    command = words[len(environment) :]
    if len(command) < 3 or not command[0].startswith("python") or command[1] != "-m":
        return None
    return Entry(command[2], tuple(command[3:]), environment)


def entry_files(module: str, files: Collection[str]) -> tuple[str, str]:
    """The file of `module` among `files` with the module's full name; empty texts when it is none of ours."""
    inside = module.replace(".", "/")
    for root in ("src/", ""):
        for path, name in ((f"{inside}/__main__.py", f"{module}.__main__"), (f"{inside}.py", module)):
            if root + path in files:
                return root + path, name
    return "", ""


def missing_entry(start: str, files: Collection[str]) -> tuple[Finding, ...]:
    """What a plan lacks when its start command runs a package of its own that cannot be run."""
    entry = entry_of(start)
    module = entry.module if entry else ""
    package = module.replace(".", "/")
    ours = [path for path in files if path.startswith((f"src/{package}/", f"{package}/"))]
    if not module or not ours or entry_files(module, files)[0]:
        return ()
    wanted = f"{ours[0][: ours[0].index(package)]}{package}/__main__.py"
    message = f"the application is started by `{start}`: add {wanted!r} to the skeleton or to a task's files"
    return (Finding(stage="plan", path="start", message=message),)


async def broken_entry(desk: Desk, start: str, files: Collection[str]) -> tuple[Finding, ...]:
    """What keeps the entry module of the desk's tree from being imported while every task is a stub."""
    entry = entry_of(start)
    path, name = entry_files(entry.module, files) if entry else ("", "")
    if entry is None or not path:
        return ()
    arguments = {
        "command": ["python", "-c", _IMPORT, name, *entry.arguments],
        "timeout_s": ENTRY_SECONDS,
        "env": [*entry.environment, "PYTHONPATH=src:."],
    }
    ran = await desk.maybe("sandbox.exec_run", arguments)
    result = (ran.data or {}) if ran else {}
    # Ended by us is started; and what the sandbox would not run, it has told nothing about.
    if result.get("status", "timeout") == "timeout" or result.get("exit_code") == 0:
        return ()
    said = str(result.get("stderr", "")).strip().splitlines()
    reason = said[-1] if said else str(result.get("status", ""))
    message = f"`{start}` cannot start: importing {name!r} on the stubs ends with {reason!r}"
    return (Finding(stage=STAGE, path=path, message=message),)
