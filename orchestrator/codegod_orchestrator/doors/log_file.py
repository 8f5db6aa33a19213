"""Logs of a build that runs under a terminal's view: into a file, because a traceback in a picture helps nobody."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from codegod_kit import configure_logging


@contextmanager
def logging_to(file: Path) -> Iterator[None]:
    """Append every log of this process to `file` while inside, one JSON object a line."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()  # they are taken up again below, so nobody may close them
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as stream:
        configure_logging(stream=stream)
        try:
            yield
        finally:
            root.handlers[:] = handlers
            root.setLevel(level)
