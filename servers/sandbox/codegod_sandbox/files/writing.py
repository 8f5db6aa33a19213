"""Tools that change which files there are: write, append, move, copy, delete, make a folder."""

from typing import Annotated, Any

from mcp.server import MCPServer
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

from codegod_kit import ToolFault, current_grant, require_write
from codegod_kit.beneath import AlreadyThere, FileTooBig, NotAFile
from codegod_sandbox.files.content import sha256
from codegod_sandbox.files.places import FilePath, FolderPath, Tree, Trees, Workspace

# The second of two equal calls changes nothing more.
REPLACES = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
)
CHANGES = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=False
)
ADDS = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False
)
MAKES = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
# As much as one HTTP request to a server may carry; a larger file is made by a program or in pieces.
WRITE_LIMIT_BYTES = 4 << 20
# What a file may grow to by appending: what reading it again allows.
APPEND_LIMIT_BYTES = 16 << 20
# A folder that is moved or deleted under a grant is looked through first; this many files is a large application.
CHECKED_LIMIT_FILES = 20_000

Content = Annotated[str, Field(description="The whole new text of the file")]
IfMatch = Annotated[str, Field(description="sha256 that the file must still have; empty asks for nothing")]


class ChangedMeanwhile(ToolFault):
    """The file is not what the caller read."""

    def __init__(self, path: str, found: str) -> None:
        super().__init__(
            f"{path!r} has changed: its sha256 is now {found!r}. Read it again, then repeat the change."
        )
        self.path = path
        self.found = found


class TooManyFiles(ToolFault):
    """The folder holds more than a limited grant can be checked against."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"The folder {path!r} is too large to change at once: {reason}. Change its parts.")
        self.path = path


class Written(BaseModel):
    """A file as it is now."""

    path: str
    size: int
    sha256: str
    created: bool


class Moved(BaseModel):
    source: str
    destination: str


class Deleted(BaseModel):
    path: str
    entries: int


class Made(BaseModel):
    path: str
    created: bool


def register_writing(server: MCPServer[Any], trees: Trees) -> None:
    """Add the writing tools to `server`."""

    @server.tool(annotations=REPLACES)
    def file_write(
        path: FilePath, content: Content, if_match: IfMatch = "", workspace: Workspace = ""
    ) -> Written:
        """Create a file or replace it whole. Missing folders are made.

        Example: file_write(path="src/app.py", content="print('hi')\\n")
        """
        with trees.change(workspace) as tree:
            place = tree.to_change(path)
            if if_match:
                require_match(tree, place, if_match)
            return put(tree, place, content.encode(), limit=WRITE_LIMIT_BYTES)

    @server.tool(annotations=ADDS)
    def file_append(
        path: FilePath, content: Content, if_match: IfMatch = "", workspace: Workspace = ""
    ) -> Written:
        """Add text at the end of a file, which is created when it is missing.

        Example: file_append(path="CHANGELOG.md", content="- fixed the login\\n")
        """
        with trees.change(workspace) as tree:
            place = tree.to_change(path)
            if if_match:
                require_match(tree, place, if_match)
            before = tree.files.read(place) if tree.files.exists(place) else b""
            return put(tree, place, before + content.encode(), limit=APPEND_LIMIT_BYTES)

    @server.tool(annotations=ADDS)
    def file_copy(
        source: FilePath,
        destination: FilePath,
        overwrite: Annotated[bool, Field(description="Replace an existing file")] = False,
        workspace: Workspace = "",
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
        source: FilePath,
        destination: FilePath,
        overwrite: Annotated[bool, Field(description="Replace an existing file")] = False,
        workspace: Workspace = "",
    ) -> Moved:
        """Rename or move a file or a folder. What has the new name already is kept unless `overwrite` is true.

        Example: file_move(source="src/util.py", destination="src/dates.py")
        """
        with trees.change(workspace) as tree:
            place, new_place = tree.to_change(source).rstrip("/"), tree.to_change(destination).rstrip("/")
            _require_all_inside(tree, place, place, new_place)
            tree.files.move(place, new_place, overwrite=overwrite)
            return Moved(source=place, destination=new_place)

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


def require_match(tree: Tree, place: str, wanted: str) -> bytes:
    """The content of the file, if its sha256 is still `wanted`."""
    content = tree.files.read(place)
    found = sha256(content)
    if found != wanted.strip().lower():
        raise ChangedMeanwhile(place, found)
    return content


def put(tree: Tree, place: str, content: bytes, *, limit: int = WRITE_LIMIT_BYTES) -> Written:
    """Write one file of at most `limit` bytes."""
    if len(content) > limit:
        raise FileTooBig(place, len(content), limit)
    new = tree.files.write(place, content)
    return Written(path=place.rstrip("/"), size=len(content), sha256=sha256(content), created=new)


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
