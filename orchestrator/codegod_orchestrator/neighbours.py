"""Which files of an existing project some of its files use, by their imports. Pure functions."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Final

NEIGHBOURS_SHOWN = 12  # a worker's prompt has room for the signatures of about that many
_ROOTS: Final = ("", "src/")
_SCRIPT: Final = re.compile(r"""(?:from|import|require\()\s*["'](?P<place>\.{1,2}/[^"']+)["']""")
_SCRIPT_ENDINGS: Final = ("", ".ts", ".tsx", ".js", ".jsx", ".mjs", "/index.ts", "/index.js")
_SCRIPTS: Final = frozenset({".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts"})


def neighbours(texts: Mapping[str, str], paths: Collection[str]) -> tuple[str, ...]:
    """Those of `paths` that the files `texts` import, in the order of the imports, without these files themselves."""
    there = frozenset(paths)
    found = (one for path, text in texts.items() for one in _imported(path, text, there))
    return tuple(dict.fromkeys(one for one in found if one not in texts))[:NEIGHBOURS_SHOWN]


def _imported(path: str, text: str, there: Collection[str]) -> Iterator[str]:
    if path.endswith(".py"):
        for module in _modules(path, text):
            yield from _files_of(module, there)
    elif PurePosixPath(path).suffix in _SCRIPTS:
        for match in _SCRIPT.finditer(text):
            yield from _script_file(PurePosixPath(path).parent, match["place"], there)
    elif path.endswith(".go"):
        folder = PurePosixPath(path).parent
        yield from sorted(one for one in there if one.endswith(".go") and PurePosixPath(one).parent == folder)


def _modules(path: str, text: str) -> Iterator[str]:
    """The dotted names that a Python file imports; a name out of a module may be a module as well."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = _absolute(path, node)
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _absolute(path: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = list(PurePosixPath(path.removeprefix("src/")).parts[: -node.level])
    return ".".join([*parts, *([node.module] if node.module else [])])


def _files_of(module: str, there: Collection[str]) -> Iterator[str]:
    place = module.replace(".", "/")
    for root in _ROOTS:
        yield from (one for one in (f"{root}{place}.py", f"{root}{place}/__init__.py") if one in there)


def _script_file(folder: PurePosixPath, place: str, there: Collection[str]) -> Iterator[str]:
    parts: list[str] = []
    for part in (folder / place).parts:
        if part == "..":
            parts = parts[:-1]
        elif part != ".":
            parts.append(part)
    stem = "/".join(parts)
    # TypeScript names what it will be compiled to.
    names = [f"{stem}{ending}" for ending in _SCRIPT_ENDINGS]
    names += [f"{stem.removesuffix('.js')}.ts"] if stem.endswith(".js") else []
    yield from (name for name in names if name in there)
