"""Which commits a log lists."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from codegod_git.diff import TEXT_CHARS
from codegod_git.faults import BadName
from codegod_git.history import read_commits
from codegod_git.names import require_path, split_trailer
from codegod_git.records import CommitRecord, LogPage
from codegod_git.runner import Git
from codegod_kit import page_list

# A history that nobody pages to the end of; ids of this many take 2 MB.
LOG_LIMIT_COMMITS = 50_000
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")


@dataclass(frozen=True, slots=True)
class Search:
    """Commits from `start` backwards that have `trailer` and changed `path`, if these are given."""

    start: str
    trailer: str = ""
    path: str = ""


async def log_page(git: Git, search: Search, cursor: str, limit: int) -> LogPage:
    """At most `limit` of the commits that `search` finds, newest first, and no more text than one answer holds."""
    ids = await _found(git, search)
    of = f"{search.start} {search.trailer} {search.path}"
    page = page_list(ids, cursor, of=of, limit=limit)
    commits = await read_commits(git, page.items)
    fitting = _fitting(commits)
    page = page_list(ids, cursor, of=of, limit=fitting)
    return LogPage(commits=commits[:fitting], total=page.total, next_cursor=page.next_cursor)


async def _found(git: Git, search: Search) -> list[str]:
    path = ["--", require_path(search.path)] if search.path not in ("", ".") else []
    count = f"--max-count={LOG_LIMIT_COMMITS}"
    told = await git.run("rev-list", "--topo-order", count, *_grep(search.trailer), search.start, *path)
    ids = told.decode("ascii").split()
    return await _with_trailer(git, ids, search.trailer) if search.trailer else ids


def _fitting(commits: Sequence[CommitRecord]) -> int:
    room = TEXT_CHARS
    for number, commit in enumerate(commits):
        room -= len(commit.model_dump_json())
        if room < 0 and number:
            return number
    return max(1, len(commits))


def _grep(trailer: str) -> list[str]:
    if not trailer:
        return []
    if split_trailer(trailer) is None and not _KEY.fullmatch(trailer):
        raise BadName("trailer", trailer, "Task-Id: storage")
    return ["--fixed-strings", f"--grep={trailer}"]


async def _with_trailer(git: Git, ids: list[str], trailer: str) -> list[str]:
    """git found the text anywhere in a message; a trailer is a line of its end."""
    key, value = split_trailer(trailer) or (trailer, None)
    return [
        commit.id
        for commit in await read_commits(git, ids)
        if key in commit.trailers and value in (None, commit.trailers[key])
    ]
