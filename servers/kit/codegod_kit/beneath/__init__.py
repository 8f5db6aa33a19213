"""Files below one folder, and nothing else: the way our servers touch a tree that somebody else writes to.

The folder is held open, and every path is opened from that descriptor (see `openat`). Links are never followed, pipes
and devices never used, everything read has a size limit, and new content appears under its name whole or not at all.
"""

from codegod_kit.beneath.entries import FOLDER_LIMIT_ENTRIES, Entry
from codegod_kit.beneath.faults import (
    AlreadyThere,
    BeneathUnsupported,
    FileTooBig,
    FolderNotEmpty,
    Kind,
    LinkRefused,
    NoSuchPath,
    NotAFile,
    NotAFolder,
    PathFault,
    PathRefused,
    SharedFile,
    StorageRefused,
    TooMuchToDelete,
)
from codegod_kit.beneath.root import FILE_LIMIT_BYTES, PATH_LIMIT_BYTES, Beneath, names_of
from codegod_kit.beneath.staging import TEMPORARY_PREFIX, Staged
from codegod_kit.beneath.walking import Walk, WalkLimits

__all__ = [
    "FILE_LIMIT_BYTES",
    "FOLDER_LIMIT_ENTRIES",
    "PATH_LIMIT_BYTES",
    "TEMPORARY_PREFIX",
    "AlreadyThere",
    "Beneath",
    "BeneathUnsupported",
    "Entry",
    "FileTooBig",
    "FolderNotEmpty",
    "Kind",
    "LinkRefused",
    "NoSuchPath",
    "NotAFile",
    "NotAFolder",
    "PathFault",
    "PathRefused",
    "SharedFile",
    "Staged",
    "StorageRefused",
    "TooMuchToDelete",
    "Walk",
    "WalkLimits",
    "names_of",
]
