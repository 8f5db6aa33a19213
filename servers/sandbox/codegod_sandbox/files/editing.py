"""Tools that change part of a file: `file_edit`, `files_edit`. Text is matched exactly, or nothing happens."""

from contextlib import ExitStack
from typing import Annotated, Any

from mcp.server import MCPServer
from pydantic import BaseModel, Field

from codegod_kit import ToolFault
from codegod_kit.beneath import FileTooBig
from codegod_sandbox.files.content import BinaryFile, is_binary, newline_of, sha256
from codegod_sandbox.files.places import FilePath, Tree, Trees, Workspace
from codegod_sandbox.files.shown import shown_line
from codegod_sandbox.files.writing import CHANGES, WRITE_LIMIT_BYTES, IfMatch, Written, put, require_match

# Enough to see which of the matches was meant.
_NAMED_LINES = 8


class EditMismatch(ToolFault):
    """The old text is not in the file as often as was said."""

    def __init__(self, path: str, found: list[int], expected: int, near: str) -> None:
        if not found:
            message = f"The old text is not in {path!r}.{near} Read the file and copy the text exactly."
        else:
            lines = ", ".join(str(line) for line in found[:_NAMED_LINES])
            message = (
                f"The old text is {len(found)} times in {path!r} (lines {lines}), not {expected}. "
                f"Give more of the lines around it, or set `expected` to {len(found)} to change all."
            )
        super().__init__(f"{message} Nothing was changed.")
        self.path = path
        self.found = tuple(found)
        self.expected = expected


class EmptyOldText(ToolFault):
    """There is nothing to look for."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"The old text for {path!r} is empty. Give the text to replace, or use `file_append`."
        )
        self.path = path


class NotUtf8(ToolFault):
    """The file's encoding is unknown, so no letter beyond ASCII can be put in."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{path!r} is not UTF-8. Only ASCII text can be put in; or write it whole with `file_write`."
        )
        self.path = path


class UnevenEdits(ToolFault):
    """The lists of `files_edit` do not belong together."""

    def __init__(self, paths: int, olds: int, news: int) -> None:
        super().__init__(
            f"There are {paths} paths, {olds} old texts and {news} new texts. Give one of each for every edit."
        )


class Edited(BaseModel):
    """A file as it is after the edit."""

    path: str
    replaced: int
    size: int
    sha256: str


class EditedFiles(BaseModel):
    files: list[Written]


def register_editing(server: MCPServer[Any], trees: Trees) -> None:
    """Add the editing tools to `server`."""

    @server.tool(annotations=CHANGES)
    def file_edit(
        path: FilePath,
        old: Annotated[str, Field(description="Text to replace, copied exactly, with its spaces")],
        new: Annotated[str, Field(description="Text to put there; empty deletes")],
        expected: Annotated[int, Field(ge=1, description="How often `old` is in the file")] = 1,
        if_match: IfMatch = "",
        workspace: Workspace = "",
    ) -> Edited:
        """Replace text in a file. `old` must be there exactly `expected` times, or nothing changes.

        Example: file_edit(path="src/app.py", old="port = 80", new="port = 8080")
        """
        with trees.change(workspace) as tree:
            place = tree.to_change(path)
            before = require_match(tree, place, if_match) if if_match else tree.files.read(place)
            after = replaced(place, before, old, new, expected)
            written = put(tree, place, after)
            return Edited(path=place, replaced=expected, size=written.size, sha256=written.sha256)

    @server.tool(annotations=CHANGES)
    def files_edit(
        paths: Annotated[
            list[str], Field(min_length=1, description='File of each edit, e.g. ["a.py", "b.py"]')
        ],
        olds: Annotated[list[str], Field(description="Text to replace in each, copied exactly")],
        news: Annotated[list[str], Field(description="Text to put there in each")],
        workspace: Workspace = "",
    ) -> EditedFiles:
        """Make several edits, all or none: every old text must be in its file exactly once. A file may come again.

        Example: files_edit(paths=["a.py", "b.py"], olds=["x = 1", "y = 1"], news=["x = 2", "y = 2"])
        """
        if not len(paths) == len(olds) == len(news):
            raise UnevenEdits(len(paths), len(olds), len(news))
        with trees.change(workspace) as tree:
            return EditedFiles(files=_edit_all(tree, list(zip(paths, olds, news, strict=True))))


def replaced(place: str, content: bytes, old: str, new: str, expected: int) -> bytes:
    """`content` with `old` replaced; its encoding and line ends stay as they are, and so does every other byte."""
    if not old:
        raise EmptyOldText(place)
    if is_binary(content):
        raise BinaryFile(place, content)
    if newline_of(content) == "crlf":
        old, new = _crlf(old), _crlf(new)
    if not new.isascii() and not _is_utf8(content):
        raise NotUtf8(place)
    wanted = old.encode()
    found = _lines_with(content, wanted)
    if len(found) != expected:
        raise EditMismatch(place, found, expected, "" if found else _near(content, old))
    return content.replace(wanted, new.encode())


def _edit_all(tree: Tree, edits: list[tuple[str, str, str]]) -> list[Written]:
    before: dict[str, bytes] = {}
    after: dict[str, bytes] = {}
    for path, old, new in edits:
        place = tree.to_change(path)
        if place not in after:
            before[place] = after[place] = tree.files.read(place)
        after[place] = replaced(place, after[place], old, new, 1)
        if len(after[place]) > WRITE_LIMIT_BYTES:
            raise FileTooBig(place, len(after[place]), WRITE_LIMIT_BYTES)
    _put_all(tree, before, after)
    return [
        Written(path=place, size=len(content), sha256=sha256(content), created=False)
        for place, content in after.items()
    ]


def _put_all(tree: Tree, before: dict[str, bytes], after: dict[str, bytes]) -> None:
    """Everything is written beside its place first, so that what is left to fail are renames; those are taken back."""
    done: list[str] = []
    with ExitStack() as stack:
        staged = {
            place: stack.enter_context(tree.files.stage(place, content)) for place, content in after.items()
        }
        try:
            for place, file in staged.items():
                file.commit()
                done.append(place)
        except BaseException:
            for place in done:
                tree.files.write(place, before[place])
            raise


def _lines_with(content: bytes, wanted: bytes) -> list[int]:
    lines = []
    at = content.find(wanted)
    while at >= 0:
        lines.append(content.count(b"\n", 0, at) + 1)
        at = content.find(wanted, at + len(wanted))
    return lines


def _near(content: bytes, old: str) -> str:
    """A hint when only spaces differ, the commonest slip of a small model."""
    first = next((line.strip() for line in old.splitlines() if line.strip()), "").encode()
    if not first:
        return ""
    for number, line in enumerate(content.split(b"\n"), start=1):
        if first in line.strip():
            return f" Line {number} is similar: {shown_line(line.decode('utf-8', 'replace').rstrip())!r}."
    return ""


def _crlf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\n", "\r\n")


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
