"""From a commit to files: written by us, byte for byte as recorded, so that no filter or hook sees them."""

import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from codegod_git.faults import TreeTooLarge
from codegod_git.names import is_dot_git, shown
from codegod_git.objects import EXECUTABLE, LINK, SUBMODULE, Entries, object_sizes, read_objects
from codegod_git.records import LeftOut, Reason
from codegod_git.runner import Git
from codegod_git.walk import link_stays_inside
from codegod_kit.beneath import Beneath, TooMuchToDelete

# As much as a commit may hold, and half as much again for what was recorded elsewhere.
CHECKOUT_LIMIT_BYTES = 768 * 1024 * 1024
# A tree that needs more rounds than this is being filled while it is removed.
_ERASE_ROUNDS = 25


async def write_files(git: Git, entries: Entries, folder: Path) -> list[LeftOut]:
    """Write `entries` into the new, empty `folder`, which nobody else can reach yet; gives what was not written."""
    files, left_out = _sort_out(entries)
    sizes = await object_sizes(git, (entries[path].id for path in files))
    if sum(sizes[entries[path].id] for path in files) > CHECKOUT_LIMIT_BYTES:
        raise TreeTooLarge("bytes", CHECKOUT_LIMIT_BYTES)
    places: dict[str, list[str]] = {}
    for path in files:
        places.setdefault(entries[path].id, []).append(path)
    links: list[tuple[str, bytes]] = []
    async for name, data in read_objects(git, sizes):
        for path in places[name]:
            if entries[path].mode == LINK:
                links.append((path, data))
            else:
                await anyio.to_thread.run_sync(
                    _write_file, folder, path, data, entries[path].mode == EXECUTABLE
                )
    # Links come last, so that no file is written through one.
    for path, target in links:
        if link_stays_inside(path, os.fsdecode(target)):
            await anyio.to_thread.run_sync(_write_link, folder, path, target)
        else:
            left_out.append(LeftOut(path=shown(path), reason="symlink"))
    return left_out


@asynccontextmanager
async def building(scratch: Path, prefix: str) -> AsyncIterator[Path]:
    """A private new folder in `scratch`, to be renamed into place; what is left of it is removed.

    Call while writing: whatever else is in `scratch` was left there by a crash, and goes too.
    """
    folder = await anyio.to_thread.run_sync(_fresh, scratch, prefix)
    try:
        yield folder
    finally:
        with anyio.CancelScope(shield=True):
            await erase(folder)


async def erase(folder: Path) -> None:
    """Remove `folder` with everything in it, whatever shape a program gave it."""
    await anyio.to_thread.run_sync(_erase, folder)


def _fresh(scratch: Path, prefix: str) -> Path:
    scratch.mkdir(parents=True, exist_ok=True)
    for left in scratch.iterdir():
        _erase(left)
    return Path(tempfile.mkdtemp(prefix=prefix, dir=scratch))


def _erase(folder: Path) -> None:
    if not os.path.lexists(folder):
        return
    with Beneath(folder.parent) as parent:
        for _ in range(_ERASE_ROUNDS):
            try:
                parent.delete(folder.name, recursive=True)
            except TooMuchToDelete:
                continue
            return
        parent.delete(folder.name, recursive=True)


def _sort_out(entries: Entries) -> tuple[list[str], list[LeftOut]]:
    files: list[str] = []
    left_out: list[LeftOut] = []
    for path, entry in sorted(entries.items()):
        reason: Reason | None = "repository" if entry.mode == SUBMODULE else None
        if any(part in ("", ".", "..") or is_dot_git(part) for part in path.split("/")):
            reason = "name"
        if reason is None:
            files.append(path)
        else:
            left_out.append(LeftOut(path=shown(path), reason=reason))
    return files, left_out


def _write_file(folder: Path, path: str, data: bytes, executable: bool) -> None:
    place = folder / path
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    with open(os.open(place, flags, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fchmod(file.fileno(), 0o755 if executable else 0o644)


def _write_link(folder: Path, path: str, target: bytes) -> None:
    place = folder / path
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    os.symlink(os.fsdecode(target), place)
