"""A build in a real terminal, as a newcomer starts it: keyboard, screen and all."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROWS, COLUMNS = 30, 100
_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def _on_a_terminal(command: list[str], **options: Any) -> tuple[int, str]:
    """Run `command` with a terminal of its own; its exit code and everything that it drew."""
    import fcntl
    import struct
    import termios

    ours, its = os.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    process = subprocess.Popen(command, stdin=its, stdout=its, stderr=its, start_new_session=True, **options)
    os.close(its)
    drawn = b""
    try:
        while piece := os.read(ours, 65536):
            drawn += piece
    except OSError:
        pass  # Linux says so when nobody has the other end open any more
    finally:
        os.close(ours)
    return process.wait(30), drawn.decode()


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has terminals of another kind")
def test_the_first_build_on_a_terminal_shows_its_tasks_and_needs_no_key_pressed(
    place: Any, project: Callable[..., Path], wrong_amount: Any
) -> None:
    reference = project(amount__1=wrong_amount)
    environment = {name: value for name, value in place.environment.items() if name != "COLUMNS"}
    code, drawn = _on_a_terminal(
        place.command(
            "build", "Write a tiny money library", "--worker", f"simulator:{reference}", "--out", "out"
        ),
        env=environment | {"TERM": "xterm-256color"},
        cwd=place.folder,
    )
    text = _CONTROLS.sub("", drawn)
    assert code == 0, text
    assert "Traceback" not in text
    assert re.search(r"b-\w+  running  \d:\d\d  \d of 3 tasks", text)
    assert re.search(r"amount +backend +inflight +2 +repairing amount\.1", text)
    assert text.index("amount.1 sent back") < text.index("amount.2 accepted and on main")
    assert drawn.rindex("\x1b[?25h") > drawn.rindex("\x1b[?25l")  # the cursor is back
    assert (place.folder / "out" / "README.md").is_file()
