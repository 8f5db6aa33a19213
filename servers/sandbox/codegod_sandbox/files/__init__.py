"""The file tools of the sandbox server."""

from typing import Any

from mcp.server import MCPServer

from codegod_sandbox.files.editing import register_editing
from codegod_sandbox.files.listing import register_listing
from codegod_sandbox.files.locating import register_locating
from codegod_sandbox.files.places import Tree, Trees
from codegod_sandbox.files.placing import register_placing
from codegod_sandbox.files.reading import register_reading
from codegod_sandbox.files.searching import register_searching
from codegod_sandbox.files.writing import register_writing

__all__ = ["Tree", "Trees", "register_files"]


def register_files(server: MCPServer[Any], trees: Trees) -> None:
    """Add every file tool to `server`."""
    register_reading(server, trees)
    register_writing(server, trees)
    register_editing(server, trees)
    register_placing(server, trees)
    register_listing(server, trees)
    register_locating(server, trees)
    register_searching(server, trees)
