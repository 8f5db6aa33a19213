"""Notes on commits, where `git log` shows them: below `refs/notes/commits`."""

from codegod_git.diff import TEXT_CHARS
from codegod_git.faults import BadName
from codegod_git.history import printable
from codegod_git.repository import Repository
from codegod_git.runner import Git

# The names of all tests of a large task, which is the longest that anybody here writes.
NOTE_LIMIT_CHARS = 64_000
_NOTES = ("notes", "--ref=refs/notes/commits")


def require_note(text: str) -> str:
    """`text` fit to be shown (it may quote what a program printed), if it says something."""
    note = printable(text).replace("\r", "").strip()
    if not note or len(note) > NOTE_LIMIT_CHARS:
        raise BadName("note", text, "All 12 tests passed")
    return note


async def add_note(repository: Repository, commit: str, text: str) -> str:
    """Append `text` to the notes of `commit` unless it is there; gives the note, cut to a page. Call while writing."""
    note = await _read(repository.git, commit)
    if text not in note:
        command = (*_NOTES, "append", "-F", "-", commit)
        await repository.signed.run(*command, stdin=f"{text}\n".encode())
        note = await _read(repository.git, commit)
    return note[:TEXT_CHARS]


async def _read(git: Git, commit: str) -> str:
    # Status 1 is "no note".
    blob = (await git.run(*_NOTES, "list", commit, statuses=(0, 1))).decode("ascii").strip()
    if not blob:
        return ""
    return printable((await git.run("cat-file", "blob", blob)).decode("utf-8", "replace")).strip()
