"""Tools that change which files there are: `file_copy`, `file_move`, `file_delete`, `dir_make`."""

from typing import Annotated, Any

from mcp.server import MCPServer
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

from codegod_kit import ToolFault, current_grant, require_write
from codegod_kit.beneath import AlreadyThere, NotAFile
from codegod_sandbox.files.content import sha256
from codegod_sandbox.files.places import FilePath, FolderPath, Tree, Trees, Workspace
from codegod_sandbox.files.writing import ADDS, CHANGES, Written

MAKES = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
# A folder that is moved or deleted under a grant is looked through first; this many files is a large application.
CHECKED_LIMIT_FILES = 20_000

Overwrite = Annotated[bool, Field(description="Replace an existing file")]


class TooManyFiles(ToolFault):
    """The folder holds more than a limited grant can be checked against."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"The folder {path!r} is too large to change at once: {reason}. Change its parts.")
        self.path = path


class Moved(BaseModel):
    source: str
    destination: str


class Deleted(BaseModel):
    path: str
    entries: int


class Made(BaseModel):
    path: str
    created: bool


def register_placing(server: MCPServer[Any], trees: Trees) -> None:
    """Add the tools that copy, move, delete and make folders to `server`."""
    _register_copying(server, trees)
    _register_removing(server, trees)


def _register_copying(server: MCPServer[Any], trees: Trees) -> None:
    @server.tool(annotations=ADDS)
    def file_copy(
        source: FilePath, destination: FilePath, overwrite: Overwrite = False, workspace: Workspace = ""
    ) -> Written:
        """Copy one file.

        Example: file_copy(source="src/app.py", destination="src/app_old.py")
        """
        with trees.change(workspace) as tree:
            place, new_place = tree.to_read(source), tree.to_change(destination)
            content = tree.files.read(place)
            mode = tree.files.entry(place).mode
            new = tree.files.write(new_place, content, overwrite=overwrite, mode=mode)
            return Written(path=new_place, size=len(content), sha256=sha256(content), created=new)

    @server.tool(annotations=CHANGES)
    def file_move(
        source: FilePath, destination: FilePath, overwrite: Overwrite = False, workspace: Workspace = ""
    ) -> Moved:
        """Rename or move a file or a folder. What has the new name already is kept unless `overwrite` is true.

        Example: file_move(source="src/dates.py", destination="src/times.py")
        """
        with trees.change(workspace) as tree:
            place, new_place = tree.to_change(source).rstrip("/"), tree.to_change(destination).rstrip("/")
            _require_all_inside(tree, place, place, new_place)
            tree.files.move(place, new_place, overwrite=overwrite)
            return Moved(source=place, destination=new_place)


def _register_removing(server: MCPServer[Any], trees: Trees) -> None:
    @server.tool(annotations=CHANGES)
    def file_delete(
        path: FilePath,
        recursive: Annotated[bool, Field(description="Delete a folder with all it holds")] = False,
        workspace: Workspace = "",
    ) -> Deleted:
        """Delete a file, or a folder: an empty one, or with `recursive` all it holds. There is no way back.

        Example: file_delete(path="src/old.py")
        """
        with trees.change(workspace) as tree:
            place = tree.to_change(path).rstrip("/")
            _require_all_inside(tree, place, place)
            return Deleted(path=place, entries=tree.files.delete(place, recursive=recursive))

    @server.tool(annotations=MAKES)
    def dir_make(path: FolderPath, workspace: Workspace = "") -> Made:
        """Make a folder and the folders above it. Writing a file makes its folders too.

        Example: dir_make(path="src/todo")
        """
        with trees.change(workspace) as tree:
            place = tree.to_change(path).rstrip("/")
            if tree.files.exists(place) and (kind := tree.files.entry(place).kind) != "folder":
                raise AlreadyThere(path) if kind == "file" else NotAFile(path, kind)
            return Made(path=place, created=tree.files.make_folder(place))


def _require_all_inside(tree: Tree, place: str, *places: str) -> None:
    """What goes along with the folder `place` must be granted too, under each of `places`."""
    grant = current_grant()
    if grant is None or "**" in grant.write or tree.files.entry(place).kind != "folder":
        return
    walk = tree.files.walk(place)
    inside = [path.removeprefix(place) for path, kind in walk if kind != "folder"]
    if walk.cut or len(inside) > CHECKED_LIMIT_FILES:
        raise TooManyFiles(place, walk.cut or f"it holds more than {CHECKED_LIMIT_FILES} files")
    for top in places:
        for path in inside:
            require_write(top + path)
