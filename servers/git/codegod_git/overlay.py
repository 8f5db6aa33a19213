"""Files of one commit that are laid over another tree exactly as they are."""

from collections.abc import Sequence

from codegod_git.compose import covers
from codegod_git.faults import UnknownPath
from codegod_git.names import require_path
from codegod_git.objects import Entries
from codegod_git.repository import Repository


async def overlay_entries(repository: Repository, revision: str, paths: Sequence[str]) -> Entries:
    """What `revision` has at `paths` (files, or folders with all they hold); `UnknownPath` for one that it has not."""
    wanted = [require_path(path) for path in paths]
    entries = await repository.entries(await repository.resolve(revision)) if revision else {}
    for path in wanted:
        if not any(covers([path], one) for one in entries):
            raise UnknownPath(path, revision)
    return {path: entry for path, entry in entries.items() if covers(wanted, path)}
