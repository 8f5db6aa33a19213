"""From a folder to a table of entries: what a commit of it would hold.

The bytes are hashed as they lie there: no filter, no line-end conversion, no attribute changes them, so equal files
give equal trees on every machine. git receives the content on stdin and never opens the folder.
"""

import hashlib
import re
import stat
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import anyio

from codegod_git.faults import TreeMoving, TreeTooLarge, Unrecordable
from codegod_git.names import shown
from codegod_git.objects import EXECUTABLE, FILE, LINK, SUBMODULE, Entries, Entry
from codegod_git.records import LeftOut, Reason
from codegod_git.rules import tree_rules
from codegod_git.runner import Git
from codegod_git.walk import Found, link_stays_inside, open_file, open_root, walk

# Source files are a thousand times smaller; what is larger was generated or downloaded.
FILE_LIMIT_BYTES = 16 * 1024 * 1024
# Read and hashed in about a second.
TREE_LIMIT_BYTES = 512 * 1024 * 1024
# Read in one go by a worker thread, between two looks at the event loop.
_BATCH_FILES = 64
_BATCH_BYTES = 4 * 1024 * 1024
_CHUNK_BYTES = 1024 * 1024

# With one of these a commit would be wrong or dangerous; the other reasons leave single paths as they were.
_FATAL: frozenset[Reason] = frozenset({"repository", "depth", "unreadable", "too_large"})
_PRIVATE_KEY = re.compile(
    rb"^-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----\r?\n(?:[A-Za-z-]+: [^\n]*\n)*\s*[A-Za-z0-9+/=]{3}",
    re.MULTILINE,
)
_SECRET_NAMES = frozenset({".env", ".netrc", "id_rsa", "id_ecdsa", "id_ed25519"})


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a commit of a folder would hold, and what it would leave as it was."""

    entries: Entries
    left_out: tuple[LeftOut, ...]

    def require_recordable(self) -> None:
        """Return if a commit may be made of this; raise `Unrecordable` if not."""
        if fatal := [(one.path, one.reason) for one in self.left_out if one.reason in _FATAL]:
            raise Unrecordable(fatal)


async def take_snapshot(
    git: Git, folder: Path, base: Entries, *, own_repository: bool, store: bool
) -> Snapshot:
    """What `folder` holds beside `base`, the commit it started from; with `store`, new content goes into `git`."""
    tracked = frozenset(base) | {folder for path in base for folder in _folders(path)}
    found = await anyio.to_thread.run_sync(
        lambda: walk(folder, tracked, own_repository=own_repository), abandon_on_cancel=True
    )
    async with tree_rules(git, folder, found) as rules:
        ignored = await rules.ignored([one.path for one in found if one.path not in base])
        wanted = [one for one in found if one.path not in ignored]
        # In a build the bytes are recorded as they are; in somebody's repository a filter's file is not ours to record.
        filtered = await rules.filtered([one.path for one in wanted if own_repository and one.kind == "file"])
    taking = _Taking(base, await git.object_format())
    wanted = [one for one in wanted if taking.sort_out(one, one.path in filtered)]
    content = taking.read(folder, wanted)
    if store:
        await git.run("fast-import", "--quiet", "--done", stdin=content)
    else:
        async for _ in content:
            pass
    return taking.snapshot()


def _folders(path: str) -> Iterator[str]:
    return (str(parent) for parent in PurePosixPath(path).parents if str(parent) != ".")


@dataclass(slots=True)
class _Taking:
    """One snapshot in the making."""

    base: Entries
    algorithm: str
    entries: dict[str, Entry] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    bytes_read: int = 0

    def __post_init__(self) -> None:
        self.known.update(entry.id for entry in self.base.values())

    def sort_out(self, one: Found, filtered: bool) -> bool:
        """Whether `one` is to be read; if not, it is left as the base has it, and that is noted."""
        reason = _reason_at_sight(one, filtered, self.base)
        if reason is None:
            return True
        before = self.base.get(one.path)
        if not (reason == "repository" and before is not None and before.mode == SUBMODULE):
            self._leave(one.path, reason)
        return False

    async def read(self, folder: Path, wanted: Sequence[Found]) -> AsyncGenerator[bytes, None]:
        """Read and hash everything `wanted`; gives fast-import's commands for the content that `base` lacks."""
        with open_root(folder) as root:
            for batch in _batches(wanted):
                for one, content in await anyio.to_thread.run_sync(_read_batch, root, batch, self.algorithm):
                    if content is not None and (new := self._take(one, content)) is not None:
                        yield b"blob\ndata %d\n" % len(new)
                        yield new
                        yield b"\n"
        yield b"done\n"

    def snapshot(self) -> Snapshot:
        """The result, with submodules of the base that nothing took the place of."""
        taken = {folder for path in self.entries for folder in _folders(path)}
        for path, entry in self.base.items():
            if entry.mode == SUBMODULE and path not in taken:
                self.entries.setdefault(path, entry)
        return Snapshot(self.entries, tuple(sorted(self.left_out, key=lambda one: one.path)))

    def _take(self, one: Found, content: "_Content") -> bytes | None:
        """Note what a path holds; gives back the bytes that the repository does not have yet."""
        before = self.base.get(one.path)
        if (before is None or before.id != content.id) and (reason := _reason_inside(one.path, content.data)):
            self._leave(one.path, reason)
            return None
        self.bytes_read += content.size
        if self.bytes_read > TREE_LIMIT_BYTES:
            raise TreeTooLarge("bytes", TREE_LIMIT_BYTES)
        self.entries[one.path] = Entry(content.mode, content.id)
        if content.id in self.known:
            return None
        self.known.add(content.id)
        return content.data

    def _leave(self, path: str, reason: Reason) -> None:
        self.left_out.append(LeftOut(path=shown(path), reason=reason))
        if path in self.base:
            self.entries[path] = self.base[path]


