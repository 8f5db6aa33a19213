"""Programs that try to get out, one by one, at each level.

Each prints ESCAPE when it got somewhere and BLOCKED when it did not; being stopped by an OSError is BLOCKED as well.
What must be true outside is checked after every one of them.
"""

import json
import os
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from codegod_sandbox.execution import PYTHON, RunResult

Run = Callable[..., Awaitable[RunResult]]
_CASES = json.loads(Path(__file__).with_name("escapes.json").read_text("utf-8"))


@pytest.fixture
def outside(state_dir: Path) -> Iterator[Mapping[str, str]]:
    """What a program would find outside: a secret, a folder to write to, and services on loopback only."""
    secret = state_dir / "outside" / "secret"
    secret.parent.mkdir()
    secret.parent.chmod(0o777)
    secret.write_text("canary", "utf-8")
    secret.chmod(0o666)
    abstract = f"codegod-{os.getpid()}-{id(secret)}"
    with ExitStack() as stack:
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        udp.setblocking(False)
        for name, kind in (("socket", socket.SOCK_STREAM), ("datagram", socket.SOCK_DGRAM)):
            service = stack.enter_context(socket.socket(socket.AF_UNIX, kind))
            service.bind(str(secret.parent / name))
            (secret.parent / name).chmod(0o777)
            if kind == socket.SOCK_STREAM:
                service.listen()
        hidden = stack.enter_context(socket.socket(socket.AF_UNIX))
        hidden.bind(f"\0{abstract}")
        hidden.listen()
        yield {
            "SECRET": str(secret),
            "OUTSIDE": str(secret.parent),
            "SOCKET": str(secret.parent / "socket"),
            "DATAGRAM": str(secret.parent / "datagram"),
            "ABSTRACT": abstract,
            "PORT": str(tcp.getsockname()[1]),
            "UDP": str(udp.getsockname()[1]),
            "SERVER": str(os.getpid()),
        }
        assert secret.read_text("utf-8") == "canary"
        assert sorted(path.name for path in secret.parent.iterdir()) == ["datagram", "secret", "socket"]
        with pytest.raises(BlockingIOError):
            udp.recv(16)


@pytest.mark.parametrize("case", _CASES, ids=[case["id"] for case in _CASES])
async def test_a_program_does_not_get_out(
    run: Run, workspace: Path, outside: Mapping[str, str], level: str, case: dict[str, Any]
) -> None:
    here = {"WORKSPACE": "/workspace" if level == "bubblewrap" else str(workspace), **outside}
    code = "\n".join(case["code"])
    for name, value in here.items():
        code = code.replace(f"{{{name}}}", value)
    if case["language"] == "python":
        lines = "".join(f"    {line}\n" for line in code.splitlines())
        code = f"try:\n{lines}except OSError as error:\n    print('BLOCKED', error)\n"
    result = await run(*((PYTHON, "-c", code) if case["language"] == "python" else ("sh", "-c", code)))
    assert b"ESCAPE" not in result.stdout, result
    assert b"BLOCKED" in result.stdout or (case["id"], result.status) == ("fs-sparse", "signal"), result
    assert _devices(workspace) == []


def _devices(tree: Path) -> list[Path]:
    return [path for path in tree.rglob("*") if path.is_block_device() or path.is_char_device()]


def test_nothing_was_left_in_places_that_all_runs_share() -> None:
    left = [
        place
        for place in ("/etc/x", "/etc/pwn", "/usr/bin/pwn", "/dev/x", "/dev/shm/codegod-left")
        if Path(place).exists()
    ]
    assert left == []
