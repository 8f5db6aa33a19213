"""`project_add_dependency`: a requirement in the project's manifest, where `env_prepare` reads it."""

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from mcp.server import MCPServer
from mcp_types import ToolAnnotations
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from pydantic import BaseModel, Field

from codegod_kit import ToolFault
from codegod_sandbox.files.places import Tree, Trees, Workspace

if TYPE_CHECKING:
    from tomlkit import TOMLDocument
    from tomlkit.items import Array

PYPROJECT = "pyproject.toml"
REQUIREMENTS = "requirements.txt"
# A manifest with hundreds of dependencies is a tenth of this; parsing costs a second for each megabyte.
MANIFEST_LIMIT_BYTES = 256 << 10
REQUIREMENT_LIMIT_CHARS = 200


class BadRequirement(ToolFault):
    """The text is no requirement that a package index can answer."""

    def __init__(self, requirement: str, reason: str) -> None:
        super().__init__(
            f"{requirement!r} is no requirement: {reason}. Give a package name and a version range, e.g. 'httpx>=0.28'."
        )
        self.requirement = requirement


class NoManifest(ToolFault):
    """There is nothing to add the requirement to."""

    def __init__(self) -> None:
        super().__init__(
            f"The workspace has no {PYPROJECT!r} with a [project] table and no {REQUIREMENTS!r}. "
            f"Write {PYPROJECT!r} with `file_write` first."
        )


