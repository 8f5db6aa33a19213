"""What every test may use."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """Code-God runs on asyncio: the SDK's servers and clients are tested there and nowhere else."""
    return "asyncio"


@pytest.fixture
def state_dir() -> Iterator[Path]:
    """A temporary folder that the sandbox's unprivileged user can walk through (`tmp_path` is closed to it)."""
    folder = Path(tempfile.mkdtemp(prefix="codegod-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)
