"""The same limits hold when the server is an ordinary user, without cgroups and without a user of its own to give away."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

pytestmark = pytest.mark.long

_UID = 59_999  # nobody's


@pytest.fixture
def home(state_dir: Path) -> Path:
    folder = state_dir / "home"
    folder.mkdir()
    return folder


async def test_an_ordinary_users_programs_are_confined(
    home: Path, level: str, alive: Callable[[str], list[str]]
) -> None:
    script = str(Path(__file__).with_name("ordinary_user.py"))
    with anyio.fail_after(120):
        ran = await anyio.run_process([sys.executable, script, str(home), level, str(_UID)], check=False)
    assert ran.returncode == 0, ran.stderr.decode()
    said = json.loads(ran.stdout)
    uid = os.geteuid() or _UID
    assert (said["status"]["level"], said["status"]["user"], said["owner"]) == (level, uid, uid)
    assert said["who"][:2] == ["exit", 0]
    assert said["who"][2].startswith("True")
    assert said["memory"][0] == "memory_limit", said["memory"]
    assert "secret" not in said["secret"][2]
    assert said["secret"][1] == 1
    assert "ESCAPE" not in said["kill"][2]
    assert said["usernamespace"][2] == "-1\n"
    assert said["sleep"][:2] == ["timeout", 137]
    if level == "bubblewrap":
        assert 50 <= int(said["forks"][2]) <= 62
        assert "RLIMIT_NPROC" in said["status"]["process_limit"]
    else:
        assert "every other program of the same user" in said["status"]["process_limit"]
    assert alive(str(home)) == []
