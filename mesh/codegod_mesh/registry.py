"""Our own servers, found by their entry points, so that no client imports one."""

from collections.abc import Callable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from mcp.server import MCPServer

from codegod_kit import ServerSettings

GROUP = "codegod.servers"


def builtin_names() -> tuple[str, ...]:
    """The names of the servers that are installed with us."""
    return tuple(sorted(installed()))


def builtin_factory(name: str) -> Callable[[ServerSettings], MCPServer[Any]]:
    """What makes the server `name`; importing it takes a moment, so ask from a thread."""
    factory: Callable[[ServerSettings], MCPServer[Any]] = installed()[name].load()
    return factory


def builtin_module(name: str) -> str:
    """The package that `python -m` starts the server `name` from."""
    return installed()[name].module.partition(".")[0]


@cache
def installed() -> dict[str, EntryPoint]:
    """The entry points of all our servers, looked for once."""
    return {point.name: point for point in entry_points(group=GROUP)}
