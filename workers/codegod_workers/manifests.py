"""What a worker who writes code has to know of a project's manifest: its packages, commands and compiler options."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import PurePosixPath
from typing import Any, Final

from codegod_workers.languages import Language

_MANIFESTS: Final[dict[str, Language]] = {
    "pyproject.toml": "python",
    "requirements.txt": "python",
    "package.json": "script",
    "tsconfig.json": "script",
    "go.mod": "go",
}
_TABLE: Final = re.compile(r"^\[{1,2}(?P<name>[^\[\]]+)\]{1,2}[ \t]*(?:#.*)?$", re.MULTILINE)
_PYPROJECT_TABLES: Final = ("project", "dependency-groups")
_JSON_KEYS: Final = {
    "package.json": (
        "type",
        "main",
        "bin",
        "imports",
        "exports",
        "engines",
        "scripts",
        "dependencies",
        "peerDependencies",
        "devDependencies",
    ),
    "tsconfig.json": ("compilerOptions",),
}


def manifest_language(path: str) -> Language | None:
    """The language whose packages or compiler the file speaks of; None for any other file."""
    return _MANIFESTS.get(PurePosixPath(path).name)


def short_manifest(path: str, text: str) -> str:
    """The parts that matter to who writes code; the whole text where they cannot be told apart."""
    name = PurePosixPath(path).name
    if name == "pyproject.toml":
        return _pyproject(text)
    return _json(text, _JSON_KEYS[name]) if name in _JSON_KEYS else text


def _pyproject(text: str) -> str:
    marks = [*_TABLE.finditer(text)]
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    kept = "\n".join(
        text[mark.start() : end].rstrip() + "\n"
        for mark, end in zip(marks, ends, strict=False)
        if mark["name"].strip().partition(".")[0] in _PYPROJECT_TABLES
    )
    try:
        told, wanted = tomllib.loads(kept), tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return text
    same = told == {key: value for key, value in wanted.items() if key in _PYPROJECT_TABLES}
    return kept if told and same else text


def _json(text: str, keys: tuple[str, ...]) -> str:
    try:
        held: Any = json.loads(text)
    except ValueError:
        return text  # comments, for example, which some tools allow
    kept = {key: held[key] for key in keys if key in held} if isinstance(held, dict) else {}
    return _object(kept) if kept else text


def _object(values: dict[str, Any]) -> str:
    """JSON with one line for each key, which costs less than one for each value."""
    lines = [f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"
