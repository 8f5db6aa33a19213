"""Each stage over all languages of a project: every language its own tools, one report."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final, Protocol

import anyio

from codegod_sandbox.checks import (
    go_stages,
    import_stage,
    java_stages,
    rust_stages,
    script_stages,
    static_stages,
    suite_stage,
)
from codegod_sandbox.checks.bench import Bench
from codegod_sandbox.checks.records import Done, Finding, StageName
from codegod_sandbox.languages.spoken import Language

Part = Callable[[], Awaitable[Done]]


class Stages(Protocol):
    """What checks one language."""

    async def run_static(self, bench: Bench, stages: Sequence[StageName], /) -> dict[StageName, Done]:
        """What each of `stages` found."""
        ...

    async def run_imports(self, bench: Bench, /) -> Done:
        """What is wrong with each module when it is loaded, or built."""
        ...

    async def run_tests(self, bench: Bench, /) -> Done:
        """The outcome of every wanted test."""
        ...


_OTHERS: Final[Mapping[Language, Stages]] = {
    "javascript": script_stages,
    "go": go_stages.STAGES,
    "rust": rust_stages.STAGES,
    "java": java_stages.STAGES,
}
_UNCHECKED: Final[Mapping[Language, str]] = {
    "swift": "Swift is not checked: no stage for swiftc",
}
_CODE: Final[frozenset[StageName]] = frozenset({"syntax", "lint", "types", "imports", "tests"})
_NO_PYTHON: Final = "there is no Python file that parses"


async def run_static(bench: Bench, stages: Sequence[StageName]) -> dict[StageName, Done]:
    """Syntax, rules, lint and types of everything."""
    parts: list[dict[StageName, Done]] = []

    async def run(work: Callable[[Bench, Sequence[StageName]], Awaitable[dict[StageName, Done]]]) -> None:
        parts.append(await work(bench, stages))

    async with anyio.create_task_group() as group:
        group.start_soon(run, static_stages.run_static)
        for language, stages_of in _OTHERS.items():
            if language in bench.survey.languages:
                group.start_soon(run, stages_of.run_static)
    return {
        stage: merged([part[stage] for part in parts if stage in part], _unchecked(bench, stage))
        for stage in stages
    }


async def run_imports(bench: Bench) -> Done:
    """What is wrong with each module when it is loaded."""
    languages = bench.survey.languages
    parts: list[Part] = []
    if "python" in languages or not languages & set(_OTHERS):
        parts.append(lambda: import_stage.run_imports(bench))
    parts += [partial(each.run_imports, bench) for language, each in _OTHERS.items() if language in languages]
    return merged(await _together(parts), _unchecked(bench, "imports"))


async def run_tests(bench: Bench) -> Done:
    """The outcome of every wanted test, each under the runner of its language."""
    wanted = bench.survey.split(bench.tests)
    parts: list[Part] = []
    if python := wanted.get("python"):
        parts.append(lambda: suite_stage.run_tests(replace(bench, tests=python)))
    for language, stages_of in _OTHERS.items():
        if chosen := wanted.get(language):
            parts.append(partial(stages_of.run_tests, replace(bench, tests=chosen)))
    unchecked = [Done(skipped=_UNCHECKED[each]) for each in wanted if each in _UNCHECKED]
    return merged([_demanded(each) for each in (*await _together(parts), *unchecked)])


def _demanded(done: Done) -> Done:
    """Tests that were asked for and could not be run are a finding: nobody may take their silence for a success."""
    if not done.skipped:
        return done
    finding = Finding(stage="tests", path="", line=0, rule="not-run", message=done.skipped)
    return replace(done, findings=(*done.findings, finding))


def merged(parts: Sequence[Done], unchecked: Sequence[str] = ()) -> Done:
    """One stage out of the parts that languages had in it. It is skipped when nothing of it was done."""
    told = [part for part in parts if part.skipped != _NO_PYTHON] or list(parts)
    worked = [part for part in told if not part.skipped]
    reasons = [*(part.skipped for part in told if part.skipped), *unchecked]
    if len(told) == 1 and not unchecked:
        return told[0]
    notes = [*(part.note for part in told if part.note), *(reasons if worked else ())]
    return Done(
        findings=tuple(each for part in told for each in part.findings),
        advice=tuple(each for part in told for each in part.advice),
        tests=tuple(each for part in told for each in part.tests),
        seconds=max((part.seconds for part in told), default=0.0),
        note="; ".join(dict.fromkeys(notes)),
        skipped="" if worked else "; ".join(dict.fromkeys(reasons)),
        elsewhere="; ".join(part.elsewhere for part in told if part.elsewhere),
        level=next((part.level for part in told if part.level), ""),
    )


async def _together(parts: Sequence[Part]) -> list[Done]:
    done: dict[int, Done] = {}

    async def run(number: int, part: Part) -> None:
        done[number] = await part()

    async with anyio.create_task_group() as group:
        for number, part in enumerate(parts):
            group.start_soon(run, number, part)
    return [done[number] for number in sorted(done)]


def _unchecked(bench: Bench, stage: StageName) -> list[str]:
    if stage not in _CODE:
        return []
    return [_UNCHECKED[each] for each in sorted(bench.survey.languages) if each in _UNCHECKED]
