"""Which language a file is written in, as far as workers are told different things about them."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final, Literal

Language = Literal["python", "script", "go", "other", "document", "text"]
"""`script` is JavaScript and TypeScript; `other` is code that we have no words of its own for."""

SCRIPT_SUFFIXES: Final = (".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs")

_LANGUAGES: Final[dict[str, Language]] = {
    ".py": "python",
    ".go": "go",
    ".md": "document",
    **dict.fromkeys(SCRIPT_SUFFIXES, "script"),
    **dict.fromkeys(
        (".rs", ".java", ".swift", ".kt", ".rb", ".c", ".h", ".cpp", ".cs", ".vue", ".svelte"), "other"
    ),
}
_CODE: Final = frozenset({"python", "script", "go", "other"})


def language_of(path: str) -> Language:
    """The language of the file at `path`, by its ending."""
    return _LANGUAGES.get(PurePosixPath(path).suffix, "text")


def is_code(path: str) -> bool:
    """Whether `path` holds a program rather than settings, markup or words."""
    return language_of(path) in _CODE


def is_test(path: str) -> bool:
    """Whether `path` holds tests; fixtures that tests share are none."""
    name = PurePosixPath(path).name
    return is_code(path) and (
        name.startswith("test_") or "_test." in name or ".test." in name or ".spec." in name
    )
