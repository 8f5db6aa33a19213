"""What the master is asked: the text of each step, and nothing about who answers.

The first question of a phase says everything; those that follow in the same conversation say what is new. Nothing in
them changes from run to run (no times, no ids), so that equal builds ask equal questions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Final

from codegod_kit.plan import Plan
from codegod_workers import Finding
from codegod_workers.answer import fenced

PLAN_TOKENS = 16_000  # a plan of thirty tasks takes about half of that
CONTRACT_TOKENS = 32_000  # a batch of files; see FILES_PER_BATCH in contract.py
FINDINGS_SHOWN = 40

# One text for all steps: a provider's cache holds it from the first call of a build on.
_PROMPTS = ("master.md", "ruling.md", "replan.md", "acceptance.md", "change.md")


def _system() -> str:
    folder = resources.files("codegod_orchestrator").joinpath("prompts")
    files = [folder.joinpath(name) for name in _PROMPTS]
    return "\n\n".join(file.read_text("utf-8").strip() for file in files if file.is_file()) + "\n"


SYSTEM: Final = _system()
# By this line of a question the master knows that the rules for a change hold.
CHANGE_LINE: Final = "Change: of an existing repository"


def plan_opening(
    prompt: str,
    *,
    sheet: str,
    wishes: Sequence[str] = (),
    specifications: str = "",
    behaviours: Sequence[str] = (),
    repository: str = "",
    findings: Sequence[Finding] = (),
    attempt: int = 1,
) -> str:
    """Ask for a plan; `wishes` are what the user fixed (stack, platforms), `behaviours` what was read from the prompt.

    With a `repository` (its text), the plan is one to change it.
    """
    return _joined(
        [
            _plan_head(prompt, attempt, change=bool(repository)),
            shown_repository(repository),
            "The user also fixed:\n" + "\n".join(f"- {wish}" for wish in wishes) if wishes else "",
            f"# Capability sheet\n\n{sheet}",
            "# Behaviours that will be tested\n\n" + "\n".join(f"- {one}" for one in behaviours)
            if behaviours
            else "",
            f"# API specifications\n\n{specifications}" if specifications else "",
            _findings(findings),
        ]
    )


def plan_following(prompt: str, *, findings: Sequence[Finding], attempt: int, change: bool = False) -> str:
    """Ask for the plan again, in the conversation that holds the one that was sent back."""
    return _joined([_plan_head(prompt, attempt, change=change), _findings(findings)])


def shown_repository(text: str) -> str:
    """The repository that is to be changed, under a heading; nothing for a new application."""
    return f"# The repository\n\n{text}" if text else ""


def contract_opening(
    plan: Plan,
    files: Sequence[str],
    *,
    written: Mapping[str, str],
    later: Sequence[str] = (),
    review: str = "",
    material: str = "",
    repository: str = "",
    existing: Sequence[str] = (),
    findings: Sequence[Finding] = (),
    attempt: int = 1,
) -> str:
    """Ask for `files` of the contract; `written` of it stand already, `later` will be asked for next.

    Of a `repository` that is changed, the files `existing` may be written again as well.
    """
    return _joined(
        [
            _contract_head(plan, attempt, change=bool(repository)),
            shown_repository(repository),
            f"# The plan\n\n```json\n{json.dumps(plan_data(plan), indent=1, ensure_ascii=False)}\n```",
            f"# How it was thought out\n\n{review}" if review else "",
            f"# From the specifications\n\n{material}" if material else "",
            _written(written),
            _wanted(files, later, existing),
            _findings(findings),
        ]
    )


def contract_following(
    plan: Plan,
    files: Sequence[str],
    *,
    later: Sequence[str] = (),
    existing: Sequence[str] = (),
    change: bool = False,
    findings: Sequence[Finding] = (),
    attempt: int = 1,
) -> str:
    """Ask for more `files`, in the conversation that holds the plan and all files that stand."""
    head = _contract_head(plan, attempt, change=change)
    return _joined([head, _wanted(files, later, existing), _findings(findings)])


def plan_data(plan: Plan) -> dict[str, object]:
    """The plan as the master gets it back: without what does not shape the contract, the names of hidden tests included."""
    return plan.model_dump(
        mode="json",
        exclude={"prompts": True, "reasoning": True, "behaviours": {"__all__": {"test"}}},
        exclude_defaults=True,
    )


def change_line(change: bool) -> str:
    """The line of a question's head that says whether an existing repository is changed."""
    return f"{CHANGE_LINE}\n" if change else ""


def _plan_head(prompt: str, attempt: int, *, change: bool) -> str:
    return f"Step: plan\n{change_line(change)}Attempt: {attempt}\n\n<request>\n{prompt.strip()}\n</request>"


def _contract_head(plan: Plan, attempt: int, *, change: bool) -> str:
    return f"Step: contract\n{change_line(change)}Project: {plan.name}\nAttempt: {attempt}"


def _wanted(files: Sequence[str], later: Sequence[str], existing: Sequence[str]) -> str:
    parts = ["Files to write:\n" + "\n".join(f"- {path}" for path in files)]
    if existing:
        listed = "\n".join(f"- {path}" for path in existing)
        parts.append(f"Existing files that you may write again, only to add declarations:\n{listed}")
    if later:
        parts.append(f"Asked for later, not now: {', '.join(later)}.")
    return "\n\n".join(parts)


def _written(files: Mapping[str, str]) -> str:
    blocks = [fenced(path, text) for path, text in files.items()]
    return "\n\n".join(["# Files of the contract that stand", *blocks]) if blocks else ""


def _findings(findings: Sequence[Finding]) -> str:
    if not findings:
        return ""
    shown = [f"- {finding}" for finding in findings[:FINDINGS_SHOWN]]
    return "\n".join(["# What was wrong with the last answer", *shown])


def _joined(parts: Sequence[str]) -> str:
    return "\n\n".join(part for part in parts if part)
