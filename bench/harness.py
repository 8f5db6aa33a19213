"""Whole builds against a simulator that is right, empty, faulty or as weak as a small model, judged from outside.

    uv run python bench/harness.py --quick
    uv run python bench/harness.py [--only oracle,null,faults,preset,ablations] [--project NAME] [--fault KIND] [--builds 20]

Every build is a process of the installed command `codegod`. What it delivered is then judged by this program alone: the
reference project's acceptance tests are run on the delivered repository, and the tests that it holds are compared with
those that the reference meant. Exit code 1 when a build said `done` and was not (a false done), when a wrong contract
landed, when a perfect model did not get done, when an empty one did, or when a process ended in any other way than
done, partial or failed. Seeds are printed; the same seed plays the same answers.
"""

from __future__ import annotations

import argparse
import itertools
import os
import re
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from codegod_kit.plan import Plan, load_plan
from codegod_simulator.faults import KINDS

ABLATIONS = ("no_checks", "no_contract_tests", "no_resample", "no_amendment")
GROUPS = "oracle,null,faults,preset,ablations"
BUILD_SECONDS = 900  # thirty times a bundled build: what is still busy then hangs
ENDS = {0: "done", 3: "partial", 1: "failed"}
LADDER = "simulator,simulator:strong"
WEAK = "simulator"

QUICK_FAULTS = frozenset(
    {
        "worker:prose",
        "worker:truncation",
        "worker:malformed_json",
        "worker:no_work",
        "worker:stub_body",
        "worker:empty_values",
        "worker:hallucinated_import",
        "worker:signature_drift",
        "worker:same_answer",
        "worker:deleted_test",
        "master:wrong_test",
        "master:vacuous_test",
        "master:stub_disagrees",
        "master:two_owners",
        "master:cycle",
        "master:529",
    }
)


@dataclass(frozen=True, slots=True)
class Project:
    """One reference project."""

    folder: Path
    plan: Plan

    @property
    def prompt(self) -> str:
        return self.plan.prompts[0]


@dataclass(frozen=True, slots=True)
class Case:
    """One build to be made, and what may become of it."""

    project: Project
    group: str
    name: str
    options: str
    ladder: str = LADDER
    must_be_done: bool = False
    must_not_be_done: bool = False
    without: str = ""
    """What is taken out of the product for this build; such a one may end as it likes."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one build ended and what is wrong with that, if anything."""

    case: Case
    state: str
    seconds: float
    attempts: int
    complaints: tuple[str, ...]
    cached: float | None = None
    overhead: float | None = None

    @property
    def false_done(self) -> bool:
        return self.state == "done" and any(one.startswith("acceptance") for one in self.complaints)


