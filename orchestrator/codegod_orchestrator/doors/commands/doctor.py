"""`codegod doctor`: what is here, what is missing, and what to do about it. Only `--model` keeps something: its findings."""

from __future__ import annotations

import argparse
import platform
import shutil
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal

from rich.console import Console
from rich.markup import escape

from codegod_mesh import ConfigFault
from codegod_models import ModelFault
from codegod_orchestrator.doors.bench_text import sentence
from codegod_orchestrator.doors.benched import read_benched
from codegod_orchestrator.doors.choice import REAL_MODELS, Choice, choose_models
from codegod_orchestrator.doors.cli import EXIT_DONE, EXIT_USAGE
from codegod_orchestrator.doors.commands.doctor_model import probe_model
from codegod_orchestrator.doors.commands.running import guarded
from codegod_orchestrator.doors.engine import open_engine, open_models
from codegod_orchestrator.doors.settings import Refused, Settings, read_settings
from codegod_orchestrator.journal import JournalFault

FREE_BYTES = (
    2 << 30
)  # an environment with a web framework and its cache take some hundred MB; a build a few MB
BENCHES_SHOWN = 5  # the newest; a screen is to be read at a glance

Mark = Literal["ok", "note", "missing"]
_MARKS: dict[Mark, str] = {
    "ok": "[green]ok     [/green]",
    "note": "[cyan]note   [/cyan]",
    "missing": "[red]missing[/red]",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at; what is `missing` stops a build."""

    mark: Mark
    name: str
    text: str


def run(options: argparse.Namespace) -> int:
    """Look at everything a build needs; 0 when one could start now, 2 when something is missing.

    With `--model`, ask that model some twenty micro-tasks instead; 0 when it fits a role, 3 when it fits none.
    """
    if model := str(getattr(options, "model", "")):
        return guarded(lambda console: probe_model(model, console))
    return guarded(lambda console: _doctor(options, console))


async def _doctor(options: argparse.Namespace, console: Console) -> int:
    missing = 0
    async for line in _lines(options):
        missing += line.mark == "missing"
        console.print(f"{_MARKS[line.mark]} {line.name:12} {escape(line.text)}", highlight=False)
    console.print(
        "A build can start." if not missing else "Mend what is missing, then run codegod doctor again."
    )
    return EXIT_USAGE if missing else EXIT_DONE


async def _lines(options: argparse.Namespace) -> AsyncIterator[Line]:
    yield Line("ok", "python", platform.python_version())
    yield _git()
    try:
        settings = read_settings()
    except Refused as fault:
        yield Line("missing", "state", str(fault))
        return
    yield _state(settings)
    async for line in _models(options, settings):
        yield line
    for benched in read_benched(settings.state)[:BENCHES_SHOWN]:
        yield Line("note", "bench", f"{benched.name}, {benched.at:%Y-%m-%d}: {sentence(benched)}")
    for line in await _sandbox(settings):
        yield line
    yield _docker()


def _git() -> Line:
    if shutil.which("git") is None:
        return Line("missing", "git", "not installed; apt install git, or brew install git")
    told = subprocess.run(["git", "version"], capture_output=True, text=True, check=False, timeout=10)
    return Line("ok", "git", told.stdout.strip().removeprefix("git version "))


def _state(settings: Settings) -> Line:
    free = shutil.disk_usage(settings.state).free
    text = f"{settings.state}, {free // (1 << 20)} MiB free"
    if free < FREE_BYTES:
        return Line("missing", "state", f"{text}: make room, or set CODEGOD_STATE_DIR to a larger disk")
    return Line("ok", "state", text)


async def _models(options: argparse.Namespace, settings: Settings) -> AsyncIterator[Line]:
    try:
        choice = choose_models(
            settings.environment, master=options.master, worker=options.worker, ladder=options.ladder
        )
    except Refused as fault:
        yield Line("missing", "models", str(fault))
        return
    if choice.simulated:
        yield Line(
            "note",
            "models",
            f"simulated: a recorded project is played back. {REAL_MODELS}",
        )
    try:
        async with open_models(choice, settings) as opened:
            for part, info in zip(_parts(choice), opened.infos, strict=True):
                context = f", context {info.context_tokens} tokens" if info.context_tokens else ""
                price = "" if info.price else ", price unknown"
                yield Line("ok", part, f"{info.model}{context}{price}")
                for note in info.notes:
                    yield Line("note", part, note)
    except (ModelFault, Refused) as fault:
        yield Line("missing", "models", str(fault))


def _parts(choice: Choice) -> list[str]:
    return ["master", *(f"worker {rung}" for rung in range(1, 1 + len(choice.ladder)))]


async def _sandbox(settings: Settings) -> list[Line]:
    try:
        async with open_engine(settings) as engine:
            facts = engine.facts
    except (Refused, ConfigFault, JournalFault) as fault:
        return [Line("missing", "sandbox", str(fault))]
    text = f"{facts.sandbox_level}, Python {facts.python}, {', '.join(facts.validators)}"
    return [Line("ok", "sandbox", text), *(Line("note", "sandbox", problem) for problem in facts.problems)]


def _docker() -> Line:
    if shutil.which("docker") is None:
        return Line("note", "docker", "not installed; images are written and not built")
    return Line(
        "note", "docker", "a client is here; where its engine answers, a build ends by building its image"
    )
