"""The projects that a simulator plays: asked of its process, as nobody here may import it."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence

import anyio
from pydantic import BaseModel, ConfigDict

from codegod_kit.plan import Behaviour
from codegod_orchestrator.doors.settings import Refused
from codegod_orchestrator.doors.simulated import OPTIONS, START_SECONDS


class PlayedProject(BaseModel):
    """What is asked for, and the tests that see from outside whether it was built."""

    model_config = ConfigDict(frozen=True)

    name: str
    prompt: str
    behaviours: tuple[Behaviour, ...] = ()
    tests: Mapping[str, str] = {}


class _Listing(BaseModel):
    projects: tuple[PlayedProject, ...]


async def played_projects(references: Sequence[str], more: str = "") -> tuple[PlayedProject, ...]:
    """Those in the folders `references`, then the bundled ones; raises `Refused` with the simulator's own words.

    `more` are the options that the simulator of a build is started with: they may name folders too.
    """
    options = [part for folder in references for part in ("--reference", folder)]
    try:
        options += shlex.split(more)
    except ValueError as error:
        raise Refused(f"{OPTIONS} cannot be read ({error}). Close its quotes.") from error
    command = [sys.executable, "-m", "codegod_simulator", "--list", *options]
    try:
        with anyio.fail_after(START_SECONDS):
            ran = await anyio.run_process(command, check=False)
    except TimeoutError as error:
        raise Refused(f"The simulator said nothing within {START_SECONDS:.0f} s. Try again.") from error
    if ran.returncode:
        said = ran.stderr.decode("utf-8", "replace").strip().splitlines()
        raise Refused(said[-1] if said else f"The simulator ended with {ran.returncode}.")
    return _Listing.model_validate_json(ran.stdout).projects
