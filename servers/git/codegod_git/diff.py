"""What differs between two trees: as a list of files with counts, and as a patch."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import TypeVar

from codegod_git.history import printable
from codegod_git.names import require_path, shown
from codegod_git.objects import Status
from codegod_git.records import FileChange, LeftOut, PathChange
from codegod_git.runner import Git

# More than anybody pages through; a larger diff has to be asked for by paths.
PATCH_LIMIT_BYTES = 4 * 1024 * 1024
# An answer holds everything twice (structured and as text), and a character takes up to four bytes: with a page of
# text and two short lists, or with three long lists, it stays below the kit's cap on results.
TEXT_CHARS = 24_000
LISTED_BYTES = 24 * 1024
BESIDE_TEXT_BYTES = 8 * 1024

# What a record takes in JSON beside its path.
_RECORD_CHARS = 70
_Named = TypeVar("_Named", FileChange, LeftOut, PathChange)

_STATUS: dict[str, Status] = {"A": "added", "D": "deleted"}
_PLAIN = ("--no-ext-diff", "--no-textconv", "--no-renames", "--ignore-submodules=none")


async def file_changes(git: Git, before: str, after: str, paths: Sequence[str] = ()) -> list[FileChange]:
    """The files that differ between the trees `before` and `after`, with their counts of lines."""
    told = await git.run("diff-tree", "-r", "-z", "--raw", "--numstat", *_PLAIN, before, after, *_only(paths))
    tokens = iter(told.decode("utf-8", "surrogateescape").split("\0"))
    statuses: dict[str, Status] = {}
    changed: list[FileChange] = []
    for token in tokens:
        if token.startswith(":"):
            statuses[next(tokens)] = _STATUS.get(token[-1], "modified")
        elif token:
            added, removed, path = token.split("\t", 2)
            changed.append(_change(path, statuses[path], added, removed))
    return changed


async def patch(git: Git, before: str, after: str, paths: Sequence[str] = (), context: int = 3) -> str:
    """A unified diff from the tree `before` to the tree `after`."""
    told = await git.run(
        "diff-tree", "-r", "-p", f"-U{context}", "--no-color", "--src-prefix=a/", "--dst-prefix=b/", *_PLAIN,
        before, after, *_only(paths), limit=PATCH_LIMIT_BYTES,
    )  # fmt: skip
    return printable(told.decode("utf-8", "replace"))


def empty_tree(like: str) -> str:
    """The id of the tree that holds nothing, in a repository whose ids look `like` this one."""
    algorithm = "sha1" if len(like) == 40 else "sha256"
    return hashlib.new(algorithm, b"tree 0\0", usedforsecurity=False).hexdigest()


def listed(paths: Iterable[str], room: int = LISTED_BYTES, *, beside: int = 8) -> tuple[list[str], bool]:
    """As many of `paths` as one answer can hold, fit to be shown, and whether some are missing."""
    kept: list[str] = []
    for path in paths:
        room -= len(path.encode("utf-8", "surrogateescape")) + beside
        if room < 0:
            return kept, True
        kept.append(shown(path))
    return kept, False


def listed_records(records: Sequence[_Named], room: int = LISTED_BYTES) -> tuple[list[_Named], bool]:
    """As `listed`, for records that have a path."""
    kept, cut = listed((one.path for one in records), room, beside=_RECORD_CHARS)
    return list(records[: len(kept)]), cut


def _change(path: str, status: Status, added: str, removed: str) -> FileChange:
    binary = added == "-"
    lines = (0, 0) if binary else (int(added), int(removed))
    return FileChange(path=shown(path), status=status, added=lines[0], removed=lines[1], binary=binary)


def _only(paths: Sequence[str]) -> list[str]:
    wanted = [require_path(path) for path in paths]
    return [] if not wanted or "." in wanted else ["--", *wanted]
