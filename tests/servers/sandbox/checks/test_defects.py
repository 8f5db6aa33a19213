"""Pairs of files that differ by one defect typical of small models: the bad one fails, the good one passes.

All good files stand in one project and all bad ones in another, so that each is checked once; what is found tells by
its path which file it is about.
"""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal, get_args

import pytest

from codegod_sandbox.checks.records import StageName

from .conftest import INSTALL_SECONDS, Report, Workshop

# Installs real packages and tools.
pytestmark = [pytest.mark.long, pytest.mark.timeout(INSTALL_SECONDS + 120)]

_CASES: Final[list[dict[str, Any]]] = json.loads(Path(__file__).with_name("defects.json").read_text("utf-8"))
_MANIFESTS: Final = {
    "pyproject.toml": (
        '[project]\nname = "pair"\nversion = "1"\n'
        'dependencies = ["fastapi", "httpx", "pydantic", "pytest-asyncio"]\n'
    ),
    "package.json": '{"name": "pair", "private": true, "type": "module", "devDependencies": {"vitest": "^3.0.0"}}\n',
}


async def test_the_pairs_are_told_apart(workshop: Workshop) -> None:
    workshop.fill(_project("good"))
    assert (await workshop.prepare())["notes"] == []
    good = await workshop.check(tests=["."])
    assert good.ok, good.text
    assert set(good.stages.values()) == {"passed"}
    assert _passed(good) == _tests_of("good")
    workshop.fill(_project("bad"))
    # Each stage by name: a file that does not parse must not keep the others from being looked at.
    bad = await workshop.check(tests=["."], stages=list(get_args(StageName)))
    assert "not shown" not in bad.text
    found = {finding["path"] for finding in bad.data["findings"]}
    missed = {case["id"]: case["defect"] for case in _CASES if not found & set(_places(case))}
    assert missed == {}, bad.text


def _project(side: Literal["good", "bad"]) -> dict[str, str]:
    files = dict(_MANIFESTS)
    for case in _CASES:
        path, *oracle = _places(case)
        files[path] = case[side]
        if oracle:
            module = path.removesuffix(".py")
            files[oracle[0]] = f"from {module} import *\n\n\ndef test_oracle():\n    {case['oracle']}\n"
    return files


def _places(case: dict[str, Any]) -> Iterator[str]:
    """The file of a case, and that of the test that tells its two sides apart where only a run can."""
    name = case["file"]
    yield f"{case['id']}/Dockerfile" if name.endswith("Dockerfile") else name
    if case["oracle"]:
        yield f"test_oracle_{case['id']}.py"


def _tests_of(side: Literal["good", "bad"]) -> Counter[str]:
    return Counter(path for path in _project(side) if Path(path).name.startswith("test_") or ".test." in path)


def _passed(report: Report) -> Counter[str]:
    return Counter(name.partition("::")[0] for name, told in report.tests.items() if told == ("passed", ""))
