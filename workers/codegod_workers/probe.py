"""Finds out what a model can do by some twenty micro-tasks: which protocol, which context, which roles fit it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence

from codegod_kit.plan import PlanFault, parse_plan
from codegod_models import (
    KeyRefused,
    MissingKey,
    ModelFault,
    ModelReply,
    NotPulled,
    UnknownModel,
    Unreachable,
)
from codegod_workers.answer import AnswerFault, json_block, parse_answer
from codegod_workers.capability import Capability, ProbeResult
from codegod_workers.dialogue import WRITES, Ask, calls_of
from codegod_workers.micro_tasks import Kind, MicroTask, micro_tasks, offered_tools, request_of
from codegod_workers.specialties import Specialty

# What no other question would change: the probe ends.
_HOPELESS = (KeyRefused, MissingKey, NotPulled, UnknownModel, Unreachable)
LEAST_CONTEXT = 4_096  # of a model that read back not even that far: less holds no contract
NOTE_CHARACTERS = 160

Run = Callable[[Mapping[str, str], str], Awaitable[str]]
"""Files and a program that imports them, run in a sandbox: what went wrong, or nothing."""
Told = Callable[[ProbeResult], None]


class _Wrong(Exception):
    """An answer that fails its task; the text says how."""


async def probe(
    model: str, ask: Ask, run: Run, *, context_limit: int | None = None, told: Told = lambda result: None
) -> Capability:
    """Ask every micro-task once and conclude; raises the `ModelFault` of a model that cannot be asked at all."""
    results: list[ProbeResult] = []
    for task in micro_tasks():
        if context_limit and task.context > context_limit:
            note = f"the model's context has {context_limit} tokens"
            result = ProbeResult(task=task.id, kind=task.kind, passed=False, skipped=True, note=note)
        else:
            result = await _take(task, ask, run)
        told(result)
        results.append(result)
    return conclude(model, results)


def conclude(model: str, results: Sequence[ProbeResult]) -> Capability:
    """What the results mean: the loop only for who calls tools faultlessly, arguments only for who loses nothing."""
    by_id = {result.task: result for result in results}
    contexts = [task for task in micro_tasks() if task.kind == "context" and not by_id[task.id].skipped]
    unread = [task.context for task in contexts if not by_id[task.id].passed]
    read = [
        task.context
        for task in contexts
        if by_id[task.id].passed and task.context < min(unread, default=1 << 30)
    ]
    chooses = _all(results, "choice")
    return Capability(
        model=model,
        mode="tools" if chooses else "fences",
        in_json=chooses and _all(results, "arguments"),
        context_tokens=max(read, default=LEAST_CONTEXT) if unread else None,
        roles=_roles(by_id) if any(r.passed for r in results if r.kind == "fences") else (),
        master=_all(results, "plan") and _all(results, "control"),
        results=tuple(results),
    )


def _all(results: Sequence[ProbeResult], kind: Kind) -> bool:
    return all(result.passed for result in results if result.kind == kind)


def _roles(by_id: Mapping[str, ProbeResult]) -> tuple[Specialty, ...]:
    """The specialties one of whose tasks the model did: a second try is the ladder's, not the probe's."""
    done = [task.specialty for task in micro_tasks() if task.specialty and by_id[task.id].passed]
    return tuple(dict.fromkeys(done))


async def _take(task: MicroTask, ask: Ask, run: Run) -> ProbeResult:
    note = ""
    try:
        await _judge(task, await ask(request_of(task)), run)
    except _HOPELESS:
        raise
    except (_Wrong, AnswerFault, ModelFault) as fault:
        note = " ".join(str(fault).split())[:NOTE_CHARACTERS] or type(fault).__name__
    return ProbeResult(task=task.id, kind=task.kind, passed=not note, note=note)


async def _judge(task: MicroTask, reply: ModelReply, run: Run) -> None:
    if reply.stop == "length":
        raise _Wrong("the answer did not end")
    if task.kind in {"choice", "arguments"}:
        _judge_calls(task, reply)
    elif task.kind == "context":
        _expect(task.expects, reply.text)
    elif task.kind == "plan":
        _judge_plan(reply.text)
    elif task.kind == "control":
        _judge_control(task, reply.text)
    else:
        await _judge_files(task, reply.text, run)


def _judge_calls(task: MicroTask, reply: ModelReply) -> None:
    calls = calls_of(reply, offered_tools())
    if task.kind == "arguments":
        expected = [(WRITES, {"path": path, "content": text}) for path, text in task.files.items()]
        got = [(call.name, _ended(dict(call.arguments))) for call in calls]
        if got != expected:
            raise _Wrong(
                "characters were lost or changed" if [c.name for c in calls] == [WRITES] else _called(calls)
            )
    elif task.tool:
        if [(call.name, dict(call.arguments)) for call in calls] != [(task.tool, task.arguments)]:
            raise _Wrong(_called(calls))
    elif calls:
        raise _Wrong(_called(calls))
    else:
        _expect(task.expects, reply.text)


def _ended(arguments: dict[str, object]) -> dict[str, object]:
    """Whether the last line is ended tells nothing of loss."""
    text = arguments.get("content")
    return {**arguments, "content": f"{text.rstrip()}\n"} if isinstance(text, str) else arguments


def _called(calls: Sequence[object]) -> str:
    return f"called {calls}" if calls else "called no tool"


def _expect(word: str, text: str) -> None:
    if word.lower() not in text.lower():
        raise _Wrong(f"{word!r} is not in the answer {text.strip()[:60]!r}")


def _judge_plan(text: str) -> None:
    try:
        plan = parse_plan(json_block(text))
    except PlanFault as fault:
        raise _Wrong(str(fault)) from fault
    if len(plan.tasks) != 3 or not any(task.depends for task in plan.tasks):
        raise _Wrong(f"{len(plan.tasks)} tasks, or none depends on another")


def _judge_control(task: MicroTask, text: str) -> None:
    found = parse_answer(text, _paths_in(task.asks)).control
    if found != task.expects:
        raise _Wrong(f"answered {found or 'with files'} where it cannot be done")


def _paths_in(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"`(src/\w+\.py)`", text)[:1])


async def _judge_files(task: MicroTask, text: str, run: Run) -> None:
    if task.kind == "part":
        paths = tuple(name.partition("::")[0] for name in task.files)
        parts = parse_answer(text, paths, long=paths).parts
        if {f"{path}::{name}" for path, by_name in parts.items() for name in by_name} != set(task.files):
            raise _Wrong(f"wrote {sorted(parts) or 'the whole file'}")
        _same(
            task.files,
            {f"{path}::{name}": part for path, named in parts.items() for name, part in named.items()},
        )
        return
    answer = parse_answer(text, task.wanted or tuple(task.files))
    if answer.control:
        raise _Wrong(f"{answer.control}: {answer.reason}")
    if task.kind == "fences":
        _same(task.files, answer.files)
    elif task.kind == "text":
        _judge_text(task, "\n".join(answer.files.values()))
    elif failed := await run({**task.given, **answer.files}, task.check):
        raise _Wrong(failed)


def _same(expected: Mapping[str, str], got: Mapping[str, str]) -> None:
    for path, text in expected.items():
        if path not in got:
            raise _Wrong(f"{path!r} is missing")
        if _dedented(got[path]) != _dedented(text):
            raise _Wrong(f"characters of {path!r} were lost or changed")


def _dedented(text: str) -> str:
    """A part may be written at its indentation in the file, or without."""
    lines = text.strip("\n").split("\n")
    indent = len(lines[0]) - len(lines[0].lstrip())
    return "\n".join(line[indent:].rstrip() if not line[:indent].strip() else line for line in lines)


def _judge_text(task: MicroTask, text: str) -> None:
    flags = re.MULTILINE | re.IGNORECASE
    for pattern in task.holds:
        if not re.search(pattern, text, flags):
            raise _Wrong(f"nothing in it is {pattern!r}")
    for pattern in task.lacks:
        if re.search(pattern, text, flags):
            raise _Wrong(f"it has {pattern!r}")
