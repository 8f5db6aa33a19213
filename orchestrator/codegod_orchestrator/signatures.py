"""Whether a worker kept what a file promises to others.

A contract's stub fixes the public names of a file, their parameters and their annotations; other tasks are written
against them at the same time. Adding is free: names, methods, optional parameters, decorators.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Final

from codegod_kit.plan import Task
from codegod_orchestrator.contract import CONTRACT_REF
from codegod_orchestrator.contract_files import is_test_file
from codegod_orchestrator.revisions import text_at
from codegod_orchestrator.surfaces import go_surface, python_surface, script_surface
from codegod_orchestrator.surfaces.source_tree import SCRIPTS, suffix_of
from codegod_orchestrator.surfaces.surface import Name, changes
from codegod_orchestrator.toolset import Desk
from codegod_workers import Finding

STAGE: Final = "signatures"

_GO: Final = ".go"
_READ: Final = SCRIPTS | {".py", _GO}


async def drifted(desk: Desk, task: Task, commit: str, contract: str = CONTRACT_REF) -> tuple[Finding, ...]:
    """What `commit` changed in the public names that the stubs of `task` in `contract` fix."""
    stubs: dict[str, str] = {}
    texts: dict[str, str] = {}
    for path in task.files:
        if suffix_of(path) not in _READ or is_test_file(path):
            continue
        texts[path] = await text_at(desk, commit, path) or ""
        stub = await text_at(desk, contract, path)
        if stub is not None:
            stubs[path] = stub
    return tuple(found for path, stub in stubs.items() for found in _drift(stub, path, texts))


def drift(stub: str, text: str, path: str) -> tuple[Finding, ...]:
    """The public names, parameters and annotations of `stub` that the file `text` has lost or changed."""
    return tuple(_drift(stub, path, {path: text}))


def _drift(stub: str, path: str, texts: Mapping[str, str]) -> Iterator[Finding]:
    """What became of one stub in these `texts` of its task; nothing where the stub itself cannot be read.

    What belongs to one package of Go may stand in any of its files.
    """
    try:
        promised = _surface(path, stub)
    except SyntaxError:
        return
    kept: dict[str, Name] = {}
    for other in (path, *(_same_package(path, texts) if suffix_of(path) == _GO else ())):
        try:
            kept = {**_surface(other, texts[other]), **kept}
        except SyntaxError as fault:
            if other == path:
                yield from _unreadable(path, fault)
            return
    for _, line, message in changes(promised, kept):
        yield Finding(stage=STAGE, path=path, line=line, rule="signature-drift", message=message)


def _surface(path: str, text: str) -> Mapping[str, Name]:
    suffix = suffix_of(path)
    if suffix == ".py":
        return python_surface.surface(text)
    return go_surface.surface(path, text) if suffix == _GO else script_surface.surface(path, text)


def _same_package(path: str, texts: Mapping[str, str]) -> list[str]:
    folder = PurePosixPath(path).parent
    return [
        other
        for other in texts
        if other != path and suffix_of(other) == _GO and PurePosixPath(other).parent == folder
    ]


def _unreadable(path: str, fault: SyntaxError) -> Iterator[Finding]:
    """Python has one grammar, and the checks name what breaks it; ours of the others may be behind theirs."""
    if suffix_of(path) != ".py":
        message = (
            f"{fault} here, so its signatures cannot be compared with the stub: write it in plainer syntax"
        )
        yield Finding(stage=STAGE, path=path, rule="unreadable", message=message)
