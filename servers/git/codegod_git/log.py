"""Which commits a log lists."""

import re

from codegod_git.faults import BadName
from codegod_git.history import read_commits
from codegod_git.names import require_path, split_trailer
from codegod_git.runner import Git

# A history that nobody pages to the end of; ids of this many take 2 MB.
LOG_LIMIT_COMMITS = 50_000
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")


async def commit_ids(git: Git, start: str, trailer: str, path: str) -> list[str]:
    """The commits from `start` backwards, newest first, that have `trailer` and changed `path`, if these are given."""
    told = await git.run(
        "rev-list",
        "--topo-order",
        f"--max-count={LOG_LIMIT_COMMITS}",
        *_search(trailer),
        start,
        *(["--", require_path(path)] if path not in ("", ".") else []),
    )
    ids = told.decode("ascii").split()
    return await _with_trailer(git, ids, trailer) if trailer else ids


def _search(trailer: str) -> list[str]:
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
