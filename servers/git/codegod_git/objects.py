"""What a repository holds: trees as flat tables of paths, blobs in batches, one tree written from a table."""

import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from codegod_git.faults import GitFailed, PathClash, TreeTooLarge
from codegod_git.runner import Git

# Far above a generated application, and about what one listing of 16 MiB can hold.
TREE_LIMIT_FILES = 100_000
# What one process gives at a time when many blobs are read: bounds the memory that a checkout takes.
BATCH_BYTES = 8 * 1024 * 1024
_BATCH_BLOBS = 500

FILE, EXECUTABLE, LINK, SUBMODULE = "100644", "100755", "120000", "160000"


@dataclass(frozen=True, slots=True)
class Entry:
    """One path of a tree: git's mode and the object's id."""

    mode: str
    id: str


Entries = Mapping[str, Entry]
Status = Literal["added", "modified", "deleted"]


async def tree_entries(git: Git, treeish: str) -> dict[str, Entry]:
    """Every path of the tree of `treeish` (an id), submodules included."""
    listing = await git.run("ls-tree", "-r", "-z", "--full-tree", treeish)
    entries: dict[str, Entry] = {}
    for line in listing.split(b"\0")[:-1]:
        head, _, path = line.partition(b"\t")
        mode, _, name = head.decode("ascii").split(" ")
        entries[path.decode("utf-8", "surrogateescape")] = Entry(mode, name)
    return entries


async def write_tree(git: Git, entries: Entries) -> str:
    """The id of the tree that holds exactly `entries`, whose objects must exist."""
    require_writable(entries)
    lines = [f"{entry.mode} {entry.id}\t{path}\0" for path, entry in sorted(entries.items())]
    with tempfile.TemporaryDirectory(prefix="codegod-index-") as folder:
        indexed = git.indexed(Path(folder) / "index")
        table = "".join(lines).encode("utf-8", "surrogateescape")
        await indexed.run("update-index", "-z", "--index-info", stdin=table)
        return (await indexed.run("write-tree")).decode("ascii").strip()


def changes(before: Entries, after: Entries) -> dict[str, Status]:
    """What became of each path that differs, in the order of their names."""
    differing = (path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    return {path: _status(before, after, path) for path in sorted(differing)}


async def object_sizes(git: Git, ids: Iterable[str]) -> dict[str, int]:
    """The size of each object."""
    asked = sorted(set(ids))
    told = await git.run(
        "cat-file",
        "--batch-check=%(objectname) %(objectsize)",
        stdin="".join(f"{one}\n" for one in asked).encode(),
    )
    pairs = [line.split(" ") for line in told.decode("ascii").splitlines()]
    for name, size in pairs:
        if size == "missing":
            raise GitFailed("cat-file", 0, f"object {name} is missing")
    return {name: int(size) for name, size in pairs}


async def read_objects(git: Git, sizes: Mapping[str, int]) -> AsyncIterator[tuple[str, bytes]]:
    """Id and content of each object in `sizes`, a few megabytes at a time."""
    for batch in _batches(sizes):
        limit = sum(sizes[name] + len(name) + 64 for name in batch)
        told = await git.run(
            "cat-file", "--batch", stdin="".join(f"{one}\n" for one in batch).encode(), limit=limit
        )
        for pair in _parse_batch(told):
            yield pair


def _batches(sizes: Mapping[str, int]) -> list[list[str]]:
    batches: list[list[str]] = []
    held = BATCH_BYTES
    for name, size in sizes.items():
        if held + size > BATCH_BYTES or len(batches[-1]) >= _BATCH_BLOBS:
            batches.append([])
            held = 0
        batches[-1].append(name)
        held += size
    return batches


def _parse_batch(told: bytes) -> list[tuple[str, bytes]]:
    """The answer of `cat-file --batch`: `<id> <type> <size>`, the content and a newline, for each object."""
    pairs: list[tuple[str, bytes]] = []
    at = 0
    while at < len(told):
        end = told.index(b"\n", at)
        name, _, size = told[at:end].decode("ascii").split(" ")
        begin = end + 1
        at = begin + int(size) + 1
        pairs.append((name, told[begin : at - 1]))
    return pairs


def require_writable(entries: Entries) -> None:
    """Return if `entries` can be one tree: not too many, and no path a file and a folder at once."""
    if len(entries) > TREE_LIMIT_FILES:
        raise TreeTooLarge("files", TREE_LIMIT_FILES)
    for path in entries:
        parts = path.split("/")
        for depth in range(1, len(parts)):
            if (folder := "/".join(parts[:depth])) in entries:
                raise PathClash(folder)


def _status(before: Entries, after: Entries, path: str) -> Status:
    if path not in before:
        return "added"
    return "modified" if path in after else "deleted"
