"""Starts the simulator as a process of its own and waits until it listens. It ends when its input closes."""

from __future__ import annotations

import importlib
import json
import shlex
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import IO

import anyio
from anyio.abc import Process
from anyio.streams.text import TextReceiveStream

from codegod_orchestrator.doors.settings import Refused

OPTIONS = "CODEGOD_SIMULATOR_OPTIONS"  # e.g. "--preset 7b --seed 3", as `codegod-simulator --help` lists them
STRONG = (
    "strong"  # `--ladder simulator,simulator:strong`: the second rung is the model that is the master too
)
START_SECONDS = 60.0  # importing a web framework on a cold, busy machine


@dataclass(frozen=True, slots=True)
class Simulated:
    """A running simulator: where it listens, and the names that its two parts answer to."""

    url: str
    master: str
    worker: str

    @property
    def address(self) -> str:
        return self.url.removeprefix("http://").rstrip("/")


@asynccontextmanager
async def simulator(references: Sequence[str], more: str = "") -> AsyncIterator[Simulated]:
    """A simulator that plays the bundled projects and the folders `references`; raises `Refused` with its words.

    `more` are further options in one text, as a shell reads them.
    """
    options = [part for folder in references for part in ("--reference", folder)]
    try:
        options += shlex.split(more)
    except ValueError as error:
        raise Refused(f"{OPTIONS} cannot be read ({error}). Close its quotes.") from error
    command = [sys.executable, "-m", "codegod_simulator", "--port", "0", *options]
    with tempfile.TemporaryFile() as words:
        async with await anyio.open_process(command, stderr=words, start_new_session=True) as process:
            try:
                _load_clients()
                yield await _announced(process, words)
            finally:
                with anyio.CancelScope(shield=True):
                    if process.returncode is None:
                        process.terminate()
                    await process.wait()


def _load_clients() -> None:
    """Import the clients that will talk to it now: that takes as long as its own start, which goes on meanwhile."""
    for client in ("anthropic", "ollama"):
        importlib.import_module(f"codegod_models.{client}")


async def _announced(process: Process, words: IO[bytes]) -> Simulated:
    """What the simulator says of itself on its first line."""
    assert process.stdout  # noqa: S101  # a pipe, by the call above
    line = ""
    with anyio.move_on_after(START_SECONDS):
        async for part in TextReceiveStream(process.stdout):
            line += part
            if "\n" in line:
                told = json.loads(line)
                return Simulated(told["url"], told["master"], told["worker"])
    words.seek(0)
    said = words.read().decode("utf-8", "replace").strip().splitlines()
    raise Refused(
        said[-1] if said else f"The simulator did not start within {START_SECONDS:.0f} s. Try again."
    )
