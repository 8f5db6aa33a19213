"""The git server: repositories that models may read and commit to, and the one way onto their main branch."""

from typing import Any

from mcp.server import MCPServer

from codegod_git.branches import register_branches
from codegod_git.delivery import register_delivery
from codegod_git.importing import register_importing
from codegod_git.merging import register_merging
from codegod_git.reading import register_reading
from codegod_git.recording import register_recording
from codegod_git.sites import Sites
from codegod_git.worktrees import register_worktrees
from codegod_kit import ServerSettings, tool_server

_INSTRUCTIONS = (
    "Git without surprises: nothing that a repository or its files name is ever run. Begin with `git_status`; "
    "`git_commit` records the whole workspace. Long answers come in pages: pass `next_cursor` on as `cursor`."
)
_FOR_BUILDS = (
    " Several trees share one repository: `worktree_create` makes one, `merge_propose` and `merge_land` bring a "
    "commit onto the main branch."
)


def build_server(settings: ServerSettings, *, allow_deliver: str = "") -> MCPServer[Any]:
    """Serve the repository at the root (standalone), or the repositories of the builds below it (with grants).

    `allow_deliver` is the folder that `repo_deliver` may make where no grant names one. The tools for trees, for the
    merge queue and for a repository to start from exist for builds only: a single folder has no second tree.
    """
    sites = Sites(settings)
    builds = settings.verifier is not None
    server = tool_server("git", settings, instructions=_INSTRUCTIONS + (_FOR_BUILDS if builds else ""))
    register_reading(server, sites)
    register_recording(server, sites)
    if builds:
        register_worktrees(server, sites)
        register_merging(server, sites)
        register_importing(server, sites)
        register_branches(server, sites)
    register_delivery(server, sites, allow_deliver)
    return server


def create(settings: ServerSettings) -> MCPServer[Any]:
    """The entry point by which the mesh finds this server."""
    return build_server(settings)