class BadManifest(ToolFault):
    """The manifest cannot be read as what it is called."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(
            f"{path!r} cannot be changed: {reason}. Mend it with `file_edit`, then call this again."
        )
        self.path = path


class UnknownGroup(ToolFault):
    """Groups exist in pyproject.toml only."""

    def __init__(self, group: str) -> None:
        super().__init__(f"{REQUIREMENTS!r} knows no group {group!r}. Leave `group` empty.")
        self.group = group


class Dependency(BaseModel):
    """The requirement as it stands now. `replaced` is the one it took the place of, empty when there was none."""

    path: str
    requirement: str
    group: str
    changed: bool
    replaced: str = ""


@dataclass(frozen=True, slots=True)
class _Change:
    """What to do to a list of requirements: put `text` at `index`, or behind the last when that is None."""

    text: str
    index: int | None = None
    before: str = ""

    @property
    def changes(self) -> bool:
        return self.text != self.before


def register_dependencies(server: MCPServer[Any], trees: Trees) -> None:
    """Add `project_add_dependency` to `server`."""

    @server.tool(
        annotations=ToolAnnotations(
            read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        )
    )
    def project_add_dependency(
        requirement: Annotated[str, Field(description="Package and version range, e.g. `httpx>=0.28`")],
        group: Annotated[
            str, Field(description="Empty for the application itself, or a group such as `dev`")
        ] = "",
        workspace: Workspace = "",
    ) -> Dependency:
        """Declare that the project needs a package, in its pyproject.toml (or requirements.txt). Installs nothing.

        Call `env_prepare` afterwards. Example: project_add_dependency(requirement="httpx>=0.28")
        """
        wanted = parse_requirement(requirement)
        with trees.change(workspace) as tree:
            if tree.files.exists(PYPROJECT):
                return _add_to_pyproject(tree, wanted, group)
            if tree.files.exists(REQUIREMENTS):
                return _add_to_requirements(tree, wanted, group)
        raise NoManifest


def parse_requirement(text: str) -> Requirement:
    """A requirement by name; one that names a URL or a file instead is refused."""
    if len(text) > REQUIREMENT_LIMIT_CHARS or not text.isprintable():
        raise BadRequirement(text[:REQUIREMENT_LIMIT_CHARS], "it is too long or holds control characters")
    try:
        requirement = Requirement(text.strip())
    except InvalidRequirement as error:
        raise BadRequirement(text, str(error).splitlines()[0].lower()) from error
    if requirement.url:
        raise BadRequirement(text, "it names a URL, and only packages of the configured index are installed")
    return requirement


def _add_to_pyproject(tree: Tree, wanted: Requirement, group: str) -> Dependency:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    place = tree.to_change(PYPROJECT)
    text = _manifest(tree, place)
    try:
        tomllib.loads(text)
        document = tomlkit.parse(text)
    except (tomllib.TOMLDecodeError, TOMLKitError, RecursionError) as error:
        raise BadManifest(place, f"it is no TOML: {error}") from error
    listed = _requirements(place, document, group)
    change = _change(place, [str(each) for each in listed if isinstance(each, str)], wanted)
    if change.changes:
        if change.index is None:
            listed.append(change.text)
        else:
            position = [index for index, each in enumerate(listed) if isinstance(each, str)][change.index]
            listed[position] = change.text
        tree.files.write(place, tomlkit.dumps(document).encode())
    return _done(place, change, group)


def _add_to_requirements(tree: Tree, wanted: Requirement, group: str) -> Dependency:
    if group:
        raise UnknownGroup(group)
    place = tree.to_change(REQUIREMENTS)
    lines = _manifest(tree, place).splitlines()
    positions = [index for index, line in enumerate(lines) if _is_requirement(line)]
    change = _change(place, [lines[index].partition(" #")[0].strip() for index in positions], wanted)
    if change.changes:
        if change.index is None:
            lines.append(change.text)
        else:
            lines[positions[change.index]] = change.text
        tree.files.write(place, ("\n".join(lines) + "\n").encode())
    return _done(place, change, group)


def _is_requirement(line: str) -> bool:
    """Options, comments and paths stand between the requirements of a requirements file."""
    return line.strip()[:1].isalnum() and "://" not in line


def _manifest(tree: Tree, place: str) -> str:
    try:
        return tree.files.read(place, limit=MANIFEST_LIMIT_BYTES).decode()
    except UnicodeDecodeError as error:
        raise BadManifest(place, "it is not UTF-8") from error


def _requirements(place: str, document: "TOMLDocument", group: str) -> "Array":
    """The list for `group`, made where it is missing: an existing extra of that name, else a dependency group."""
    import tomlkit

    project = document.get("project")
    if not isinstance(project, dict):
        raise NoManifest
    if not group and "dependencies" in (project.get("dynamic") or []):
        raise BadManifest(place, "its dependencies are dynamic, so another file holds them")
    if not group:
        table: Any = project
    elif group in (project.get("optional-dependencies") or {}):
        table = project["optional-dependencies"]
    else:
        table = document.setdefault("dependency-groups", tomlkit.table())
    listed = table.setdefault(group or "dependencies", tomlkit.array())
    if not isinstance(listed, list):
        raise BadManifest(place, f"{group or 'dependencies'!r} is not a list")
    listed.multiline(True)  # type: ignore[attr-defined]
    return listed  # type: ignore[return-value]


def _change(place: str, listed: list[str], wanted: Requirement) -> _Change:
    """Where `wanted` goes: over the entry for the same package and marker, unless it asks for nothing more."""
    for index, text in enumerate(listed):
        try:
            present = Requirement(text)
        except InvalidRequirement as error:
            raise BadManifest(place, f"{text!r} in it is no requirement") from error
        same = canonicalize_name(present.name) == canonicalize_name(wanted.name)
        if same and str(present.marker or "") == str(wanted.marker or ""):
            nothing_new = not wanted.specifier and wanted.extras <= present.extras
            equal = wanted.specifier == present.specifier and wanted.extras <= present.extras
            return _Change(text if nothing_new or equal else str(wanted), index, text)
    return _Change(str(wanted))


def _done(place: str, change: _Change, group: str) -> Dependency:
    return Dependency(
        path=place,
        requirement=change.text,
        group=group,
        changed=change.changes,
        replaced=change.before if change.changes else "",
    )