@dataclass(slots=True)
class Bench:
    """Where the builds are made: one state folder for all, so that environments are prepared once."""

    folder: Path
    keep: bool = False
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))  # builds share one bench

    def judge(self, case: Case) -> Verdict:
        out = self.folder / f"out-{next(self._numbers)}"
        started = time.monotonic()
        code, told = self._build(case, out)
        seconds = time.monotonic() - started
        state = ENDS.get(code, f"exit {code}")
        complaints = list(_complaints(case, state, out, told))
        if not self.keep:
            shutil.rmtree(out, ignore_errors=True)
        found = re.search(r"^(b-\w+) is ", told, re.MULTILINE)
        figures = self._figures(found[1]) if found else (0, None, None)
        return Verdict(case, state, seconds, figures[0], tuple(complaints), *figures[1:])

    def _build(self, case: Case, out: Path) -> tuple[int, str]:
        program = [_program("codegod")]
        if case.without:
            program = [sys.executable, str(Path(__file__).with_name("ablated.py")), case.without]
        command = [*program, "build", case.project.prompt, "--out", str(out)]
        named = "" if _is_bundled(case.project) else f":{case.project.folder}"
        command += ["--master", f"simulator{named}"]
        command += [
            "--ladder",
            ",".join(rung + (named if rung == WEAK else "") for rung in case.ladder.split(",")),
        ]
        try:
            done = subprocess.run(
                command,
                env=self._environment(case),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=BUILD_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return -1, ""
        return done.returncode, done.stdout

    def _environment(self, case: Case) -> dict[str, str]:
        keep = {
            name: value for name, value in os.environ.items() if not name.endswith(("_API_KEY", "_MODEL"))
        }
        keep.pop("OLLAMA_HOST", None)
        return (
            keep
            | {
                "CODEGOD_STATE_DIR": str(self.folder / "state"),
                "CODEGOD_SIMULATOR_OPTIONS": case.options,
                "CODEGOD_IDLE_SECONDS": "5",  # a stalled stream is given up after five seconds instead of two minutes
            }
        )

    def _figures(self, build: str) -> tuple[int, float | None, float | None]:
        """Attempts, the share of the master's input that was read from the cache, and seconds of overhead per attempt."""
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


def _complaints(case: Case, state: str, out: Path, told: str) -> Iterator[str]:
    """What is wrong with how a build ended."""
    if state not in ENDS.values():
        yield f"ended as {state}: {_last_line(told)}"
    if "Traceback (most recent call last)" in told:
        yield f"crashed: {_last_line(told)}"
    elif case.must_be_done and state != "done":
        yield f"not done: {_reason(told)}"
    if case.must_not_be_done and state == "done":
        yield "done with an empty model"
    if state == "done":
        commits = ["--commits"] if case.group == "oracle" else []
        judge = [sys.executable, str(Path(__file__).with_name("judging.py")), *commits]
        command = [*judge, str(case.project.folder), str(out)]
        judged = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
        yield from judged.stdout.splitlines()
        if judged.returncode:
            yield f"could not be judged: {_last_line(judged.stderr)}"


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


def _is_bundled(project: Project) -> bool:
    return project.folder.parent == _bundle()


def _bundle() -> Path:
    return Path(str(resources.files("codegod_simulator") / "projects"))


def projects(folders: Sequence[Path], names: Sequence[str]) -> list[Project]:
    """The bundled projects and those in `folders`; all, or those called one of `names`."""
    found = [folder for folder in sorted(_bundle().iterdir()) if (folder / "plan.yaml").is_file()]
    loaded = [Project(folder, load_plan(folder / "plan.yaml")) for folder in [*found, *folders]]
    return [project for project in loaded if not names or project.plan.name in names]


def cases(chosen: Sequence[Project], options: argparse.Namespace) -> Iterator[Case]:
    """All builds of a run, in order."""
    groups = options.only.split(",")
    seed = options.seed
    for project in chosen:
        if "oracle" in groups:
            yield Case(project, "oracle", "oracle", f"--preset oracle --seed {seed}", must_be_done=True)
        if "null" in groups:
            for preset in ("stubs", "empty"):
                yield Case(project, "null", preset, f"--preset {preset} --seed {seed}", must_not_be_done=True)
    for project in _cheapest(chosen) if options.quick else chosen:
        for fault in faults(options) if "faults" in groups else ():
            yield Case(project, "faults", fault, f"--preset oracle --fault {fault} --seed {seed}")
    if "preset" in groups:
        for ladder, title in ((LADDER, "with a strong last rung"), (WEAK, "without upper rungs")):
            for number in range(options.builds):
                project = chosen[number % len(chosen)]
                name = f"{options.preset} {title}"
                yield Case(project, name, name, f"--preset {options.preset} --seed {seed + number}", ladder)
    if "ablations" in groups:
        yield from ablations(chosen, options)


def ablations(chosen: Sequence[Project], options: argparse.Namespace) -> Iterator[Case]:
    """The same builds at a published rate with a part of the product taken out; contracts are wrong for one of them."""
    for without in ("", *ABLATIONS):
        for number in range(options.builds):
            project = chosen[number % len(chosen)]
            wrong = " --fault master:wrong_test" if without in {"", "no_amendment"} else ""
            played = f"--preset {options.preset} --seed {options.seed + number}{wrong}"
            name = without or "all, wrong contract"
            yield Case(project, f"ablation: {name}", name, played, without=without)


def _cheapest(chosen: Sequence[Project]) -> list[Project]:
    return sorted(chosen, key=lambda project: len(project.plan.tasks))[:1]


def faults(options: argparse.Namespace) -> list[str]:
    """The catalogue, each fault alone."""
    every = [f"{role}:{kind}" for role, kinds in KINDS.items() for kind in kinds]
    if options.fault:
        return [
            fault for fault in every if fault in options.fault or fault.partition(":")[2] in options.fault
        ]
    return [fault for fault in every if fault in QUICK_FAULTS] if options.quick else every


def summary(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """The rates by group, as a table."""
    yield "| group | builds | done | partial | failed | false done | attempts | seconds, median |"
    yield "|---|---|---|---|---|---|---|---|"
    for group in dict.fromkeys(verdict.case.group for verdict in verdicts):
        ours = [verdict for verdict in verdicts if verdict.case.group == group]
        states = [sum(one.state == state for one in ours) for state in ENDS.values()]
        false_done = sum(one.false_done for one in ours)
        attempts = sum(one.attempts for one in ours)
        seconds = statistics.median(one.seconds for one in ours)
        cells = [group, len(ours), *states, false_done, attempts, f"{seconds:.1f}"]
        yield f"| {' | '.join(map(str, cells))} |"
    yield from _shares(verdicts)


def _shares(verdicts: Sequence[Verdict]) -> Iterator[str]:
    for verdict in verdicts:
        if verdict.case.group == "oracle" and verdict.cached is not None and verdict.overhead is not None:
            name = verdict.case.project.plan.name
            yield f"{name}: {verdict.cached:.0%} of the master's input read from the cache"
            yield f"{name}: {verdict.overhead:.2f} s per attempt beside tools and models, waiting for others' landings included"


def _line(verdict: Verdict) -> str:
    case = verdict.case
    what = "; ".join(verdict.complaints) or "ok"
    head = f"{case.project.plan.name:12} {case.name:34} {verdict.state:8} {verdict.seconds:6.1f} s"
    return f"{head} {verdict.attempts:3} attempts  {what}   [{case.options}]"


def run(bench: Bench, wanted: Iterable[Case], jobs: int) -> list[Verdict]:
    verdicts = []
    with ThreadPoolExecutor(jobs) as pool:
        for verdict in pool.map(bench.judge, wanted):
            print(_line(verdict), flush=True)
            verdicts.append(verdict)
    return verdicts


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help="a sample of the faults on the smallest project, few builds"
    )
    parser.add_argument("--only", default=GROUPS, help=f"which groups ({GROUPS})")
    parser.add_argument("--project", action="append", default=[], help="a project's name (all)")
    parser.add_argument(
        "--reference", type=Path, action="append", default=[], help="a reference project of your own"
    )
    parser.add_argument("--fault", action="append", default=[], help="one kind of the catalogue (all)")
    parser.add_argument("--preset", default="7b", help="of the builds at a published rate")
    parser.add_argument("--builds", type=int, default=0, help="how many of those (20; quick: 2)")
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--jobs", type=int, default=1, help="builds at a time")
    parser.add_argument(
        "--keep", action="store_true", help="keep the folder with the state and all deliveries"
    )
    options = parser.parse_args()
    options.builds = options.builds or (2 if options.quick else 20)
    if options.quick and options.only == GROUPS:
        options.only = "oracle,null,faults,preset"
    if not options.quick and not options.fault:
        print("A whole run takes an hour or more; --quick takes some minutes.", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="codegod-harness-"))
    folder.chmod(0o755)
    try:
        chosen = projects([path.absolute() for path in options.reference], options.project)
        verdicts = run(Bench(folder, options.keep), cases(chosen, options), options.jobs)
    finally:
        if options.keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print("\n".join(["", *summary(verdicts)]))
    whole = [verdict for verdict in verdicts if not verdict.case.without]
    wrong = [verdict for verdict in whole if verdict.complaints]
    false_done = sum(verdict.false_done for verdict in whole)
    print(f"\n{len(whole)} builds of the whole product, false done: {false_done}, complaints: {len(wrong)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
