"""Which packages a project needs, as its manifest says it."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from codegod_kit.beneath import Beneath
from codegod_kit.faults import ToolFault

_PYPROJECT, _REQUIREMENTS = "pyproject.toml", "requirements.txt"
_MANIFEST_BYTES = 256 << 10  # a manifest with hundreds of dependencies is a tenth of this
_REQUIREMENTS_AT_MOST = 200
GROUPS: Final = ("dev", "test", "tests")
"""Dependency groups and extras that are installed besides what the program itself needs."""
ALWAYS: Final = ("pytest", "pytest-timeout")
"""What `check_run` itself runs."""


class BadManifest(ToolFault):
    """The manifest does not say what the project needs."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(
            f"{name!r} cannot be used: {reason}. Mend it with `file_edit`, then call `env_prepare` again."
        )
        self.name = name
        self.reason = reason


class RequirementRefused(ToolFault):
    """A requirement asks for something else than a package of the index."""

    def __init__(self, requirement: str, reason: str) -> None:
        super().__init__(
            f"The requirement {requirement[:200]!r} is refused: {reason}. "
            "Name a package of the index instead, e.g. 'httpx>=0.28', with `project_add_dependency`."
        )
        self.requirement = requirement
        self.reason = reason


def requirements_of(tree: Path) -> tuple[str, ...]:
    """The requirements of the project in `tree`, each once, in a fixed order and spelling."""
    with Beneath(tree) as files:
        pyproject = _read(files, _PYPROJECT)
        listed = _read(files, _REQUIREMENTS)
    found = [] if pyproject is None else list(_from_pyproject(_parse(pyproject)))
    if not any(line for line, group in found if group == "") and listed is not None:
        found += [(line, "") for line in _lines(listed)]
    names = {str(_checked(line)) for line, _ in found} | set(ALWAYS)
    if len(names) > _REQUIREMENTS_AT_MOST:
        raise BadManifest(_PYPROJECT, f"it names more than {_REQUIREMENTS_AT_MOST} packages")
    return tuple(sorted(names))


def _read(files: Beneath, name: str) -> str | None:
    if not files.exists(name):
        return None
    try:
        return files.read(name, limit=_MANIFEST_BYTES).decode()
    except UnicodeDecodeError as error:
        raise BadManifest(name, "it is not UTF-8") from error


def _parse(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadManifest(_PYPROJECT, f"it is no TOML ({error})") from error


@dataclass(frozen=True, slots=True)
class _Project:
    name: str
    extras: Mapping[str, Any]
    groups: Mapping[str, Any]


def _from_pyproject(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each requirement with the group that it stands in; the program's own group has no name."""
    table = _table(document, "project")
    project = _Project(
        str(table.get("name", "")),
        _canonical(_table(table, "optional-dependencies")),
        _canonical(_table(document, "dependency-groups")),
    )
    yield from (
        (line, "") for line in _expand(_list(table.get("dependencies", []), "dependencies"), project, ())
    )
    for name in GROUPS:
        for group in (project.groups.get(name), project.extras.get(name)):
            if group is not None:
                yield from ((line, name) for line in _expand(_list(group, name), project, (name,)))


def _expand(entries: list[Any], project: _Project, seen: tuple[str, ...]) -> Iterator[str]:
    """The requirements behind `{include-group = ...}` and behind the project's own extras."""
    for entry in entries:
        if isinstance(entry, str):
            extras = _own_extras(entry, project)
            if extras is None:
                yield entry
                continue
            included, tables = extras, project.extras
        elif isinstance(entry, dict) and isinstance(entry.get("include-group"), str) and len(entry) == 1:
            included, tables = [entry["include-group"]], project.groups
        else:
            raise BadManifest(_PYPROJECT, f"{entry!r} is no requirement")
        for name in map(canonicalize_name, included):
            if name in seen:
                raise BadManifest(_PYPROJECT, f"the group {name!r} includes itself")
            yield from _expand(_list(tables.get(name), name), project, (*seen, name))


def _own_extras(entry: str, project: _Project) -> list[str] | None:
    """The extras that a requirement on the project itself asks for; None for any other requirement."""
    requirement = _checked(entry)
    if not project.name or canonicalize_name(requirement.name) != canonicalize_name(project.name):
        return None
    return sorted(requirement.extras)


def _checked(line: str) -> Requirement:
    try:
        requirement = Requirement(line)
    except InvalidRequirement as error:
        raise RequirementRefused(line, str(error).splitlines()[0]) from error
    if requirement.url:
        raise RequirementRefused(
            line, "it names a URL, and only packages of the configured index are installed"
        )
    requirement.name = canonicalize_name(requirement.name)
    return requirement


def _lines(text: str) -> Iterator[str]:
    """The requirements of a requirements file."""
    for line in text.replace("\\\n", " ").splitlines():
        line = re.sub(r"(^|\s)#.*", "", line)
        line = re.sub(r"\s--hash=\S+", "", line).strip()
        if line.startswith("-"):
            raise RequirementRefused(line, f"options have no place in {_REQUIREMENTS}")
        if line:
            yield line


def _table(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = document.get(name, {})
    if not isinstance(table, dict):
        raise BadManifest(_PYPROJECT, f"{name!r} is not a table")
    return table


def _canonical(table: Mapping[str, Any]) -> Mapping[str, Any]:
    return {canonicalize_name(name): value for name, value in table.items()}


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise BadManifest(_PYPROJECT, f"{name!r} is not a list of requirements")
    return value
