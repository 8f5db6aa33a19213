"""A folder on the host that belongs to one run."""

import os
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import anyio

from codegod_sandbox.jail import EGRESS_NAME
from codegod_sandbox.tree import remove


@asynccontextmanager
async def run_folder(state: Path, uid: int | None) -> AsyncIterator[Path]:
    """A new folder under `state`, removed with all that the program put there."""
    folder = state / "runs" / secrets.token_hex(8)
    egress = folder / EGRESS_NAME
    for place in (folder.parent, folder, egress):
        place.mkdir(parents=True, exist_ok=True)
        place.chmod(0o711)  # the sandbox's user walks through; nobody looks around
    egress.chmod(0o700)
    if uid is not None:
        os.chown(egress, uid, uid)
    with _held(folder):
        try:
            yield folder
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(remove, folder)


def sweep_runs(state: Path) -> None:
    """Remove what servers that were killed have left; the folders of living ones are locked."""
    runs = state / "runs"
    for folder in runs.iterdir() if runs.exists() else ():
        try:
            with _held(folder):
                remove(folder)
        except (BlockingIOError, FileNotFoundError):  # in use, or its run has just ended
            continue


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    import fcntl  # not on Windows

    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
