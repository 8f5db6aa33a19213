"""A lock between processes that share the state folder."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

_AGAIN_SECONDS = 0.05


@asynccontextmanager
async def locked(file: Path) -> AsyncIterator[None]:
    """Hold the lock that `file` stands for; the kernel lets go of it when a process dies."""
    import fcntl  # not on Windows

    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await anyio.sleep(_AGAIN_SECONDS)
        yield
    finally:
        os.close(descriptor)
