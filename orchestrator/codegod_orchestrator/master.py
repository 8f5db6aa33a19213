"""What the master is asked: the text of each step, and nothing about who answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import resources

from codegod_kit.plan import Plan
from codegod_models import Message, ModelRequest
from codegod_workers import Finding
from codegod_workers.answer import fenced

PLAN_TOKENS = 16_000  # a plan of thirty tasks takes about half of that
CONTRACT_TOKENS = 32_000  # a batch of files; see FILES_PER_BATCH in contract.py
FINDINGS_SHOWN = 40


def plan_request(
    prompt: str,
    *,
    sheet: str,
    wishes: Sequence[str] = (),
    specifications: str = "",
    findings: Sequence[Finding] = (),
    attempt: int = 1,
) -> ModelRequest:
    """Ask for a plan; `wishes` are what the user fixed (stack, platforms) in sentences."""
    parts = [
        f"Step: plan\nAttempt: {attempt}",
        f"<request>\n{prompt.strip()}\n</request>",
        "The user also fixed:\n" + "\n".join(f"- {wish}" for wish in wishes) if wishes else "",
        f"# Capability sheet\n\n{sheet}",
        f"# API specifications\n\n{specifications}" if specifications else "",
        _findings(findings),
    ]
    return _request(parts, PLAN_TOKENS)


def contract_request(
    plan: Plan,
    files: Sequence[str],
    *,
    written: Mapping[str, str],
    later: Sequence[str] = (),
    review: str = "",
    material: str = "",
    findings: Sequence[Finding] = (),
    attempt: int = 1,
) -> ModelRequest:
    """Ask for `files` of the contract; `written` of it stand already, `later` will be asked for next."""
    parts = [
        f"Step: contract\nProject: {plan.name}\nAttempt: {attempt}",
        f"# The plan\n\n```json\n{json.dumps(plan_data(plan), indent=1, ensure_ascii=False)}\n```",
        f"# How it was thought out\n\n{review}" if review else "",
        f"# From the specifications\n\n{material}" if material else "",
        _written(written),
        "Files to write:\n" + "\n".join(f"- {path}" for path in files),
        f"Asked for later, not now: {', '.join(later)}." if later else "",
        _findings(findings),
    ]
    return _request(parts, CONTRACT_TOKENS)


def plan_data(plan: Plan) -> dict[str, object]:
    """The plan as the master gets it back: without what does not shape the contract."""
    return plan.model_dump(mode="json", exclude={"prompts", "reasoning"}, exclude_defaults=True)


def _request(parts: Sequence[str], tokens: int) -> ModelRequest:
    system = resources.files("codegod_orchestrator").joinpath("prompts", "master.md").read_text("utf-8")
    text = "\n\n".join(part for part in parts if part)
    return ModelRequest(system=system, messages=(Message("user", text),), max_tokens=tokens)


def _written(files: Mapping[str, str]) -> str:
    blocks = [fenced(path, text) for path, text in files.items()]
    return "\n\n".join(["# Files of the contract that stand", *blocks]) if blocks else ""


def _findings(findings: Sequence[Finding]) -> str:
    if not findings:
        return ""
    shown = [f"- {finding}" for finding in findings[:FINDINGS_SHOWN]]
    return "\n".join(["# What was wrong with the last answer", *shown])
