"""What a bench has found out, in lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from codegod_orchestrator.doors.benched import Benched, BenchedBuild
from codegod_orchestrator.doors.told import one_line
from codegod_orchestrator.limits import dollars, duration
from codegod_orchestrator.reports.rates import Tally

_TYPE_HEAD = ("tasks of type", "tried", "first try", "repaired", "fresh try", "given up", "not reached")
_BUILD_HEAD = ("project", "build", "state", "hidden tests", "tasks", "attempts", "tokens", "time", "cost")


def benched_lines(benched: Benched) -> Iterator[str]:
    """The builds, the rates per type of task, and all of it in one sentence."""
    yield from _columns(_BUILD_HEAD, [_build_row(build) for build in benched.builds])
    yield ""
    by_type = [*benched.by_type.items(), ("all", benched.total)]
    yield from _columns(_TYPE_HEAD, [_type_row(name, tally) for name, tally in by_type])
    yield ""
    yield from (f"{one.build} is {one.state}: {one_line(one.reason)}" for one in benched.builds if one.reason)
    yield sentence(benched)
    yield from _false(benched.builds)


def sentence(benched: Benched) -> str:
    """The rates of one run: `3 of 4 builds done; of 24 tasks 13 at the first try (54 %), …`."""
    total = benched.total
    repaired = total.repaired + total.fresh
    return (
        f"{benched.done} of {len(benched.builds)} builds done; of {total.tried} tasks {total.first} at the first try "
        f"({_share(total.first, total.tried)}), {repaired} after repairs or a fresh try "
        f"({_share(repaired, total.tried)}), {total.given_up} given up ({_share(total.given_up, total.tried)})"
    )


def _build_row(build: BenchedBuild) -> tuple[str, ...]:
    tallies = build.tallies.values()
    accepted, tasks = sum(one.accepted for one in tallies), sum(one.tried + one.unreached for one in tallies)
    return (
        build.project,
        build.build,
        "with help" if build.state == "done" and build.helped else build.state,
        f"{build.proved} of {build.behaviours}",
        f"{accepted} of {tasks}",
        str(sum(one.attempts for one in tallies)),
        f"{build.tokens:,}",
        duration(build.seconds),
        dollars(build.cost) + (" and more" if build.unpriced_calls else ""),
    )


def _type_row(name: str, tally: Tally) -> tuple[str, ...]:
    shares = (tally.first, tally.repaired, tally.fresh, tally.given_up)
    return (
        name,
        str(tally.tried),
        *(f"{count} ({_share(count, tally.tried)})" for count in shares),
        str(tally.unreached),
    )


def _false(builds: Iterable[BenchedBuild]) -> Iterator[str]:
    """What was called done and is not: the one thing that must never happen."""
    for build in builds:
        if build.false_done:
            yield (
                f"False done: {build.build} ({build.project}) is done by its own word, and {build.proved} of "
                f"{build.behaviours} behaviours are there by the project's own tests."
            )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "-"


def _columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (head, *rows):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
