"""Where a server of the mesh is, and how it is reached."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcp.server import MCPServer, Server


@dataclass(frozen=True, slots=True)
class Builtin:
    """One of our servers, found by its entry point: a part of this process, or a child of it."""

    process: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """A program that speaks MCP on its standard streams."""

    command: str
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Url:
    """A server that speaks streamable HTTP."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server under the name by which allocations, grants and models know it."""

    name: str
    target: Builtin | Command | Url | MCPServer[Any] | Server[Any]
    ours: bool = False
    """Whether a command, an address or an object is one of our servers; a `Builtin` always is."""
    allocate: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Task type -> patterns on the names of its tools; the task type `*` is every one."""

    @property
    def gets_grants(self) -> bool:
        """Somebody else's server never does."""
        return self.ours or isinstance(self.target, Builtin)

    def allocated(self, task_type: str) -> tuple[str, ...]:
        """What a task of this type gets from here, as patterns on "server.tool"."""
        patterns = (*self.allocate.get("*", ()), *self.allocate.get(task_type, ()))
        return tuple(f"{self.name}.{pattern}" for pattern in patterns)
