"""The stages that run nothing of the project: syntax, rules, lint and types, all in one start of the sandbox."""

import json
from collections.abc import Sequence
from typing import Any, Final

from codegod_sandbox.checks.bench import Bench, last_words
from codegod_sandbox.checks.records import Done, Finding, StageName
from codegod_sandbox.files.shown import shown
from codegod_sandbox.spec import ENV, TOOLS, RunResult

STATIC: Final[tuple[StageName, ...]] = ("syntax", "rules", "lint", "types")
# ty takes the most: 100 MB for a web framework.
_MEMORY_BYTES: Final = 1 << 30


async def run_static(bench: Bench, stages: Sequence[StageName]) -> dict[StageName, Done]:
    """What each of `stages` found."""
    request = {"stages": list(stages), "baseline": dict(bench.before)}
    result = await bench.run(
        "static",
        TOOLS,
        ENV if bench.env else "",
        stdin=json.dumps(request).encode(),
        site=False,
        memory_bytes=_MEMORY_BYTES,
    )
    return judged_static(stages, result)


def judged_static(stages: Sequence[StageName], result: RunResult) -> dict[StageName, Done]:
    """What a run that looked at files came to."""
    answer = _answer(result)
    if answer is None:
        return {stage: _broken(stage, result) for stage in stages}
    if reason := answer.get("broken"):
        finding = Finding(stage=stages[0], path="", line=0, rule="unchecked", message=shown(str(reason)))
        return {stages[0]: Done((finding,), level=result.level)}
    return {stage: _done(stage, answer[stage], result) for stage in stages}


def _answer(result: RunResult) -> dict[str, Any] | None:
    if result.status != "exit" or result.exit_code != 0 or result.truncated:
        return None
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def _broken(stage: StageName, result: RunResult) -> Done:
    """No Python that a person writes makes the checks fall over; what does is not let through."""
    message = f"The files could not be checked ({last_words(result)}): write them more simply."
    return Done(
        (Finding(stage=stage, path="", line=0, rule="unchecked", message=message),), level=result.level
    )


def _done(stage: StageName, answer: dict[str, Any], result: RunResult) -> Done:
    found = [(_finding(stage, each), bool(each["advice"])) for each in answer["findings"]]
    left_out = answer["left_out"]
    return Done(
        findings=tuple(finding for finding, advice in found if not advice),
        advice=tuple(finding for finding, advice in found if advice),
        seconds=answer["seconds"],
        note=f"{left_out} more findings are not shown" if left_out else "",
        skipped=shown(answer.get("skipped", "")),
        level=result.level,
    )


def _finding(stage: StageName, each: dict[str, Any]) -> Finding:
    return Finding(
        stage=stage,
        path=shown(each["path"]),
        line=each["line"],
        rule=each["rule"],
        message=shown(each["message"]),
    )
