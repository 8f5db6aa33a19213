"""SQLite databases and their migrations as an MCP server."""

from codegod_database.server import build_server, create

__all__ = ["build_server", "create"]
