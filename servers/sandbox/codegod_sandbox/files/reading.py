"""Tools that read files: `file_read`, `file_read_many`, `file_info`."""

from datetime import UTC, datetime
from typing import Annotated, Any

from mcp.server import MCPServer
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from pydantic import BaseModel, Field

from codegod_kit import ToolFault
from codegod_kit.beneath import FileTooBig, Kind
from codegod_kit.paging import PAGE_CHARS
from codegod_sandbox.files.content import Newline, decode, is_binary, lines_of, mime, newline_of, sha256
from codegod_sandbox.files.places import FilePath, Tree, Trees, Workspace
from codegod_sandbox.files.shown import shown

READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
# What one call of file_read_many may carry: three full pages, well under the result cap when escaped.
MANY_LIMIT_CHARS = 3 * PAGE_CHARS
MANY_LIMIT_FILES = 50


class PastTheEnd(ToolFault):
    """The wanted lines are not there."""

    def __init__(self, path: str, offset: int, lines: int) -> None:
        super().__init__(
            f"{path!r} has {lines} lines, so none at offset {offset}. Use an offset from 1 to {lines}."
        )


class Info(BaseModel):
    """What a path is. `sha256`, `lines`, `newline` are empty for what is not a text file that can be read."""

    path: str
    kind: Kind
    size: int
    mode: str
    modified: datetime
    sha256: str = ""
    text: bool = False
    lines: int = 0
    newline: Newline = ""
    media_type: str = ""


def register_reading(server: MCPServer[Any], trees: Trees) -> None:
    """Add the reading tools to `server`."""

    @server.tool(annotations=READS, structured_output=False)
    def file_read(
        path: FilePath,
        offset: Annotated[int, Field(description="First line, from 1; -20 is the last 20 lines")] = 1,
        limit: Annotated[int, Field(ge=1, description="Lines at most, e.g. 200")] = 1000,
        workspace: Workspace = "",
    ) -> CallToolResult:
        """Read a text file, exactly as it stands. A long file comes in pages: a note behind the text says how to go on.

        Example: file_read(path="src/app.py")
        """
        with trees.open(workspace) as tree:
            text, note = _page(tree, path, offset, limit)
        return _answer([text, note] if note else [text])

    @server.tool(annotations=READS, structured_output=False)
    def file_read_many(
        paths: Annotated[list[str], Field(min_length=1, description='e.g. ["src/app.py", "src/db.py"]')],
        workspace: Workspace = "",
    ) -> CallToolResult:
        """Read several text files at once. Each comes under a line with its path; one that cannot be read says why.

        Example: file_read_many(paths=["src/app.py", "tests/test_app.py"])
        """
        with trees.open(workspace) as tree:
            return _answer(_many(tree, paths))

    @server.tool(annotations=READS)
    def file_info(path: FilePath, workspace: Workspace = "") -> Info:
        """Say what a path is: kind, size, permissions, and for a file its sha256 (for `if_match`) and lines.

        Example: file_info(path="src/app.py")
        """
        with trees.open(workspace) as tree:
            return _info(tree, tree.to_read(path))


def _page(tree: Tree, path: str, offset: int, limit: int) -> tuple[str, str]:
    """Some lines of a file, and what there is to say about them when that is not the whole file."""
    decoded = decode(path, tree.files.read(tree.to_read(path)))
    lines = lines_of(decoded.text)
    first = offset - 1 if offset > 0 else max(len(lines) + offset, 0)
    if offset == 0 or first >= len(lines):
        raise PastTheEnd(path, offset, len(lines))
    taken = _fitting(lines[first : first + limit])
    last = first + len(taken)
    notes = [] if decoded.exact else ["the file is not UTF-8: shown as Latin-1"]
    if first or last < len(lines):
        notes.append(f"lines {first + 1}-{last} of {len(lines)}")
    if last < len(lines):
        notes.append(f"go on with offset={last + 1}")
    text = "".join(taken)
    if len(text) > PAGE_CHARS:
        text = text[:PAGE_CHARS]
        notes.append(f"line {last} is cut after {PAGE_CHARS} characters")
    return text, f"[{'; '.join(notes)}]" if notes else ""


def _fitting(lines: list[str]) -> list[str]:
    """As many lines as fit a page, one at least."""
    room = PAGE_CHARS
    for count, line in enumerate(lines):
        room -= len(line)
        if room < 0:
            return lines[: max(count, 1)]
    return lines


def _many(tree: Tree, paths: list[str]) -> list[str]:
    answers = []
    room = MANY_LIMIT_CHARS
    for path in paths[:MANY_LIMIT_FILES]:
        if room <= 0:
            break
        try:
            text, note = _page(tree, path, 1, room)
        except ToolFault as fault:
            text, note = "", f"[{fault}]"
        room -= len(text)
        answers.append(f"{shown(path)} {note}".rstrip() + f"\n{text}")
    left = [shown(path) for path in paths[len(answers) :]]
    return [*answers, f"[not read, ask again: {', '.join(left)}]"] if left else answers


def _info(tree: Tree, path: str) -> Info:
    entry = tree.files.entry(path)
    modified = datetime.fromtimestamp(entry.modified, UTC)
    about = Info(path=path, kind=entry.kind, size=entry.size, mode=f"{entry.mode:04o}", modified=modified)
    if entry.kind != "file":
        return about
    about.media_type = mime(path)
    try:
        content = tree.files.read(path)
    except FileTooBig:
        return about
    about.sha256 = sha256(content)
    about.text = not is_binary(content)
    if about.text:
        about.lines = content.count(b"\n") + (not content.endswith(b"\n") and bool(content))
        about.newline = newline_of(content)
    return about


def _answer(texts: list[str]) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=text) for text in texts])
