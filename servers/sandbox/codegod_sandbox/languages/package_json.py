"""Which npm packages a project needs, as its `package.json` files say it."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from codegod_kit.beneath import Beneath
from codegod_sandbox.files.listing import FILLED_FOLDERS
from codegod_sandbox.manifest import BadManifest, RequirementRefused

MANIFEST: Final = "package.json"
LOCK: Final = "package-lock.json"
_DEEPEST: Final = 2  # `frontend/package.json`, `packages/web/package.json`
_MANIFEST_BYTES: Final = 256 << 10
_LOCK_BYTES: Final = 4 << 20
RUNNERS: Final = frozenset({"vitest", "jest"})
"""The packages that `check_run` runs tests with."""
_PACKAGES_AT_MOST: Final = 200
_MANIFESTS_AT_MOST: Final = 100
_GROUPS: Final = ("dependencies", "devDependencies", "optionalDependencies")
_NAME = re.compile(r"(?=.{1,214}\Z)(@[a-z0-9~-][a-z0-9._~-]*/)?[a-z0-9~-][a-z0-9._~-]*")
# A range of versions or a tag: no URL, no file, no repository. npm takes `..` for a folder and `a.tgz` for a file.
_RANGE = re.compile(
    r"(npm:(@[\w.-]+/)?[\w.-]+@)?(?!\.)(?!.*\.(?i:tgz|tar|tar\.gz)\s*\Z)[\w.+*^~<>=| -]{0,200}"
)


@dataclass(frozen=True, slots=True)
class NodeNeeds:
    """The packages of all manifests together, and the lock of the project."""

    packages: tuple[tuple[str, str], ...]  # name and range, sorted
    lock: str = ""

    def manifest(self) -> str:
        """A manifest that asks for exactly these, and runs nothing."""
        return json.dumps({"name": "env", "private": True, "dependencies": dict(self.packages)})


def node_needs(tree: Path) -> NodeNeeds | None:
    """What the project in `tree` needs of npm; None when it needs nothing."""
    found: dict[str, str] = {}
    with Beneath(tree) as files:
        manifests = sorted(
            path
            for path, kind in files.walk(skip=FILLED_FOLDERS)
            if kind == "file" and path.rpartition("/")[2] == MANIFEST and path.count("/") <= _DEEPEST
        )
        if len(manifests) > _MANIFESTS_AT_MOST:
            raise BadManifest(MANIFEST, f"there are more than {_MANIFESTS_AT_MOST} of them")
        documents = {path: _read(files, path) for path in manifests}
        own = {str(document.get("name", "")) for document in documents.values()}
        for path, document in documents.items():
            _gather(path, document, own, found)
        lock = files.read(LOCK, limit=_LOCK_BYTES).decode("utf-8", "replace") if files.exists(LOCK) else ""
    if len(found) > _PACKAGES_AT_MOST:
        raise BadManifest(MANIFEST, f"it names more than {_PACKAGES_AT_MOST} packages")
    return NodeNeeds(tuple(sorted(found.items())), lock if _usable(lock) else "") if found else None


def _read(files: Beneath, path: str) -> dict[str, Any]:
    try:
        document = json.loads(files.read(path, limit=_MANIFEST_BYTES))
    except (ValueError, RecursionError) as error:
        raise BadManifest(path, f"it is no JSON ({error})") from error
    if not isinstance(document, dict):
        raise BadManifest(path, "it is not an object")
    return document


def _gather(path: str, document: dict[str, Any], own: set[str], found: dict[str, str]) -> None:
    for group in _GROUPS:
        table = document.get(group, {})
        if not isinstance(table, dict):
            raise BadManifest(path, f"{group!r} is not an object")
        for name, wanted in table.items():
            if name in own:  # a package of the same repository
                continue
            _check(path, name, wanted)
            if found.setdefault(name, wanted) != wanted:
                raise BadManifest(path, f"it wants {name!r} {wanted!r}, and another manifest {found[name]!r}")


def _check(path: str, name: str, wanted: Any) -> None:
    if name in RUNNERS and isinstance(wanted, str) and wanted.strip().startswith("npm:"):
        raise RequirementRefused(
            f"{name}@{wanted}", "what runs the tests has to be that package, and no other under its name"
        )
    if not _NAME.fullmatch(name) or not isinstance(wanted, str):
        raise BadManifest(path, f"{name!r}: {wanted!r} is no package with a range of versions")
    if not _RANGE.fullmatch(wanted):
        raise RequirementRefused(
            f"{name}@{wanted}",
            "it names no version, and only packages of the configured registry are installed",
        )


def _usable(lock: str) -> bool:
    """Whether the lock is one of today's npm whose packages all come from a registry."""
    try:
        packages = json.loads(lock)["packages"] if lock else {}
        return bool(packages) and not any(
            each.get("link") or not str(each.get("resolved", "https://")).startswith("https://")
            for each in packages.values()
        )
    except (ValueError, LookupError, AttributeError, TypeError, RecursionError):
        return False