def _reason_at_sight(one: Found, filtered: bool, base: Entries) -> Reason | None:
    if one.kind == "link":
        return None if link_stays_inside(one.path, one.target) else "symlink"
    if one.kind != "file":
        return one.kind
    if filtered:
        return "filter"
    return "too_large" if one.size > FILE_LIMIT_BYTES and one.path not in base else None


def _reason_inside(path: str, data: bytes | None) -> Reason | None:
    if data is None:
        return "too_large"
    secret = path.rpartition("/")[2] in _SECRET_NAMES or _PRIVATE_KEY.search(data)
    return "secret" if secret else None


def _batches(wanted: Sequence[Found]) -> Iterator[list[Found]]:
    batch: list[Found] = []
    size = 0
    for one in wanted:
        if batch and (len(batch) >= _BATCH_FILES or size + one.size > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += one.size
    if batch:
        yield batch


@dataclass(frozen=True, slots=True)
class _Content:
    """What a path holds; `data` is None when it is too large to be new."""

    mode: str
    id: str
    size: int
    data: bytes | None


def _read_batch(root: int, batch: Sequence[Found], algorithm: str) -> list[tuple[Found, _Content | None]]:
    return [(one, _content(root, one, algorithm)) for one in batch]


def _content(root: int, one: Found, algorithm: str) -> _Content | None:
    if one.kind == "link":
        target = one.target.encode("utf-8", "surrogateescape")
        return _Content(LINK, _hash(algorithm, len(target), [target]), len(target), target)
    with open_file(root, one.path) as opened:
        if opened is None:
            return None
        file, status = opened
        mode = EXECUTABLE if status.st_mode & stat.S_IXUSR else FILE
        if status.st_size > FILE_LIMIT_BYTES:
            chunks = iter(lambda: file.read(_CHUNK_BYTES), b"")
            return _Content(mode, _hash(algorithm, status.st_size, chunks), status.st_size, None)
        data = file.read(FILE_LIMIT_BYTES + 1)
    if len(data) > FILE_LIMIT_BYTES:
        raise TreeMoving(one.path)
    return _Content(mode, _hash(algorithm, len(data), [data]), len(data), data)


def blob_id(data: bytes, algorithm: str) -> str:
    """What git would call a file with this content."""
    return _hash(algorithm, len(data), [data])


def _hash(algorithm: str, size: int, chunks: Iterable[bytes]) -> str:
    # git names objects by this hash; nothing is protected by it.
    digest = hashlib.new(algorithm, b"blob %d\0" % size, usedforsecurity=False)
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()
