"""What every test may use."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
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


@pytest.fixture(scope="session")
def kit_state(testrun_uid: str) -> Iterator[Path]:
    """A state folder whose tools and environments are installed once, whichever process of this run asks first.

    Who works on these tests names a folder in `CODEGOD_TEST_KITS` that is kept from one run to the next.
    """
    if kept := os.environ.get("CODEGOD_TEST_KITS"):
        yield Path(kept)
        return
    folder = Path(tempfile.gettempdir(), f"codegod-kits-{testrun_uid}")
    mine = folder / f".used-by-{os.getpid()}"
    with _alone(folder):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
        mine.touch()
    yield folder
    with _alone(folder):
        mine.unlink()
        if not list(folder.glob(".used-by-*")):  # the last one puts out the light
            shutil.rmtree(folder)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """While no other process makes such a folder or takes it away."""
    above = os.open(folder.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(above, fcntl.LOCK_EX)
        yield
    finally:
        os.close(above)
