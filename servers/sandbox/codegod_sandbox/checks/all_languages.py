"""Each stage over all languages of a project: every language its own tools, one report."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import anyio

from codegod_sandbox.checks import go_stages, import_stage, script_stages, static_stages, suite_stage
from codegod_sandbox.checks.bench import Bench
from codegod_sandbox.checks.records import Done, StageName
from codegod_sandbox.languages.spoken import Language

Part = Callable[[], Awaitable[Done]]
# What would check these is not part of this package: a project in them is told so, in every stage that looks at code.
_UNCHECKED: Final[Mapping[Language, str]] = {
    "rust": "Rust is not checked: no stage for cargo",
    "java": "Java is not checked: no stage for javac",
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
        if "javascript" in bench.survey.languages:
            group.start_soon(run, script_stages.run_static)
        if "go" in bench.survey.languages:
            group.start_soon(run, go_stages.run_static)
    return {
        stage: merged([part[stage] for part in parts if stage in part], _unchecked(bench, stage))
        for stage in stages
    }


async def run_imports(bench: Bench) -> Done:
    """What is wrong with each module when it is loaded."""
    languages = bench.survey.languages
    parts: list[Part] = []
    if "python" in languages or not languages & {"javascript", "go"}:
        parts.append(lambda: import_stage.run_imports(bench))
    if "javascript" in languages:
        parts.append(lambda: script_stages.run_imports(bench))
    if "go" in languages:
        parts.append(lambda: go_stages.run_imports(bench))
    return merged(await _together(parts), _unchecked(bench, "imports"))


async def run_tests(bench: Bench) -> Done:
    """The outcome of every wanted test, each under the runner of its language."""
    wanted = bench.survey.split(bench.tests)
    parts: list[Part] = []
    others = [language for language in wanted if language not in ("python", "javascript", "go")]
    if python := wanted.get("python"):
        parts.append(lambda: suite_stage.run_tests(replace(bench, tests=python)))
    if javascript := wanted.get("javascript"):
        parts.append(lambda: script_stages.run_tests(replace(bench, tests=javascript)))
    if go := wanted.get("go"):
        parts.append(lambda: go_stages.run_tests(replace(bench, tests=go)))
    return merged(await _together(parts), [_UNCHECKED[each] for each in others if each in _UNCHECKED])


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
    return [_UNCHECKED[language] for language in sorted(bench.survey.languages) if language in _UNCHECKED]
