"""Finding and reading what is to be counted."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TextIO

STANDARD_INPUT = "-"
TEXT_SUFFIXES = frozenset({".txt", ".md", ".rst", ".csv", ".log"})


def find_sources(arguments: Iterable[str]) -> Iterator[str]:
    """The names of the sources that `arguments` mean: `-`, files, text files of folders."""
    for argument in arguments:
        if argument != STANDARD_INPUT and Path(argument).is_dir():
            yield from map(str, _text_files(Path(argument)))
        else:
            yield argument


def open_source(name: str) -> AbstractContextManager[TextIO]:
    """The source as text; raises OSError when it cannot be read."""
    if name == STANDARD_INPUT:
        return nullcontext(sys.stdin)
    return open(name, encoding="utf-8", errors="replace")


def _text_files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            yield from _text_files(path)
        elif path.suffix.lower() in TEXT_SUFFIXES:
            yield path
