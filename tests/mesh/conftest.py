"""The probe as an installed server, a recorder, and settings for a mesh."""

import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codegod_kit import Grant, GrantIssuer
from codegod_mesh import Allocation, Command, Endpoint, Mesh, MeshSettings, ToolCall, registry

_HERE = Path(__file__).parent
FOREIGN = str(_HERE / "foreign_server.py")
_ENTRY_POINTS = """\
[codegod.servers]
probe = codegod_probe.server:create
broken = codegod_probe.server:broken
"""
_MAIN = """\
import sys
from codegod_kit import run_server
from codegod_probe.server import create
sys.exit(run_server("probe", create))
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path that holds a distribution with the servers `probe` and `broken`."""
    folder = tmp_path / "installed"
    package = folder / "codegod_probe"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(_MAIN, encoding="utf-8")
    shutil.copy(_HERE / "probe_server.py", package / "server.py")
    about = folder / "codegod_probe-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: codegod-probe\nVersion: 1\n", encoding="utf-8"
    )
    (about / "entry_points.txt").write_text(_ENTRY_POINTS, encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    registry.installed.cache_clear()
    yield folder
    registry.installed.cache_clear()
    for name in [name for name in sys.modules if name.startswith("codegod_probe")]:
        del sys.modules[name]


class Kept:
    """A recorder that keeps what it is told."""

    def __init__(self) -> None:
        self.calls: list[ToolCall] = []

    async def tool_called(self, call: ToolCall) -> None:
        self.calls.append(call)

    @property
    def last(self) -> ToolCall:
        return self.calls[-1]


class World:
    """What a mesh of the tests is made of."""

    def __init__(self, folder: Path, installed: Path) -> None:
        self.issuer = GrantIssuer.new()
        self.kept = Kept()
        # The variables with keys stand for the user's own: no server may see them.
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(installed),
            "ANTHROPIC_API_KEY": "key-of-a-model",
            "HELLO": "there",
        }
        self.settings = MeshSettings(folder, folder, self.issuer, self.environment)
        self.foreign = Command(sys.executable, (FOREIGN,))

    def mesh(self, *endpoints: Endpoint, **changes: Any) -> Mesh:
        return Mesh(endpoints, **{"settings": self.settings, "recorder": self.kept, **changes})

    def allocation(self, *allow: str, **changes: Any) -> Allocation:
        grant = {
            "build": "b1",
            "task": "storage",
            "attempt": "storage.2",
            "tools": allow,
            "deadline": time.time() + 60,
        }
        return Allocation(allow, Grant.model_validate({**grant, **changes.pop("grant", {})}), **changes)


@pytest.fixture
def world(tmp_path: Path, installed: Path) -> World:
    return World(tmp_path, installed)
