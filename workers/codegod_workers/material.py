"""What was read for a prompt, and how much of each file of other people a task of its type is shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from codegod_kit.plan import TaskType
from codegod_workers.answer import fenced
from codegod_workers.outline import outline

SHORT_LINES = 60  # a file of this length is told faster whole than by its signatures

View = Literal["whole", "signatures", "name", "nothing"]
Views = Callable[[str, str], View]
"""How much is shown of a file, by its path and text."""

_CODE = frozenset({".py", ".js", ".jsx", ".mjs", ".cjs", ".ts", ".mts", ".tsx", ".go"})
_ENTRIES = frozenset({"__main__", "main", "app", "cli", "server", "index"})
# Tests from outside say how the application is used; those of one module say how it is made.
_FROM_OUTSIDE = re.compile(r"e2e|end_?to_?end|acceptance|integration|smoke|api|cli|main|app")


@dataclass(frozen=True, slots=True)
class Material:
    """What was read for a prompt: file texts by path, and recalled memory."""

    owned: Mapping[str, str]
    tests: Mapping[str, str]
    reads: Mapping[str, str]
    recalled: str = ""
    lessons: str = ""
    """Errors of earlier tasks with what mended them."""


def views_of(task_type: TaskType) -> tuple[Views, ...]:
    """The ways to show other people's files, the fullest first; a prompt that does not fit takes the next."""
    if task_type == "devops":
        return (_for_devops, _settings_only)
    if task_type == "documentation":
        return (_for_documents, _for_short_documents, _settings_only)
    return (_short_whole, _signatures, _nothing)


def shown(reads: Mapping[str, str], views: Views) -> str:
    """The files under headings that say how much of them is there."""
    by_view: dict[View, dict[str, str]] = {"whole": {}, "signatures": {}, "name": {}, "nothing": {}}
    for path, text in reads.items():
        view = views(path, text)
        cut = outline(path, text) if view == "signatures" else text
        # A file without a body to leave out is whole, and is called so.
        by_view["whole" if view == "signatures" and cut.strip() == text.strip() else view][path] = cut
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


def _short_whole(path: str, text: str) -> View:
    return "whole" if not _is_code(path) or text.count("\n") <= SHORT_LINES else "signatures"


def _signatures(path: str, text: str) -> View:
    return "signatures"


def _nothing(path: str, text: str) -> View:
    return "nothing"


def _for_devops(path: str, text: str) -> View:
    """Manifests and settings whole, what starts the application, and the names of everything else."""
    if not _is_code(path):
        return "whole"
    if PurePosixPath(path).stem not in _ENTRIES or _is_test(path):
        return "name"
    return _short_whole(path, text)


def _settings_only(path: str, text: str) -> View:
    return "name" if _is_code(path) else "whole"


def _for_documents(path: str, text: str) -> View:
    """Tests, manifests and container files whole: they hold the commands and outputs that a reader needs."""
    return "whole" if not _is_code(path) or _is_test(path) else "signatures"


def _for_short_documents(path: str, text: str) -> View:
    if _is_code(path) and not (_is_test(path) and _FROM_OUTSIDE.search(PurePosixPath(path).stem)):
        return "name"
    return "whole"


def _is_code(path: str) -> bool:
    return PurePosixPath(path).suffix in _CODE


def _is_test(path: str) -> bool:
    name = PurePosixPath(path).name
    return name.startswith("test_") or "_test." in name or ".test." in name or ".spec." in name
