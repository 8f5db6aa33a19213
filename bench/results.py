"""The results file: one line of JSON per build, written as soon as the build is judged, and the tables made of it."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

STATES = ("done", "partial", "failed")


class Verdict(BaseModel):
    """How one build ended and what is wrong with that, if anything."""

    model_config = ConfigDict(frozen=True)

    key: str
    project: str
    group: str
    name: str
    options: str
    """What the simulator was started with, the seed included: the same options play the same answers."""
    without: str = ""
    state: str
    reason: str = ""
    seconds: float
    attempts: int = 0
    complaints: tuple[str, ...] = ()
    struck: bool | None = None
    """Whether the fault found something to strike; None where there was none."""
    cached: float | None = None
    overhead: float | None = None
    build: str = ""
    revision: str = ""
    ended: str = ""

    @property
    def false_done(self) -> bool:
        return self.state == "done" and any(one.startswith("acceptance") for one in self.complaints)

    @property
    def played(self) -> tuple[str, ...]:
        """What was asked and answered, whatever the product made of it: project, simulator and ladder."""
        project, _, options, ladder, _ = self.key.split(" / ")
        return project, options, ladder

    @property
    def line(self) -> str:
        what = "; ".join(self.complaints) or ("ok" if self.state == "done" else self.reason)
        head = f"{self.project:13} {self.name:34} {self.state:8} {self.seconds:6.1f} s"
        idle = "  (nothing to strike)" if self.struck is False else ""
        return f"{head} {self.attempts:3} attempts{idle}  {what}   [{self.options}]"


def read_results(file: Path) -> list[Verdict]:
    """The verdicts that `file` holds; none when it does not exist."""
    if not file.is_file():
        return []
    return [Verdict.model_validate_json(line) for line in file.read_text("utf-8").splitlines() if line]


def append_result(file: Path, verdict: Verdict) -> None:
    """Put `verdict` at the end of `file`, in one write: two runs may share one file."""
    with file.open("ab", buffering=0) as results:
        results.write(f"{verdict.model_dump_json()}\n".encode())


def summary(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """The rates by group, what the faults came to, and everything that is wrong."""
    yield "| group | builds | done | partial | failed | false done | complaints | attempts a build | seconds, median |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for group in dict.fromkeys(verdict.group for verdict in verdicts):
        yield _row(group, [verdict for verdict in verdicts if verdict.group == group])
    yield from _fault_table(verdicts)
    yield from _ablation_table(verdicts)
    yield from _shares(verdicts)
    wrong = [verdict for verdict in verdicts if verdict.complaints and not verdict.without]
    if wrong:
        yield ""
        yield from (f"WRONG {verdict.line}" for verdict in wrong)


def _row(group: str, ours: Sequence[Verdict]) -> str:
    states = [sum(one.state == state for one in ours) for state in STATES]
    cells = [
        group,
        len(ours),
        *states,
        sum(one.false_done for one in ours),
        sum(bool(one.complaints) for one in ours),
        f"{sum(one.attempts for one in ours) / len(ours):.1f}",
        f"{statistics.median(one.seconds for one in ours):.1f}",
    ]
    return f"| {' | '.join(map(str, cells))} |"


def _fault_table(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Each fault on each project: how the build ended, and after how many attempts."""
    faults = [verdict for verdict in verdicts if verdict.group == "faults"]
    if not faults:
        return
    projects = list(dict.fromkeys(one.project for one in faults))
    cells = {(one.name, one.project): _fault_cell(one) for one in faults}
    yield ""
    yield f"| fault alone (state, attempts) | {' | '.join(projects)} |"
    yield f"|---|{'---|' * len(projects)}"
    for name in dict.fromkeys(one.name for one in faults):
        yield f"| `{name}` | {' | '.join(cells.get((name, project), '') for project in projects)} |"
    struck = [one for one in faults if one.struck is not False]
    done = sum(one.state == "done" for one in struck)
    yield f"faults that struck: {len(struck)} builds, {done} done; nothing to strike: {len(faults) - len(struck)}"


def _ablation_table(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """What each part is worth: the same builds without it and with everything."""
    whole = {one.played: one for one in verdicts if not one.without}
    pairs: dict[str, list[tuple[Verdict, Verdict]]] = {}
    for one in verdicts:
        if one.without and one.played in whole:
            pairs.setdefault(one.without, []).append((one, whole[one.played]))
    if not pairs:
        return
    yield ""
    yield "| without | builds | done | false done | red commits | attempts a build | the same with everything: done | attempts a build |"
    yield "|---|---|---|---|---|---|---|---|"
    for without, both in pairs.items():
        cells = [
            without,
            len(both),
            *_cells([one for one, _ in both]),
            *_cells([one for _, one in both])[::3],
        ]
        yield f"| {' | '.join(map(str, cells))} |"


def _cells(ours: Sequence[Verdict]) -> list[str]:
    red = sum(any(said.startswith("suite red") for said in one.complaints) for one in ours)
    return [
        str(sum(one.state == "done" for one in ours)),
        str(sum(one.false_done for one in ours)),
        str(red),
        f"{sum(one.attempts for one in ours) / len(ours):.1f}",
    ]


def _fault_cell(verdict: Verdict) -> str:
    if verdict.struck is False and not verdict.complaints:
        return "-"
    return f"{verdict.state} {verdict.attempts}{' WRONG' if verdict.complaints else ''}"


def _shares(verdicts: Sequence[Verdict]) -> Iterator[str]:
    for verdict in verdicts:
        if verdict.group == "oracle" and verdict.cached is not None and verdict.overhead is not None:
            yield f"{verdict.project}: {verdict.cached:.0%} of the master's input read from the cache"
            yield (
                f"{verdict.project}: {verdict.overhead:.2f} s per attempt beside tools and models, waiting for "
                "others' landings included"
            )
