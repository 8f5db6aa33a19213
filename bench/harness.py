"""Whole builds against a simulator that is right, empty, faulty or as weak as a small model, judged from outside.

    uv run python bench/harness.py --quick
    uv run python bench/harness.py [--only oracle,null,faults,preset,ablations] [--project NAME] [--fault KIND] [--builds 20]
    uv run python bench/harness.py --folder DIR --results FILE    (a long run: goes on where it was stopped)
    uv run python bench/harness.py --summary FILE

Every build is a process of the installed command `codegod`. What it delivered is then judged by this program alone: the
reference project's acceptance tests are run on the delivered repository, the tests that it holds are compared with
those that the reference meant, and the suite is run at every first-parent commit. Exit code 1 when a build said `done`
and was not (a false done), when a wrong contract landed, when a commit is red, when a perfect model did not get done,
when an empty one did, or when a process ended in any other way than done, partial or failed. Seeds are printed; the
same seed plays the same answers.
"""

from __future__ import annotations

import argparse
import itertools
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if not __package__:  # run as a file: what lies beside it is found from the root
    sys.path.insert(0, str(ROOT))

from bench.cases import GROUPS, WEAK, Case, cases, projects
from bench.results import Verdict, append_result, read_results, summary

BUILD_SECONDS = 900  # thirty times a bundled build: what is still busy then hangs
JUDGE_SECONDS = 3600  # a suite for every commit, on a busy machine
ENDS = {0: "done", 3: "partial", 1: "failed"}


@dataclass(slots=True)
class Bench:
    """Where the builds are made: one state folder for all, so that environments are prepared once."""

    folder: Path
    patience: float = BUILD_SECONDS
    revision: str = ""
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))  # builds share one bench

    def judge(self, case: Case) -> Verdict:
        """Make the build of `case`; what it delivered and said is kept only when something is wrong with it."""
        place = self._place()
        started = time.monotonic()
        code, told = self._build(case, place)
        seconds = time.monotonic() - started
        state = ENDS.get(code, f"exit {code}")
        complaints = tuple(self._complaints(case, state, place / "out", told))
        found = re.search(r"^(b-\w+) {2}", told, re.MULTILINE)
        build = found[1] if found else ""
        attempts, cached, overhead = self._figures(build)
        verdict = Verdict(
            key=case.key,
            project=case.project.plan.name,
            group=case.group,
            name=case.name,
            options=case.options,
            without=case.without,
            state=state,
            reason="" if state == "done" else _reason(told),
            seconds=round(seconds, 1),
            attempts=attempts,
            complaints=complaints,
            struck=_has_struck(place / "struck", case) if case.fault else None,
            cached=cached,
            overhead=overhead,
            build=build,
            revision=self.revision,
            ended=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        (place / "told").write_text(told, "utf-8")
        if not complaints or case.without:
            shutil.rmtree(place, ignore_errors=True)
        return verdict

    def _place(self) -> Path:
        """A folder for one build. Those of an earlier run that something was wrong with stay."""
        for number in self._numbers:
            place = self.folder / f"build-{number}"
            try:
                place.mkdir(parents=True)
            except FileExistsError:
                continue
            return place
        raise AssertionError("unreachable")

    def _build(self, case: Case, place: Path) -> tuple[int, str]:
        program = [_program("codegod")]
        if case.without:
            program = [sys.executable, str(Path(__file__).with_name("ablated.py")), case.without]
        named = "" if case.project.is_bundled else f":{case.project.folder}"
        ladder = ",".join(rung + (named if rung == WEAK else "") for rung in case.ladder.split(","))
        command = [*program, "build", case.project.prompt, "--out", str(place / "out")]
        command += ["--master", f"simulator{named}", "--ladder", ladder]
        with (place / "telling").open("w+", encoding="utf-8", errors="replace") as telling:
            try:
                code = subprocess.run(
                    command,
                    env=self._environment(case, place),
                    cwd=place,
                    stdin=subprocess.DEVNULL,
                    stdout=telling,
                    stderr=subprocess.STDOUT,
                    timeout=self.patience,
                    check=False,
                ).returncode
            except subprocess.TimeoutExpired:
                code = -1
            telling.seek(0)
            return code, telling.read()

    def _environment(self, case: Case, place: Path) -> dict[str, str]:
        keep = {
            name: value for name, value in os.environ.items() if not name.endswith(("_API_KEY", "_MODEL"))
        }
        keep.pop("OLLAMA_HOST", None)
        return (
            keep
            | {
                "CODEGOD_STATE_DIR": str(self.folder / "state"),
                "CODEGOD_SIMULATOR_OPTIONS": f"{case.options} --struck {shlex.quote(str(place / 'struck'))}",
                "CODEGOD_IDLE_SECONDS": "5",  # a stalled stream is given up after five seconds instead of two minutes
            }
        )

    def _complaints(self, case: Case, state: str, out: Path, told: str) -> Iterator[str]:
        """What is wrong with how a build ended."""
        if state not in ENDS.values():
            yield f"ended as {state}: {_last_line(told)}"
        if "Traceback (most recent call last)" in told:
            yield f"crashed: {_last_line(told)}"
        elif case.must_be_done and state != "done":
            yield f"not done: {_reason(told)}"
        if case.must_not_be_done and state == "done":
            yield "done with an empty model"
        if state == "done" or (out / ".git").exists():
            more = [] if state == "done" else ["--commits-only"]
            judge = [sys.executable, "-m", "bench.judging", *more]
            command = [*judge, "--cache", str(self.folder / "judge"), str(case.project.folder), str(out)]
            judged = subprocess.run(
                command, cwd=ROOT, capture_output=True, text=True, timeout=JUDGE_SECONDS, check=False
            )
            yield from judged.stdout.splitlines()
            if judged.returncode:
                yield f"could not be judged: {_last_line(judged.stderr)}"

    def _figures(self, build: str) -> tuple[int, float | None, float | None]:
        """Attempts, the share of the master's input that was read from the cache, and seconds of overhead per attempt."""
        if not build:
            return 0, None, None
        place = f"file:{self.folder / 'state' / 'journal.db'}?mode=ro"
        with closing(sqlite3.connect(place, uri=True)) as journal:
            (attempts, spent) = journal.execute(
                "select count(*), coalesce(sum(ended - dispatched), 0) from attempts where build = ?",
                (build,),
            ).fetchone()
            (read, fresh, written) = journal.execute(
                "select sum(cache_read_tokens), sum(input_tokens), sum(cache_write_tokens) from model_calls "
                "where build = ? and attempt = ''",
                (build,),
            ).fetchone()
            (busy,) = journal.execute(
                "select coalesce((select sum(seconds) from tool_calls where build = :b and attempt != ''), 0) + "
                "coalesce((select sum(seconds) from model_calls where build = :b and attempt != ''), 0)",
                {"b": build},
            ).fetchone()
        total = (read or 0) + (fresh or 0) + (written or 0)
        return (
            attempts,
            (read or 0) / total if total else None,
            (spent - busy) / attempts if attempts else None,
        )


def _has_struck(file: Path, case: Case) -> bool:
    """Whether the fault of a case was due in its own project: the simulator tells it line by line."""
    lines = file.read_text("utf-8").splitlines() if file.is_file() else []
    return any(line.split()[:2] == [case.fault, case.project.plan.name] for line in lines)


def _program(name: str) -> str:
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.is_file() else name


def _reason(told: str) -> str:
    """Why a build ended as it did, in its own words."""
    said = [line for line in told.splitlines() if re.match(r"\s+(Why|Not proved|Reason|Failed)\b", line)]
    return said[0].strip()[:160] if said else _last_line(told)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:160] if lines else "nothing was said"


