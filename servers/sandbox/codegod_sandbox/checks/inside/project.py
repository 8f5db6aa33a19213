"""The project as the checks see it: its files, read once."""

import ast
import io
import os
import sys
import tokenize
import warnings
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath

from .finding import Finding
from .functions import Placed, placed_functions

# Filled by tools; nothing in there was written for the project.
SKIPPED_FOLDERS = frozenset(
    {
        ".git", ".mypy_cache", ".nox", ".pytest_cache", ".ruff_cache", ".tox", ".venv", "__pycache__", "node_modules",
        "site-packages", "venv",
    }
)  # fmt: skip
# At the top these hold what a build made; deeper down they are packages like any other.
_BUILT_FOLDERS = frozenset({"build", "dist"})
# A generated application is a tenth of this.
FILE_LIMIT = 10_000
FILE_LIMIT_BYTES = 1 << 20
TOTAL_LIMIT_BYTES = 32 << 20


@dataclass(frozen=True)
class Source:
    """A text file. `tree` is there when it is Python that parses."""

    path: str
    content: bytes

    @cached_property
    def text(self) -> str:
        """The file as text; bytes that are none are replaced."""
        encoding = "utf-8"
        if self.is_python:
            try:
                encoding, _ = tokenize.detect_encoding(io.BytesIO(self.content).readline)
            except (SyntaxError, UnicodeDecodeError):
                encoding = "utf-8"
        return self.content.decode(encoding, "replace")

    @cached_property
    def lines(self) -> list[str]:
        """Lines without their ends, as compilers count them."""
        return [line.rstrip("\r") for line in self.text.split("\n")]

    @cached_property
    def tree(self) -> ast.Module | None:
        """The syntax tree, or None when there is none."""
        try:
            return parse(self.content, self.path)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node of the tree; none when there is no tree."""
        return () if self.tree is None else tuple(ast.walk(self.tree))

    @cached_property
    def functions(self) -> tuple[Placed, ...]:
        """Every function of the file, from its top to its end."""
        return () if self.tree is None else tuple(placed_functions(self.tree))

    @cached_property
    def name(self) -> str:
        """The file's name without its folders."""
        return self.path.rpartition("/")[2]

    @cached_property
    def is_python(self) -> bool:
        """Whether the name says that this is Python."""
        return self.name.endswith((".py", ".pyi"))

    @cached_property
    def is_test(self) -> bool:
        """Whether pytest collects tests from it."""
        return self.name.endswith(".py") and (self.name.startswith("test_") or self.name.endswith("_test.py"))

    @cached_property
    def is_test_code(self) -> bool:
        """Whether it belongs to the tests: collected, or beside what is."""
        return (
            self.is_test
            or self.name == "conftest.py"
            or not {"tests", "test"}.isdisjoint(self.path.split("/")[:-1])
        )


@dataclass
class Project:
    """Every file that somebody wrote, by path."""

    sources: dict[str, Source] = field(default_factory=dict)
    unread: list[Finding] = field(default_factory=list)

    @cached_property
    def python(self) -> list[Source]:
        """The Python files, those that do not parse included."""
        return [source for source in self.sources.values() if source.is_python]

    @cached_property
    def parsed(self) -> list[Source]:
        """The Python files that parse."""
        return [source for source in self.python if source.tree is not None]

    @cached_property
    def roots(self) -> tuple[str, ...]:
        """Folders that modules are imported from: `src/` where there is one, and the project itself."""
        has_src = any(path.startswith("src/") for path in self.sources)
        return ("src/", "") if has_src and "src/__init__.py" not in self.sources else ("",)

    @cached_property
    def modules(self) -> dict[str, str]:
        """Module names to the paths of their files."""
        return {name: source.path for source in self.python if (name := self.module_name(source.path))}

    @cached_property
    def top_level(self) -> frozenset[str]:
        """First names of what the project itself offers for import, folders of tests and scripts included."""
        names = {name.split(".")[0] for name in self.modules}
        for root in self.roots:
            names |= {
                path.removeprefix(root).split("/")[0].removesuffix(".py")
                for path in self.sources
                if path.startswith(root) and path.endswith(".py")
            }
        # pytest puts the folder of each test on the path.
        names |= {source.name.removesuffix(".py") for source in self.python if source.is_test_code}
        return frozenset(names)

    def module_name(self, path: str) -> str:
        """What `import` calls the file, empty when it has no such name."""
        root = next((root for root in self.roots if path.startswith(root)), None)
        if root is None or not path.endswith(".py"):
            return ""
        names = list(PurePosixPath(path.removeprefix(root)).with_suffix("").parts)
        if names[-1] == "__init__":
            names.pop()
        return ".".join(names) if names and all(name.isidentifier() for name in names) else ""


def load(folder: str) -> Project:
    """Read the project in `folder`; links are not followed, and what is too large is a finding."""
    project = Project()
    room = TOTAL_LIMIT_BYTES
    for path in _paths(folder):
        if len(project.sources) >= FILE_LIMIT or room <= 0:
            message = "The project is too large: from here on nothing is checked."
            project.unread.append(Finding(path, 0, "too-large", message))
            break
        try:
            content = _content(os.path.join(folder, path))
        except _Unread as error:
            # Data may be anything; code that nobody can look at is not let through.
            if path.endswith(".py"):
                project.unread.append(Finding(path, 0, "unread", f"The file is not checked: {error}."))
            continue
        if b"\0" not in content[:8000] or path.endswith(".py"):
            room -= len(content)
            project.sources[path] = Source(path, content)
    return project


class _Unread(Exception):
    """Why a file was not read."""


def _content(full: str) -> bytes:
    if os.path.islink(full):
        raise _Unread("it is a symbolic link, write the code itself")
    if os.path.getsize(full) > FILE_LIMIT_BYTES:
        raise _Unread(f"it has more than {FILE_LIMIT_BYTES >> 10} KB, split it")
    try:
        with open(full, "rb") as file:
            return file.read(FILE_LIMIT_BYTES)
    except PermissionError as error:
        raise _Unread("the sandbox's user may not read it") from error


def parse(content: bytes, path: str) -> ast.Module:
    """The syntax tree of Python source; SyntaxError and its like when there is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(content, path)


def standard_modules() -> frozenset[str]:
    """Top-level names of the standard library."""
    return frozenset(sys.stdlib_module_names) | {"__future__", "_typeshed"}


def _paths(folder: str) -> list[str]:
    found = []
    for here, folders, files in os.walk(folder):
        base = os.path.relpath(here, folder)
        skipped = SKIPPED_FOLDERS | _BUILT_FOLDERS if base == "." else SKIPPED_FOLDERS
        folders[:] = sorted(
            name for name in folders if name not in skipped and not name.endswith(".egg-info")
        )
        for name in sorted(files):
            full = os.path.join(here, name)
            if os.path.isfile(full) and name.isprintable():
                found.append(name if base == "." else f"{base}/{name}")
    return found
