"""Tools that give a file its content: `file_write`, `file_append`."""

from typing import Annotated, Any

from mcp.server import MCPServer
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

from codegod_kit import ToolFault
from codegod_kit.beneath import FileTooBig
from codegod_sandbox.files.content import sha256
from codegod_sandbox.files.places import FilePath, Tree, Trees, Workspace

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
# As much as one HTTP request to a server may carry; a larger file is made by a program or in pieces.
WRITE_LIMIT_BYTES = 4 << 20
# What a file may grow to by appending: what reading it again allows.
APPEND_LIMIT_BYTES = 16 << 20

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


class Written(BaseModel):
    """A file as it is now."""

    path: str
    size: int
    sha256: str
    created: bool


def register_writing(server: MCPServer[Any], trees: Trees) -> None:
    """Add `file_write` and `file_append` to `server`."""

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
