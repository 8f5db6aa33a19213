"""One writer per repository: over the calls of this process and over processes."""

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import anyio

from codegod_git.faults import RepositoryBusy, Unsupported
from codegod_kit import seconds_left

if sys.platform != "win32":
    import fcntl

# A delivery, the longest that anybody holds the lock, takes a few seconds.
WAIT_SECONDS = 60.0
# Another process lets go without telling us; within this process nobody polls.
_POLL_SECONDS = 0.02
LOCK_NAME = "codegod.lock"


class WriteLocks:
    """The locks of every repository that one server serves."""

    def __init__(self) -> None:
        self._near: dict[Path, anyio.Lock] = {}

    @asynccontextmanager
    async def hold(self, git_dir: Path) -> AsyncIterator[None]:
        """Be the only writer of the repository `git_dir` inside the block; a `RepositoryBusy` when that takes too long."""
        seconds = seconds_left(WAIT_SECONDS)
        near = self._near.setdefault(git_dir, anyio.Lock())
        with anyio.move_on_after(seconds) as waiting:
            await near.acquire()
        if waiting.cancelled_caught:
            raise RepositoryBusy(LOCK_NAME)
        try:
            with _open(git_dir / LOCK_NAME) as descriptor:
                with anyio.move_on_after(seconds) as waiting:
                    while not _lock(descriptor):  # noqa: ASYNC110 - the holder is another process
                        await anyio.sleep(_POLL_SECONDS)
                if waiting.cancelled_caught:
                    raise RepositoryBusy(LOCK_NAME)
                yield
        finally:
            near.release()


@contextmanager
def _open(path: Path) -> Iterator[int]:
    """The open lock file; closing it lets the lock go, and so does the end of the process, whatever ends it."""
    with path.open("ab") as file:
        yield file.fileno()


if sys.platform == "win32":

    def _lock(descriptor: int) -> bool:
        raise Unsupported("locks on open files (flock)")

else:

    def _lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
