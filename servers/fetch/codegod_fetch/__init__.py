"""The fetch server. `build_server` loads on first use: the process that reads documents must not wait for it."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from codegod_fetch.server import build_server

__all__ = ["build_server"]


def __getattr__(name: str) -> Any:
    if name == "build_server":
        from codegod_fetch.server import build_server

        return build_server
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
