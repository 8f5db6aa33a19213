"""Memory as an MCP server."""

from codegod_memory.server import build_server, create

__all__ = ["build_server", "create"]
