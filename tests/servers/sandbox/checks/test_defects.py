"""Pairs of files that differ by one defect typical of small models: the bad one fails, the good one passes."""

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import Workshop

# Installs real packages and tools.
pytestmark = pytest.mark.long

_CASES = json.loads(Path(__file__).with_name("defects.json").read_text("utf-8"))
_PYPROJECT = (
    '[project]\nname = "pair"\nversion = "1"\n'
    'dependencies = ["fastapi", "httpx", "pydantic", "pytest-asyncio"]\n'
)
_PACKAGE = '{"name": "pair", "private": true, "type": "module", "devDependencies": {"vitest": "^3.0.0"}}\n'
_MANIFESTS = {".py": {"pyproject.toml": _PYPROJECT}, ".ts": {"package.json": _PACKAGE}}


def _project(case: dict[str, Any], text: str) -> dict[str, str]:
    name = case["file"]
    files = {"Dockerfile" if name.endswith("Dockerfile") else name: text, **_MANIFESTS.get(name[-3:], {})}
    if case["oracle"]:
        files["test_oracle.py"] = f"from {name[:-3]} import *\n\n\ndef test_oracle():\n    {case['oracle']}\n"
    return files


@pytest.mark.parametrize("case", _CASES, ids=[case["id"] for case in _CASES])
async def test_a_pair_is_told_apart(workshop: Workshop, case: dict[str, Any]) -> None:
    tests = ["."] if "test" in case["file"] or case["oracle"] else []
    workshop.fill(_project(case, case["good"]))
    assert (await workshop.prepare())["notes"] == []
    good = await workshop.check(tests=tests)
    workshop.fill(_project(case, case["bad"]))
    bad = await workshop.check(tests=tests)
    assert (good.ok, bad.ok) == (True, False), f"{case['defect']}\ngood: {good.text}\nbad: {bad.text}"
