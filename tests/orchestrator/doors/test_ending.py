"""The last screen of a build."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from codegod_orchestrator.doors.commands.ending import show_ending
from codegod_orchestrator.journal import Journal, ModelCall
from codegod_orchestrator.reports.report import DELIVERED, LAST_RUN, read_report
from codegod_orchestrator.states import BuildState

SCREEN_LINES = 24
PLAYED = ModelCall("plan", "simulator:small", True, "ask", "answer", "end", 1.0, 100, 60, 40)


async def shown(journal: Journal, begun: Any, console: Console, end: BuildState) -> str:
    build = await begun.create(journal)
    async with journal.claim_build(build.id, "a test") as claimed:
        await begun.up_to_tasks(claimed)
        await claimed.record_model_call(PLAYED)
        if end != "failed":
            await claimed.advance("finishing")
            await claimed.append(LAST_RUN, begun.green.model_dump(mode="json"))
            await claimed.append(DELIVERED, {"path": "/home/me/a folder"})
        await claimed.advance(end, reason="two tasks are missing")
    show_ending(await read_report(journal, build.id), Path("/state/logs/b.jsonl"), console)
    file = console.file
    assert isinstance(file, StringIO)
    return file.getvalue().replace(build.id, "b-demo")


@pytest.mark.parametrize("terminal", [True, False])
async def test_a_build_that_delivered_says_all_that_its_user_needs_on_one_screen(
    journal: Journal, begun: Any, terminal: bool
) -> None:
    console = Console(file=StringIO(), force_terminal=terminal, width=80, soft_wrap=True, color_system=None)
    text = await shown(journal, begun, console, "partial")
    for words in (
        "b-demo is partial: demo",
        "1 of 1 passed in the last run",
        "bubblewrap",
        "simulator:small",
        "For real models set ANTHROPIC_API_KEY",
        "1 call, 100 tokens",
        "The repository is in /home/me/a folder\n",
        "Run its tests: cd '/home/me/a folder' && ",
        "codegod report b-demo",
    ):
        assert words in text
    lines = text.splitlines()
    assert len(lines) <= SCREEN_LINES
    assert not terminal or all(
        len(line) <= 80 for line in lines if not line.startswith(("Run its tests", "Try again"))
    )


@pytest.mark.parametrize(
    ("end", "next_step"),
    [
        ("failed", "Mend what is named above, then: codegod resume b-demo"),
        ("partial", "codegod resume b-demo --ladder MODELS"),
    ],
)
async def test_a_build_that_is_not_done_says_why_and_what_comes_next(
    journal: Journal, begun: Any, end: BuildState, next_step: str
) -> None:
    text = await shown(journal, begun, Console(file=StringIO(), soft_wrap=True), end)
    assert "  Why: two tasks are missing\n" in text
    assert next_step in text
    assert "task storage is not built" in text
    assert ("/state/logs/b.jsonl" in text) == (end == "failed")
