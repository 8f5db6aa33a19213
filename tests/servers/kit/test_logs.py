"""Logs: one JSON object a line."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from codegod_kit import configure_logging, log_event, log_warning


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    root.handlers.clear()
    stream = io.StringIO()
    configure_logging(stream=stream)
    yield stream
    root.handlers[:], _ = before
    root.setLevel(before[1])


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_a_line_with_its_fields(stream: io.StringIO) -> None:
    log_event(logging.getLogger("a"), "made", path="ä\n", count=2)
    log_warning(logging.getLogger("a"), "lost")
    made, lost = lines(stream)
    assert {
        "level": "info",
        "logger": "a",
        "event": "made",
        "path": "ä\n",
        "count": 2,
    }.items() <= made.items()
    assert str(made["time"]).endswith("+00:00")
    assert lost["level"] == "warning"


def test_a_field_cannot_pass_for_another(stream: io.StringIO) -> None:
    log_event(logging.getLogger("a"), "made", message="x", name="y", level="z", event="w")
    (line,) = lines(stream)
    assert (line["event"], line["level"], line["message"], line["name"]) == ("made", "info", "x", "y")


def test_a_traceback_is_one_field(stream: io.StringIO) -> None:
    try:
        raise RuntimeError("oops")
    except RuntimeError:
        logging.getLogger("a").exception("broke")
    (line,) = lines(stream)
    assert "RuntimeError: oops" in str(line["traceback"])


def test_chatty_libraries_are_quiet(stream: io.StringIO) -> None:
    logging.getLogger("mcp.server").info("a request with its arguments")
    assert lines(stream) == []
