"""The sandbox server."""

from codegod_sandbox.server import build_server

__all__ = ["build_server"]
