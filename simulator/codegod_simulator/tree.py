"""Reads the files of a reference project: text, and nothing that leads out of its folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

FILE_LIMIT_BYTES = (
    1024 * 1024
)  # far more than any answer of a model; a plan for such a file would be a mistake

_LEFT_BY_TOOLS = frozenset(
    {
        "__pycache__",
        ".pytest_cache",
        ".ruff_cache",
        ".mypy_cache",
        ".hypothesis",
        ".venv",
        ".git",
        ".DS_Store",
    }
)


class TreeFault(Exception):
    """Files that cannot be played; each error reads `file:line: field: what is wrong`."""

    def __init__(self, errors: tuple[str, ...]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


def read_tree(folder: Path, *, required: bool = False) -> dict[str, str]:
    """The texts of all files below `folder` by relative path, with unix line ends; raises `TreeFault`."""
    if not folder.is_dir():
        if required or folder.exists():
            raise TreeFault((f"{folder}:1: folder: is not there, or not a folder",))
        return {}
    texts: dict[str, str] = {}
    errors: list[str] = []
    for path in _files(folder):
        try:
            texts[path.relative_to(folder).as_posix()] = _read(path)
        except ValueError as error:
            errors.append(f"{path}:1: text: {error}")
    if errors:
        raise TreeFault(tuple(errors))
    return texts


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name in _LEFT_BY_TOOLS or path.suffix == ".pyc":
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _files(path)
        else:
            yield path


def _read(path: Path) -> str:
    if path.is_symlink() or not path.is_file():
        raise ValueError("is not a plain file")
    if path.stat().st_size > FILE_LIMIT_BYTES:
        raise ValueError(f"has more than {FILE_LIMIT_BYTES} bytes")
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError("is not UTF-8 text, and a model answers in text") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")
