"""What the names in a folder stand for."""

import os
import stat
from contextlib import suppress
from dataclasses import dataclass

from codegod_kit.beneath.faults import Kind

# One listing may not fill memory: about 100 bytes of ours for each name.
FOLDER_LIMIT_ENTRIES = 100_000

_KINDS: dict[int, Kind] = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "folder",
    stat.S_IFLNK: "link",
    stat.S_IFIFO: "pipe",
    stat.S_IFSOCK: "socket",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """What a name below the root stands for; `path` is relative to the root, with `/`."""

    path: str
    kind: Kind
    size: int
    mode: int
    modified: float

    @property
    def name(self) -> str:
        """The last name of the path."""
        return self.path.rpartition("/")[2]


def entry_of(path: str, found: os.stat_result) -> Entry:
    """The entry for a path whose status was read without following links."""
    return Entry(path, kind_of(found.st_mode), found.st_size, stat.S_IMODE(found.st_mode), found.st_mtime)


def kind_of(mode: int) -> Kind:
    """The kind that the file type bits of `mode` name."""
    return _KINDS.get(stat.S_IFMT(mode), "device")


def scan(folder: int, limit: int = FOLDER_LIMIT_ENTRIES) -> list[tuple[str, Kind]]:
    """Names in an open folder with their kinds, by name; at most `limit`, and then not always the first."""
    found: list[tuple[str, Kind]] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if len(found) >= limit:
                break
            # Names come and go while a program works in the tree.
            with suppress(FileNotFoundError):
                found.append((entry.name, _kind(entry)))
    found.sort()
    return found


def _kind(entry: "os.DirEntry[str]") -> Kind:
    if entry.is_symlink():
        return "link"
    if entry.is_dir(follow_symlinks=False):
        return "folder"
    if entry.is_file(follow_symlinks=False):
        return "file"
    return kind_of(entry.stat(follow_symlinks=False).st_mode)
