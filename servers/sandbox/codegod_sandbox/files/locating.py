"""The tool that finds files by name: `file_search`."""

from typing import Annotated, Any

from mcp.server import MCPServer
from pydantic import BaseModel, Field

from codegod_kit.paging import page_list
from codegod_sandbox.files.glob import matcher
from codegod_sandbox.files.listing import FILLED_FOLDERS, Cursor, Limit, left_out
from codegod_sandbox.files.places import FolderPath, Trees, Workspace
from codegod_sandbox.files.reading import READS
from codegod_sandbox.files.shown import shown


class FoundFiles(BaseModel):
    """Paths that match. `note` says what was not looked at; `next_cursor` is empty at the end."""

    paths: list[str]
    total: int
    next_cursor: str
    note: str = ""


def register_locating(server: MCPServer[Any], trees: Trees) -> None:
    """Add `file_search` to `server`."""

    @server.tool(annotations=READS)
    def file_search(
        pattern: Annotated[
            str, Field(min_length=1, description="Name or path pattern, e.g. `*.py`, `src/**/test_*.py`")
        ],
        path: FolderPath = "",
        limit: Limit = 100,
        cursor: Cursor = "",
        workspace: Workspace = "",
    ) -> FoundFiles:
        """Find files by name. `*` and `?` stay within a name, `**` crosses folders; without `/` any folder matches.

        Example: file_search(pattern="*_test.py")
        """
        matches = matcher(pattern)
        with trees.open(workspace) as tree:
            place = tree.to_read(path)
            walk = tree.files.walk(place, skip=FILLED_FOLDERS)
            start = len(place) + 1 if place else 0
            found = [each for each, kind in walk if kind != "folder" and matches(each[start:])]
        page = page_list(found, cursor, of=f"file_search {place} {pattern}", limit=limit)
        return FoundFiles(
            paths=[shown(each) for each in page.items],
            total=page.total,
            next_cursor=page.next_cursor,
            note=left_out(walk),
        )
