"""The text files of a workspace, within limits."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from codegod_kit.beneath import Beneath, FileTooBig, PathFault

# Larger files are data or generated; nobody wrote them by hand for somebody to read.
FILE_LIMIT_BYTES = 512 * 1024
# A large application's sources; cutting and storing that much takes about a minute.
TREE_LIMIT_CHARS = 64 * 1024 * 1024
_SKIPPED_NAMES = frozenset(
    {
        ".DS_Store", ".cache", ".eggs", ".git", ".hg", ".hypothesis", ".idea", ".jj", ".mypy_cache", ".nox",
        ".pytest_cache", ".ruff_cache", ".svn", ".tox", ".venv", ".vscode", "__pycache__", "node_modules", "venv",
    }
)  # fmt: skip
_MACHINE_MADE = (
    "*.lock", "*.min.js", "*.min.css", "*.map", "package-lock.json", "pnpm-lock.yaml", "npm-shrinkwrap.json", "go.sum",
    "*.svg",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file's path below the workspace, and its text."""

    path: str
    text: str


@dataclass(slots=True)
class TreeReader:
    """An iteration over the text files that `paths` wants; afterwards it says how many matched and what was left out."""

    folder: Path
    paths: Sequence[str]
    seconds: float
    matched: int = 0
    skipped: list[str] = field(default_factory=list)
    cut: str = ""

    def __iter__(self) -> Iterator[TextFile]:
        """The files in the order of their paths."""
        left, end = TREE_LIMIT_CHARS, time.monotonic() + self.seconds
        with Beneath(self.folder) as beneath:
            for path in self._paths(beneath):
                text = self._text(beneath, path)
                if text is None:
                    continue
                left -= len(text)
                if left < 0 or time.monotonic() > end:
                    self.cut = f"{TREE_LIMIT_CHARS} characters and {self.seconds:.0f} s are the most"
                    return
                yield TextFile(path, text)

    def _paths(self, beneath: Beneath) -> list[str]:
        # All at once: a walk has a time limit, and what is done with the files is not part of it.
        walk = beneath.walk(skip=_SKIPPED_NAMES)
        paths = [path for path, kind in walk if kind == "file" and wants(self.paths, path)]
        self.matched, self.cut = len(paths), walk.cut
        return paths

    def _text(self, beneath: Beneath, path: str) -> str | None:
        """The text of a file that is worth keeping; None when it is not, with a line in `skipped`."""
        try:
            text = _read(beneath, path)
        except _NotKept as error:
            self.skipped.append(f"{path.encode('utf-8', 'replace').decode()}: {error}")
        except FileTooBig as error:
            self.skipped.append(f"{path}: it has {error.size} bytes and {error.limit} is the most")
        except PathFault as error:
            self.skipped.append(str(error))
        else:
            # Nothing can be said about an empty file, not even that it is missing.
            return text if text.strip() else None
        return None


class _NotKept(Exception):
    """Why a file is left out."""


def _read(beneath: Beneath, path: str) -> str:
    if not _is_text(path):
        raise _NotKept("its name is not UTF-8")
    if any(fnmatchcase(PurePosixPath(path).name, pattern) for pattern in _MACHINE_MADE):
        raise _NotKept("a machine made it")
    content = beneath.read(path, limit=FILE_LIMIT_BYTES)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _NotKept("it is not text") from error
    if "\0" in text:
        raise _NotKept("it is not text")
    return text


def wants(paths: Sequence[str], path: str) -> bool:
    """Whether `paths` (files, folders or globs; none is everything) names `path`."""
    return not paths or any(_names(wanted.strip("/").removeprefix("./"), path) for wanted in paths)


def _names(wanted: str, path: str) -> bool:
    return path == wanted or path.startswith(f"{wanted}/") or fnmatchcase(path, wanted) or wanted in ("", ".")


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:  # such a name could not be given back to anybody
        return False
    return True
