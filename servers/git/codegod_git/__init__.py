"""The git server of Code-God."""

from codegod_git.server import build_server

__all__ = ["build_server"]
