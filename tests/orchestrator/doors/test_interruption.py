"""Ctrl-C and SIGTERM, for whatever a command is doing."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(os.name == "nt", reason="Windows has no signals to send to another process"),
]

# A command that says when it works, and what of it is closed in the end. `{work}` is what it then does.
PROGRAM = """
import sys, anyio
from codegod_orchestrator.doors.commands.running import guarded
from codegod_orchestrator.doors.interruption import advise

async def work(console):
    advise("Go on with: codegod resume b-demo")
    try:
        print("working", flush=True)
        {work}
    finally:
        print("closed", flush=True)
    return 0

sys.exit(guarded(work))
"""
SLEEPS = "await anyio.sleep_forever()"
STUBBORN = """with anyio.CancelScope(shield=True):
            await anyio.sleep_forever()"""
SPINS = """while True:
            pass"""


@contextmanager
def command(work: str, program: str = PROGRAM) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", program.format(work=work)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "working\n"
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_ends_the_work_in_order_and_names_the_next_step(number: signal.Signals) -> None:
    with command(SLEEPS) as process:
        process.send_signal(number)
        out, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert out.splitlines() == [
        "Stopping; Ctrl-C again ends at once.",
        "closed",
        "Interrupted. Go on with: codegod resume b-demo",
    ]
    assert errors == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_second_signal_ends_the_process_at_once(number: signal.Signals) -> None:
    with command(STUBBORN) as process:
        process.send_signal(number)
        assert process.stdout is not None
        assert process.stdout.readline() == "Stopping; Ctrl-C again ends at once.\n"
        process.send_signal(number)
        out, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert out == ""
    assert errors == "Interrupted. Go on with: codegod resume b-demo\n"


def test_even_a_loop_that_lets_nobody_else_run_is_ended_by_pressing_again() -> None:
    with command(SPINS) as process:
        for _ in range(100):
            process.send_signal(
                signal.SIGINT
            )  # an impatient user: equal signals that wait are joined into one
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.1)
                break
        out, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert out == ""
    assert errors == "Interrupted. Go on with: codegod resume b-demo\n"


def test_pressing_again_when_all_is_closed_and_said_tells_nothing_more() -> None:
    leaving = PROGRAM.replace(
        "sys.exit(guarded(work))",
        "import signal; guarded(work); signal.raise_signal(signal.SIGINT); print('still here')",
    )
    with command(SLEEPS, leaving) as process:
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert out.splitlines()[-1] == "Interrupted. Go on with: codegod resume b-demo"
    assert errors == ""


def test_work_goes_on_when_nobody_reads_its_output_any_more() -> None:
    speaks = """sys.stdin.readline()
        for number in range(3):
            console.print(number)
        print("done", file=sys.stderr)"""
    with command(speaks) as process:
        assert process.stdout is not None
        process.stdout.close()
        _, errors = process.communicate("go on\n", timeout=20)
    assert (process.returncode, errors) == (0, "done\n")
