"""Times the bundled todo build: wall time, memory of the whole process tree, overhead beside tools and models.

    uv run python bench/todo_build.py [--runs 3]

The first run fills the caches and is not counted. Everything runs in a temporary state folder.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

PROMPT = "Create a REST API for todo management"
SAMPLE_SECONDS = 0.1
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Run:
    wall: float
    memory: int
    tasks: int
    overhead: float


class Peak:
    """The most memory that a process and all its descendants held together, in bytes (PSS, shared pages divided)."""

    def __init__(self, pid: int) -> None:
        self.bytes = 0
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        self._over.set()
        self._thread.join()
        return self.bytes

    def _sample(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            self.bytes = max(self.bytes, sum(_pss(pid) for pid in _tree(self._pid)))


def _tree(root: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[1])
            except (OSError, IndexError, ValueError):
                continue
            parents.setdefault(parent, []).append(int(entry.name))
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting.extend(parents.get(pid, ()))
    return found


def _pss(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii")
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:")), 0)


def measure(state: Path, out: Path, *options: str) -> Run:
    """One build of the todo project from its command line."""
    environment = {**os.environ, "CODEGOD_STATE_DIR": str(state)}
    for name in ("ANTHROPIC_API_KEY", "OLLAMA_HOST", "MASTER_MODEL", "WORKER_MODEL"):
        environment.pop(name, None)
    command = [sys.executable, "-m", "codegod_orchestrator.doors.cli", "build", PROMPT, "--out", str(out)]
    command += options
    started = time.monotonic()
    build = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    peak = Peak(build.pid)
    code = build.wait()
    wall = time.monotonic() - started
    memory = peak.stop()
    if code:
        raise SystemExit(f"the build ended with {code}")
    tasks, overhead = _overhead(state / "journal.db")
    return Run(wall, memory, tasks, overhead)


def _overhead(journal: Path) -> tuple[int, float]:
    """Accepted tasks of the newest build, and the seconds of its attempts in which no tool and no model worked."""
    with sqlite3.connect(journal) as connection:
        (build,) = connection.execute("select id from builds order by created desc limit 1").fetchone()
        (tasks,) = connection.execute(
            "select count(*) from tasks where build = ? and state = 'accepted'", (build,)
        ).fetchone()
        attempts = connection.execute(
            "select sum(ended - dispatched) from attempts where build = ?",
            (build,),
        ).fetchone()[0]
        tools = connection.execute(
            "select coalesce(sum(seconds), 0) from tool_calls where build = ? and attempt != ''", (build,)
        ).fetchone()[0]
        models = connection.execute(
            "select coalesce(sum(seconds), 0) from model_calls where build = ? and attempt != ''", (build,)
        ).fetchone()[0]
    return tasks, (attempts - tools - models) / tasks


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="codegod-bench-"))
    folder.chmod(0o755)
    try:
        runs = [measure(folder / "state", folder / f"out{number}") for number in range(options.runs + 1)][1:]
        # One task at a time: the time of an attempt then holds no waiting for another one's landing.
        alone = measure(folder / "state", folder / "alone", "--max-parallel", "1")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"tasks accepted            {runs[0].tasks}")
    print(f"wall, s                   {_spread([run.wall for run in runs])}")
    print(f"memory of the tree, MiB   {_spread([run.memory / MIB for run in runs])}")
    print(f"overhead per task, s      {alone.overhead:.2f} (one task at a time, wall {alone.wall:.2f})")


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} (min {min(values):.2f}, max {max(values):.2f})"


if __name__ == "__main__":
    main()
