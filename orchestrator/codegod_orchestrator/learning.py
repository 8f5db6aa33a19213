"""What an error and its mending teach: kept in the build's memory, so that later tasks are shown it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from codegod_kit.plan import Task
from codegod_mesh import ServerDown
from codegod_orchestrator.journal import Attempt
from codegod_orchestrator.toolset import Desk

FINDINGS_KEPT = 3  # what comes after the first few is mostly their consequence
PATCH_CHARACTERS = (
    1_200  # about thirty lines: what mended an error is short, and a long change says nothing of it
)


async def learn(desk: Desk, task: Task, attempt: Attempt, earlier: Sequence[Attempt]) -> bool:
    """Keep what was wrong with the answer before `attempt` and what mended it; whether there was anything to keep.

    Only a repair teaches: a fresh answer differs from the wrong one in more than its mistake. What memory refuses, or
    a server that is away, costs a later task a hint and nothing else; the journal has the calls.
    """
    wrong = next(
        (old for old in earlier if old.id == attempt.continues and old.commit and old.findings), None
    )
    if wrong is None:
        return False
    with suppress(ServerDown):
        arguments = {
            "base": wrong.commit,
            "head": attempt.branch,
            "paths": list(task.files),
            "context": 1,
        }
        changed = await desk.maybe("git.git_diff", arguments)
        text = lesson(task, wrong, str((changed.data or {}).get("text", "")) if changed else "")
        if not text:
            return False
        kept = {"text": text, "type": "error", "source": attempt.id, "task": task.id, "replace": True}
        return await desk.maybe("memory.memory_put", kept) is not None
    return False


def lesson(task: Task, wrong: Attempt, patch: str) -> str:
    """The findings and the change that mended them; nothing when that change is too long to teach."""
    changed = [line for line in patch.splitlines() if line[:1] in "+-" and line[:3] not in {"+++", "---"}]
    mended = "\n".join(changed)
    if not changed or len(mended) > PATCH_CHARACTERS:
        return ""
    findings = "\n".join(str(finding) for finding in wrong.findings[:FINDINGS_KEPT])
    return f"{task.title} ({', '.join(task.files)})\n{findings}\nMended by:\n{mended}\n"
