"""Which files of a project a file imports, and which names a file offers to others.

Both are read to decide what a prompt can do without, so a doubt counts as an import.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from posixpath import join, normpath
from typing import Final

from codegod_workers.go_outline import is_offered, names_of, parts_of
from codegod_workers.languages import SCRIPT_SUFFIXES, language_of
from codegod_workers.script_outline import defined_by, is_outward
from codegod_workers.syntax import parsed
from codegod_workers.trimming import walk

_FROM: Final = re.compile(r"""(?:\bfrom|\bimport|\brequire|\bmock)\s*\(?\s*["'`](?P<name>[^"'`\n]+)["'`]""")
_PYTHON_PACKAGE: Final = "__init__.py"


def imported(path: str, text: str, known: Mapping[str, str]) -> set[str] | None:
    """Those of the `known` files that `text`, the file at `path`, imports; None when that cannot be read."""
    match language_of(path):
        case "python":
            return _python(path, text, known)
        case "script":
            return _script(path, text, known)
        case "go":
            return _go(path, text, known)
        case _:
            return None


def offered(path: str, text: str) -> set[str]:
    """The public names that a file defines at its top; none when it cannot be read."""
    match language_of(path):
        case "python":
            return set(_python_names(text))
        case "script":
            root = parsed(path, text)
            statements = root.named_children if root else []
            return {name for one in statements if is_outward(one) for name in defined_by(one)}
        case "go":
            root = parsed(path, text)
            parts = parts_of(root) if root else ()
            return {name for part in parts if is_offered(part) for name in names_of(part)}
        case _:
            return set()


def asked_fixtures(files: Mapping[str, str]) -> set[str]:
    """The names that Python tests may ask pytest for: parameters, and strings as in `usefixtures("store")`."""
    found: set[str] = set()
    for text in (text for path, text in files.items() if language_of(path) == "python"):
        for node in ast.walk(_tree(text) or ast.Module([], [])):
            if isinstance(node, ast.arg):
                found.add(node.arg)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return found


def _tree(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _python(path: str, text: str, known: Mapping[str, str]) -> set[str] | None:
    if (tree := _tree(text)) is None:
        return None
    wanted = {module for node in ast.walk(tree) for module in _modules(path, node)}
    return {
        other
        for other in known
        if language_of(other) == "python" and any(_is_module(other, known[other], one) for one in wanted)
    }


def _modules(path: str, node: ast.AST) -> Iterator[tuple[str, ...]]:
    """The modules that an import may mean; `from a import b` may mean `a` as well as `a.b`."""
    if isinstance(node, ast.Import):
        yield from (tuple(alias.name.split(".")) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        folder = PurePosixPath(path).parent.parts
        base = folder[: len(folder) - node.level + 1] if node.level else ()
        module = (*base, *(node.module.split(".") if node.module else ()))
        yield module
        yield from ((*module, alias.name) for alias in node.names)


def _is_module(path: str, text: str, module: tuple[str, ...]) -> bool:
    place = PurePosixPath(path)
    if place.name == _PYTHON_PACKAGE:
        parts = place.parent.parts
        if not offered(path, text) and "import" not in text:
            return False  # a package's mark, with nothing in it that anybody could want
    else:
        parts = place.with_suffix("").parts
    return bool(module) and parts[-len(module) :] == module


def _python_names(text: str) -> Iterator[str]:
    tree = _tree(text)
    for node in tree.body if tree else ():
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names = [node.name]
        else:
            targets = getattr(node, "targets", [getattr(node, "target", None)])
            names = [one.id for one in targets if isinstance(one, ast.Name)]
        yield from (name for name in names if not name.startswith("_"))


def _script(path: str, text: str, known: Mapping[str, str]) -> set[str] | None:
    if parsed(path, text) is None:
        return None
    wanted = {found["name"] for found in _FROM.finditer(text)}
    return {other for other in known for name in wanted if _is_meant(path, name, other)}


def _is_meant(path: str, name: str, other: str) -> bool:
    """Whether `name` in the file at `path` means the file `other`; of an alias only the end can be told."""
    keys = {other, _without_suffix(other), _without_suffix(other).removesuffix("/index")}
    if name.startswith("."):
        target = normpath(join(str(PurePosixPath(path).parent), name))
        return bool(keys & {target, _without_suffix(target)})
    target = _without_suffix(name.lstrip("@~#/"))
    return any(key == target or key.endswith(f"/{target}") for key in keys)


def _without_suffix(path: str) -> str:
    return path.removesuffix(next((end for end in SCRIPT_SUFFIXES if path.endswith(end)), ""))


def _go(path: str, text: str, known: Mapping[str, str]) -> set[str] | None:
    root = parsed(path, text)
    if root is None:
        return None
    nodes = [node for node in root.named_children if node.type == "import_declaration"]
    specs = [
        (part.text or b"").decode("utf-8", "replace")
        for node in nodes
        for part in walk(node)
        if part.type == "import_spec"
    ]
    packages = [spec.split()[-1].strip('"`') for spec in specs]
    here = str(PurePosixPath(path).parent)
    return {
        other
        for other in known
        if language_of(other) == "go" and _is_package(str(PurePosixPath(other).parent), here, packages)
    }


def _is_package(folder: str, here: str, packages: list[str]) -> bool:
    """The package in the project's own folder has its module's name, which only the manifest knows."""
    return folder in {here, "."} or any(f"/{package}".endswith(f"/{folder}") for package in packages)
