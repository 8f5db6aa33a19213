"""`codegod bench --model X`: builds the bundled projects with X as the worker, and says how often it was right."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from rich.console import Console

from codegod_orchestrator.doors.bench_text import benched_lines
from codegod_orchestrator.doors.benched import Benched, write_benched
from codegod_orchestrator.doors.choice import SIMULATOR, Choice
from codegod_orchestrator.doors.cli import EXIT_DONE, EXIT_FAILED, EXIT_PARTIAL
from codegod_orchestrator.doors.commands.benching import Benching
from codegod_orchestrator.doors.commands.build import check_limits, parallel
from codegod_orchestrator.doors.commands.limiting import limits_of
from codegod_orchestrator.doors.commands.running import guarded
from codegod_orchestrator.doors.engine import Opened, open_engine, open_models
from codegod_orchestrator.doors.interruption import advise
from codegod_orchestrator.doors.played import PlayedProject, played_projects
from codegod_orchestrator.doors.settings import Refused, Settings, read_settings
from codegod_orchestrator.doors.simulated import OPTIONS, STRONG
from codegod_orchestrator.options import BuildOptions


def run(options: argparse.Namespace) -> int:
    """Build each project; 0 when all are done, 3 when some are not, 1 when none came to an end."""
    return guarded(lambda console: _bench(options, console))


async def _bench(options: argparse.Namespace, console: Console) -> int:
    settings = read_settings()
    choice = Choice(options.master, _ladder(options.model, options.master))
    if choice.asks_host:
        raise Refused("A bench asks nobody but models: name one, e.g. --model ollama:qwen2.5-coder:7b.")
    _check_file(options.out)
    limits = limits_of(options)
    played = settings.environment.get(OPTIONS, "") if choice.simulated else ""
    projects = _chosen(await played_projects(_folders(choice), played), options.project)
    kept = BuildOptions(
        master=choice.master,
        ladder=choice.ladder,
        limits=limits,
        max_parallel=parallel(options.max_parallel, settings),
    )
    async with open_models(choice, settings) as opened:
        _announce(options.model, options.master, opened, console)
        check_limits(limits, opened, console)
        async with open_engine(settings, mcp_config=options.mcp_config, played=opened.simulated) as engine:
            advise("Builds of an unfinished bench count for nothing; start it again.")
            builds = await Benching(engine, opened, kept, console).builds(projects)
    benched = Benched(
        model=options.model,
        master=options.master,
        played=played,
        limits=limits.shown(),
        version=version("codegod"),
        at=datetime.now(UTC),
        builds=builds,
    )
    return _conclude(benched, settings, options.out, console)


def _announce(model: str, master: str, opened: Opened, console: Console) -> None:
    """Say whose rates these will be, and which part is only played."""
    for note in (note for info in opened.infos for note in info.notes):
        console.print(f"  {note}", highlight=False, markup=False)
    if _is_simulated(master):
        console.print(
            f"{model} writes the code; a simulated master plays each project's own plan and contract, and finishes what "
            "is given up.",
            highlight=False,
            markup=False,
        )
    if _is_simulated(model):
        console.print(
            f"{model} is simulated too: these are the rates that it was told to play.", highlight=False
        )


def _is_simulated(name: str) -> bool:
    return name.partition(":")[0] == SIMULATOR


def _conclude(benched: Benched, settings: Settings, out: str, console: Console) -> int:
    """Say and keep what was found out; returns the exit code."""
    console.print()
    for line in benched_lines(benched):
        console.print(line, highlight=False, markup=False)
    file = write_benched(settings.state, benched)
    if out:
        Path(out).write_text(benched.model_dump_json(indent=2) + "\n", encoding="utf-8")
    console.print(
        f"Kept in {file}{f' and {out}' if out else ''}; codegod doctor shows it.",
        highlight=False,
        markup=False,
    )
    if all(build.held for build in benched.builds):
        return EXIT_DONE
    return EXIT_FAILED if all(build.state == "failed" for build in benched.builds) else EXIT_PARTIAL


def _ladder(model: str, master: str) -> tuple[str, ...]:
    """The model, and above it whoever plays the project: what it gives up is finished, so that the tasks behind are tried."""
    second = f"{SIMULATOR}:{STRONG}"
    return (model, second) if _is_simulated(master) and model != second else (model,)


def _chosen(projects: Sequence[PlayedProject], names: Sequence[str]) -> tuple[PlayedProject, ...]:
    """The projects called one of `names`, or all; raises `Refused` for a name that there is not."""
    known = [project.name for project in projects]
    for name in names:
        if name not in known:
            raise Refused(f"No project is called {name!r}. Choose from {', '.join(known)}.")
    return tuple(project for project in projects if not names or project.name in names)


def _folders(choice: Choice) -> list[str]:
    """The folders of a user's own projects that a simulated part was named with."""
    parts = [name.partition(":") for name in (choice.master, *choice.ladder)]
    return sorted({rest for name, _, rest in parts if name == SIMULATOR} - {"", STRONG})


def _check_file(out: str) -> None:
    """Hours of builds are not begun for a result that has no place to go."""
    if out and not (Path(out).absolute().parent.is_dir() and not Path(out).is_dir()):
        raise Refused(f"--out {out!r} cannot be written. Name a file in a folder that is there.")
