"""What was read for a prompt, and how it is written down: own files, tests, and other people's as fully as a view says."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from codegod_workers.answer import fenced
from codegod_workers.manifests import short_manifest
from codegod_workers.outline import outline

View = Literal["whole", "signatures", "short", "name", "nothing"]
"""How much is shown of a file; `short` is for manifests what signatures are for code."""

Views = Callable[[str, str], View]
"""How much is shown of a file, by its path and text."""


@dataclass(frozen=True, slots=True)
class Material:
    """What was read for a prompt: file texts by path, and recalled memory."""

    owned: Mapping[str, str]
    tests: Mapping[str, str]
    reads: Mapping[str, str]
    recalled: str = ""
    lessons: str = ""
    """Errors of earlier tasks with what mended them."""


def shown(reads: Mapping[str, str], views: Views, mine: Collection[str] = ()) -> str:
    """The files under headings that say how much of them is there; `mine` are the paths that the reader writes."""
    folders = {PurePosixPath(path).parent for path in mine}
    by_view: dict[View, dict[str, str]] = {"whole": {}, "signatures": {}, "name": {}, "nothing": {}}
    for path, text in reads.items():
        view = views(path, text)
        cut = _cut(path, text, view, inside=PurePosixPath(path).parent in folders)
        if view in {"signatures", "short"}:
            # A file without anything to leave out is whole, and is called so.
            view = "whole" if cut.strip() == text.strip() else "signatures"
        by_view[view][path] = cut
    names = "\n".join(f"- {path}" for path in by_view["name"])
    parts = [
        blocks("Other files of the project, whole, read-only", by_view["whole"]),
        blocks(
            "Other files of the project, read-only: signatures only, `...` stands for a body that is left out",
            by_view["signatures"],
        ),
        f"# Other files of the project, names only\n\n{names}" if names else "",
    ]
    return "\n\n".join(filter(None, parts))


def blocks(title: str, files: Mapping[str, str]) -> str:
    """Files as fenced blocks under a heading; nothing for no files."""
    if not files:
        return ""
    return "\n\n".join([f"# {title}", *(fenced(path, text) for path, text in files.items())])


def _cut(path: str, text: str, view: View, *, inside: bool) -> str:
    match view:
        case "signatures":
            return outline(path, text, inside=inside)
        case "short":
            return short_manifest(path, text)
        case _:
            return text