def run(bench: Bench, wanted: Iterable[Case], jobs: int, results: Path) -> None:
    """Make the builds that `results` does not know yet, and add each verdict to it at once."""
    known = {verdict.key for verdict in read_results(results)}
    new = [case for case in wanted if case.key not in known]
    print(f"{len(new)} builds to make", flush=True)
    with ThreadPoolExecutor(jobs) as pool:
        for verdict in pool.map(lambda case: _kept(bench.judge(case), results), new):
            print(verdict.line, flush=True)


def _kept(verdict: Verdict, results: Path) -> Verdict:
    append_result(results, verdict)
    return verdict


def _revision() -> str:
    """The commit of this work tree, marked when it holds more than that."""
    told = subprocess.run(
        ["git", "-C", str(ROOT), "describe", "--always", "--dirty"],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    return told.stdout.strip()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="a sample of the faults on the smallest project, few builds")
    add("--only", default=GROUPS, help=f"which groups ({GROUPS})")
    add("--project", action="append", default=[], help="a project's name, in the order that is wanted (all)")
    add("--reference", type=Path, action="append", default=[], help="a reference project of your own")
    add("--fault", action="append", default=[], help="one kind of the catalogue (all)")
    add("--preset", default="7b", help="of the builds at a published rate")
    add("--builds", type=int, default=0, help="how many of those (20; quick: 2)")
    add("--ablated", type=int, default=5, help="how many of those once more without each part")
    add("--seed", type=int, default=1, help="the first seed")
    add("--jobs", type=int, default=1, help="builds at a time")
    add("--patience", type=float, default=BUILD_SECONDS, help="seconds after which a build hangs")
    add("--folder", type=Path, help="make the builds here and keep state and evidence")
    add("--results", type=Path, help="add each verdict to this file, and pass over the builds that it knows")
    add("--summary", type=Path, metavar="FILE", help="print the tables of a results file and build nothing")
    return parser


def options_of(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """What was asked for, with what `--quick` leaves out."""
    options = _parser().parse_args(arguments)
    options.builds = options.builds or (2 if options.quick else 20)
    if options.quick and options.only == GROUPS:
        options.only = "oracle,null,faults,preset"
    return options


def main() -> int:
    options = options_of()
    if options.summary:
        return _conclude(read_results(options.summary))
    if not options.quick and not options.fault:
        print("A whole run takes hours; --quick takes some minutes.", flush=True)
    folder = (options.folder or Path(tempfile.mkdtemp(prefix="codegod-harness-"))).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    results = options.results or folder / "results.jsonl"
    try:
        chosen = projects([path.absolute() for path in options.reference], options.project)
        bench = Bench(folder, options.patience, _revision())
        run(bench, cases(chosen, options), options.jobs, results)
        return _conclude(read_results(results))
    finally:
        if options.folder is None:
            shutil.rmtree(folder, ignore_errors=True)


def _conclude(verdicts: list[Verdict]) -> int:
    print("\n".join(["", *summary(verdicts)]))
    whole = [verdict for verdict in verdicts if not verdict.without]
    wrong = sum(bool(verdict.complaints) for verdict in whole)
    false_done = sum(verdict.false_done for verdict in whole)
    print(f"\n{len(whole)} builds of the whole product, false done: {false_done}, complaints: {wrong}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
