"""What a contract forbids in a whole build, seen from its report."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

AMOUNT = "src/pennies/amount.py"


@pytest.mark.long
def test_a_renamed_parameter_is_sent_back_although_every_test_passes(
    place: Any, project: Callable[..., Path]
) -> None:
    right = (project() / "files" / AMOUNT).read_text("utf-8")
    drifted = right.replace("def show(cents: int)", "def show(value: int)").replace("{cents ", "{value ")
    assert drifted != right
    reference = project(amount__1={AMOUNT: drifted})
    done = place.codegod(
        "build", "Write a tiny money library", "--worker", f"simulator:{reference}", "--out", "made"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.dumps(json.loads(place.codegod("report", "--json").stdout))
    assert "signature-drift" in told
    assert "its parameter `cents` is gone" in told
    assert (place.folder / "made" / AMOUNT).read_text("utf-8") == right
