"""Which languages a tree is written in, as the names of its files tell."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from codegod_kit.beneath import Beneath, PathFault
from codegod_sandbox.files.listing import FILLED_FOLDERS
from codegod_sandbox.languages.java_build import BUILD_FILE as _BUILD
from codegod_sandbox.languages.java_build import needs_a_build

Language = Literal["python", "javascript", "go", "rust", "java", "swift"]

_KINDS: Final[dict[str, Language]] = {
    "py": "python", "js": "javascript", "mjs": "javascript", "cjs": "javascript", "jsx": "javascript",
    "ts": "javascript", "mts": "javascript", "cts": "javascript", "tsx": "javascript", "go": "go", "rs": "rust",
    "java": "java", "swift": "swift",
}  # fmt: skip
_TESTS: Final[dict[Language, re.Pattern[str]]] = {
    "python": re.compile(r"^test_.*\.py$|_test\.py$"),
    "javascript": re.compile(r"\.(test|spec)\.([cm]?[jt]s|[jt]sx)$"),
    "go": re.compile(r"_test\.go$"),
    "java": re.compile(r"^(Test\w*|\w+(Tests?|TestCase|IT))\.java$"),
}
# Rust's tests may stand in any file: which of them hold some, their text tells.
_RUST_TEST: Final = re.compile(rb"#\s*\[\s*(?:[\w:]+::)?(?:test|rstest|test_case|quickcheck)\b")
_RUST_BYTES: Final = 256 << 10
_NEVER: Final = re.compile(r"(?!)")
_FILES_LOOKED_AT: Final = 20_000  # a generated application has a hundredth of this


def language_of(path: str) -> Language | None:
    """The language that a file's name says it is in."""
    return _KINDS.get(path.rpartition(".")[2]) if "." in path.rpartition("/")[2] else None


def languages_of(tree: Path) -> frozenset[Language]:
    """The languages of the files in `tree`; what tools filled does not count."""
    return survey(tree).languages


@dataclass(frozen=True, slots=True)
class Survey:
    """What a tree holds, as far as names tell."""

    languages: frozenset[Language] = frozenset({"python"})
    tests: Mapping[Language, tuple[str, ...]] = field(default_factory=dict)
    java_build: str = ""
    """Why Java's compiler alone could not do: a build tool of the project has packages to bring."""

    def split(self, tests: Sequence[str]) -> dict[Language, tuple[str, ...]]:
        """Selected tests, each with the language that it is in; a folder goes to every language with tests in it."""
        found: dict[Language, list[str]] = {}
        for test in tests:
            path = test.partition("::")[0]
            for language in self._languages_of(path):
                found.setdefault(language, []).append(test)
        return {language: tuple(each) for language, each in found.items()}

    def _languages_of(self, path: str) -> Sequence[Language]:
        if (own := language_of(path)) is not None:
            return (own,)
        below = [
            language
            for language, files in self.tests.items()
            if any(path == "." or file.startswith(f"{path}/") for file in files)
        ]
        if below:
            return below
        return ("python",) if "python" in self.languages or not self.languages else sorted(self.languages)[:1]


def survey(tree: Path) -> Survey:
    """Look at the names of all files of `tree`, and into those of Rust."""
    found: set[Language] = set()
    tests: dict[Language, list[str]] = {}
    java_build = ""
    with Beneath(tree) as files:
        for number, (path, kind) in enumerate(files.walk(skip=FILLED_FOLDERS)):
            if number > _FILES_LOOKED_AT:
                break
            if kind == "file" and not java_build and _BUILD.search(path):
                java_build = needs_a_build(path, _read(files, path).decode("utf-8", "replace"))
            if kind == "file" and (language := language_of(path)) is not None:
                found.add(language)
                if (language == "rust" and _RUST_TEST.search(_read(files, path))) or _TESTS.get(
                    language, _NEVER
                ).search(path.rpartition("/")[2]):
                    tests.setdefault(language, []).append(path)
    return Survey(frozenset(found), {language: tuple(paths) for language, paths in tests.items()}, java_build)


def _read(files: Beneath, path: str) -> bytes:
    try:
        return files.read(path, limit=_RUST_BYTES)
    except PathFault:  # too large, or no ordinary file: the checks say so
        return b""
