"""One commit, or a file or folder as it was in one."""

from codegod_git.diff import BESIDE_TEXT_BYTES, TEXT_CHARS, empty_tree, file_changes, listed_records, patch
from codegod_git.faults import BlobTooLarge, UnknownPath
from codegod_git.history import printable
from codegod_git.names import require_path, shown
from codegod_git.records import CommitRecord, Shown
from codegod_git.runner import Git
from codegod_kit import page_text

# Text that somebody could read; the size is asked before anything is read.
SHOW_LIMIT_BYTES = 4 * 1024 * 1024
# Where git looks, too, to tell a binary file.
_SNIFF_BYTES = 8000


async def show(git: Git, commit: CommitRecord, revision: str, path: str, cursor: str) -> Shown:
    """The answer of `git_show`."""
    if not path:
        return await _show_commit(git, commit, cursor)
    path = require_path(path)
    name = f"{commit.id}:" if path == "." else f"{commit.id}:{path}"
    told = await git.run("cat-file", "--batch-check", stdin=f"{name}\n".encode())
    match told.decode("utf-8").strip().split(" "):
        case [found, "tree", _]:
            return await _show_folder(git, commit, path, found, cursor)
        case [found, "blob", size]:
            return await _show_file(git, commit, path, found, int(size), cursor)
    raise UnknownPath(path, revision)


async def _show_commit(git: Git, commit: CommitRecord, cursor: str) -> Shown:
    before = commit.parents[0] if commit.parents else empty_tree(commit.id)
    files, cut = listed_records(await file_changes(git, before, commit.id), BESIDE_TEXT_BYTES)
    page = page_text(await patch(git, before, commit.id), cursor, limit=TEXT_CHARS)
    return Shown(
        kind="commit", id=commit.id, commit=commit, path="", size=0, binary=False, text=page.text,
        files=files, next_cursor=page.next_cursor, cut=cut,
    )  # fmt: skip


async def _show_folder(git: Git, commit: CommitRecord, path: str, tree: str, cursor: str) -> Shown:
    listing = (await git.run("ls-tree", "-z", tree)).decode("utf-8", "surrogateescape")
    heads = (line.partition("\t") for line in listing.split("\0")[:-1])
    names = [shown(name) + ("/" if " tree " in head else "") for head, _, name in heads]
    page = page_text("".join(f"{name}\n" for name in names), cursor, limit=TEXT_CHARS)
    return Shown(
        kind="folder", id=tree, commit=commit, path=path, size=0, binary=False, text=page.text,
        files=[], next_cursor=page.next_cursor, cut=False,
    )  # fmt: skip


async def _show_file(git: Git, commit: CommitRecord, path: str, blob: str, size: int, cursor: str) -> Shown:
    if size > SHOW_LIMIT_BYTES:
        raise BlobTooLarge(path, size, SHOW_LIMIT_BYTES)
    data = await git.run("cat-file", "blob", blob, limit=size)
    binary = b"\0" in data[:_SNIFF_BYTES]
    page = page_text("" if binary else printable(data.decode("utf-8", "replace")), cursor, limit=TEXT_CHARS)
    return Shown(
        kind="file", id=blob, commit=commit, path=path, size=size, binary=binary, text=page.text,
        files=[], next_cursor=page.next_cursor, cut=False,
    )  # fmt: skip
