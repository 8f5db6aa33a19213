"""Tools that show which files there are: `dir_list`, `dir_tree`."""

from typing import Annotated, Any

from mcp.server import MCPServer
from pydantic import BaseModel, Field

from codegod_kit.beneath import Kind, Walk
from codegod_kit.paging import PAGE_CHARS, page_list
from codegod_sandbox.files.places import FolderPath, Tree, Trees, Workspace
from codegod_sandbox.files.reading import READS
from codegod_sandbox.files.shown import shown

# Folders that tools fill, not people: thousands of files that say nothing about the project.
FILLED_FOLDERS = frozenset(
    {".git", ".mypy_cache", ".nox", ".pytest_cache", ".ruff_cache", ".tox", ".venv", "__pycache__", "node_modules", "venv"}
)  # fmt: skip
_MARKS: dict[Kind, str] = {
    "file": "", "folder": "/", "link": " (link)", "pipe": " (pipe)", "socket": " (socket)", "device": " (device)"
}  # fmt: skip
_NAMED_SKIPPED = 10

Limit = Annotated[int, Field(ge=1, le=1000, description="Results at most, e.g. 100")]
Cursor = Annotated[str, Field(description="Empty first, then `next_cursor` of the answer before")]


class ListedEntry(BaseModel):
    name: str
    kind: Kind
    size: int


class Listing(BaseModel):
    """What a folder holds. `next_cursor` is empty at the end."""

    path: str
    entries: list[ListedEntry]
    total: int
    next_cursor: str


def register_listing(server: MCPServer[Any], trees: Trees) -> None:
    """Add the listing tools to `server`."""

    @server.tool(annotations=READS)
    def dir_list(
        path: FolderPath = "", limit: Limit = 200, cursor: Cursor = "", workspace: Workspace = ""
    ) -> Listing:
        """List one folder: names, kinds and sizes.

        Example: dir_list(path="src")
        """
        with trees.open(workspace) as tree:
            place = tree.to_read(path)
            page = page_list(tree.files.list(place), cursor, of=f"dir_list {place}", limit=limit)
        entries = [
            ListedEntry(name=shown(entry.name), kind=entry.kind, size=entry.size) for entry in page.items
        ]
        return Listing(path=place, entries=entries, total=page.total, next_cursor=page.next_cursor)

    @server.tool(annotations=READS, structured_output=False)
    def dir_tree(
        path: FolderPath = "",
        depth: Annotated[int, Field(ge=1, le=64, description="Folders deep, e.g. 3")] = 6,
        limit: Limit = 400,
        workspace: Workspace = "",
    ) -> str:
        """Show a folder and what lies below it as an indented tree, without dependencies and caches.

        Example: dir_tree(path="src", depth=2)
        """
        with trees.open(workspace) as tree:
            return _drawn(tree, tree.to_read(path), depth, limit)


def left_out(walk: Walk) -> str:
    """What a finished walk did not look at, in one sentence; empty when it saw everything."""
    notes = [f"{walk.cut}: give a `path` below"] if walk.cut else []
    if walk.skipped:
        names = ", ".join(shown(path) for path in walk.skipped[:_NAMED_SKIPPED])
        more = f" and {len(walk.skipped) - _NAMED_SKIPPED} more" if len(walk.skipped) > _NAMED_SKIPPED else ""
        notes.append(f"not looked into: {names}{more}")
    return "; ".join(notes)


def _drawn(tree: Tree, place: str, depth: int, limit: int) -> str:
    walk = tree.files.walk(place, skip=FILLED_FOLDERS)
    base = place.count("/") + 1 if place else 0
    lines: list[str] = []
    room = PAGE_CHARS
    hidden = 0
    for path, kind in walk:
        level = path.count("/") - base
        line = f"{'  ' * level}{shown(path.rpartition('/')[2])}{_MARKS[kind]}"
        if level >= depth or len(lines) >= limit or len(line) > room:
            hidden += 1
            continue
        lines.append(line)
        room -= len(line) + 1
    if hidden:
        lines.append(f"[{hidden} more entries: give a `path` below, or another `depth` or `limit`]")
    if note := left_out(walk):
        lines.append(f"[{note}]")
    return "\n".join(lines) or "[the folder is empty]"
