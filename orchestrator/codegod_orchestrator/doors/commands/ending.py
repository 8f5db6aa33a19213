"""What stands on the screen when a build has ended: what came of it, where it lies, and what to do next."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from codegod_orchestrator.doors.choice import REAL_MODELS
from codegod_orchestrator.finish.artifacts import tests_command
from codegod_orchestrator.limits import FLAGS
from codegod_orchestrator.reports.report import Report
from codegod_orchestrator.reports.report_text import report_summary


def show_ending(report: Report, log: Path, console: Console) -> None:
    """Print the summary of a build that has ended. What may be copied is never broken into two lines."""
    build = report.build
    console.print()
    _say(console, f"{build.id} is {build.state}: {report.name or 'nothing was planned'}")
    _show_facts(report_summary(report), console)
    if report.spend.simulated:
        _say(console, f"  {REAL_MODELS}", wrapped=True)
    console.print()
    if report.branch:
        place = shlex.quote(report.delivered)
        _say(console, f"The branch {report.branch} is in {report.delivered}; nothing else there was touched")
        _say(console, f"Read it: git -C {place} log -p {report.base[:12]}..{report.branch}")
        _say(console, f"Take it: git -C {place} merge {report.branch}")
    elif report.delivered:
        _say(console, f"The repository is in {report.delivered}")
        tests = tests_command(_files_of(Path(report.delivered)), _uv())
        _say(console, f"Run its tests: cd {shlex.quote(report.delivered)} && {tests}")
    _say(console, f"Every test and every attempt: codegod report {build.id}")
    if build.state == "failed":
        _say(console, f"Mend what is named above, then: codegod resume {build.id}")
        _say(console, f"The servers' own words are in {log}")
    if build.state == "partial":
        _say(
            console,
            f"Go on with a larger limit: codegod resume {build.id} {flag} MORE"
            if (flag := _stopped_by(build.reason))
            else f"Try again what is missing, with stronger models if need be: codegod resume {build.id} --ladder MODELS",
        )


def _stopped_by(reason: str) -> str:
    """The option of the limit that a build was stopped by; empty when it was none."""
    return next((flag for flag in FLAGS.values() if f"({flag}) is reached" in reason), "")


def _show_facts(facts: dict[str, str], console: Console) -> None:
    """A column of subjects beside wrapped text on a terminal, else one line each."""
    if not console.is_terminal:
        for name, value in facts.items():
            _say(console, f"  {name}: {value}")
        return
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for name, value in facts.items():
        table.add_row(f"  {name}", Text(value))
    console.print(table, soft_wrap=False)


def _say(console: Console, text: str, *, wrapped: bool = False) -> None:
    console.print(Text(text), soft_wrap=not (wrapped and console.is_terminal))


def _uv() -> str:
    """uv as the user's shell finds it: the environment that this program runs in may have one that no shell knows."""
    own = Path(sys.executable).parent
    others = os.pathsep.join(place for place in os.get_exec_path() if Path(place) != own)
    return "uv" if shutil.which("uv", path=others) else shlex.quote(str(own / "uv"))


def _files_of(folder: Path) -> set[str]:
    """The names at the top of what was delivered; none when its user has moved it away."""
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()
