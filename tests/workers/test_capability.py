"""What is concluded from a probe, kept, and made of an assignment."""

from pathlib import Path

import pytest

from codegod_kit.plan import Task
from codegod_models import request_tokens
from codegod_workers.capability import (
    PROBE_VERSION,
    Capability,
    ProbeResult,
    fitted,
    read_capability,
    write_capability,
)
from codegod_workers.micro_tasks import micro_tasks, request_of
from codegod_workers.probe import LEAST_CONTEXT, conclude

from .conftest import assignment

TASK = Task(id="box", type="backend", title="A box", files=("box.py",))


def _concluded(*failed: str, skipped: tuple[str, ...] = ()) -> Capability:
    return conclude(
        "ollama:m",
        [
            ProbeResult(
                task=task.id,
                kind=task.kind,
                passed=task.id not in failed and task.id not in skipped,
                skipped=task.id in skipped,
            )
            for task in micro_tasks()
        ],
    )


@pytest.mark.parametrize(
    ("failed", "mode", "in_json"),
    [
        ((), "tools", True),
        (("argument-page",), "tools", False),
        (("choose-none",), "fences", False),
        (("choose-read", "argument-code"), "fences", False),
    ],
)
def test_one_failure_costs_the_loop_or_the_arguments(
    failed: tuple[str, ...], mode: str, in_json: bool
) -> None:
    known = _concluded(*failed)
    assert (known.mode, known.in_json) == (mode, in_json)


@pytest.mark.parametrize(
    ("failed", "skipped", "context"),
    [
        ((), (), None),
        ((), ("context-16k",), None),
        (("context-16k",), (), 8_192),
        (("context-8k",), ("context-16k",), 4_096),
        (("context-4k",), (), LEAST_CONTEXT),
    ],
)
def test_the_context_ends_where_reading_did(
    failed: tuple[str, ...], skipped: tuple[str, ...], context: int | None
) -> None:
    assert _concluded(*failed, skipped=skipped).context_tokens == context


def test_who_writes_no_file_has_no_role() -> None:
    known = _concluded("fence-one", "fence-two", "fence-document")
    assert known.roles == ()
    assert not known.fits("backend")
    assert not _concluded("testing-slug").fits("integration")
    assert _concluded("backend-repair").fits("database")
    assert not _concluded("control-contract").master


def test_what_is_known_is_read_back_and_what_was_asked_otherwise_is_not(tmp_path: Path) -> None:
    known = _concluded("argument-page")
    file = write_capability(tmp_path, known)
    assert read_capability(tmp_path, "ollama:m") == known
    assert read_capability(tmp_path, "ollama:m:7b") is None
    write_capability(tmp_path, known.model_copy(update={"version": PROBE_VERSION + 1}))
    assert read_capability(tmp_path, "ollama:m") is None
    file.write_text("{", encoding="utf-8")
    assert read_capability(tmp_path, "ollama:m") is None


def test_an_assignment_is_fitted_to_its_model() -> None:
    given = assignment(TASK, answer_tokens=8_192)
    assert fitted(given, None) is given
    small = fitted(given, _concluded("choose-none", "context-8k", "context-16k"))
    assert (small.mode, small.in_json, small.context_tokens, small.answer_tokens) == (
        "fences",
        False,
        4_096,
        2_048,
    )
    large = fitted(given, _concluded())
    assert (large.mode, large.in_json, large.context_tokens) == ("tools", True, given.context_tokens)


def test_every_micro_task_is_a_question_that_fits_its_context() -> None:
    assert 20 <= len(micro_tasks()) <= 25
    assert len({task.id for task in micro_tasks()}) == len(micro_tasks())
    for task in micro_tasks():
        request = request_of(task)
        assert request.messages[-1].text.startswith(f"Step: probe\nTask: {task.id}\n")
        assert request_tokens(request) + request.max_tokens <= (task.context or LEAST_CONTEXT)
