"""The thinking server."""

from codegod_thinking.server import build_server

__all__ = ["build_server"]
