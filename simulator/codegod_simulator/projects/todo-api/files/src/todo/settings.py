"""Where the service keeps its data and listens, read from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# Beside `src` in a checkout; an image sets TODO_MIGRATIONS.
MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one process."""

    database: Path = Path("todo.db")
    migrations: Path = MIGRATIONS
    host: str = "127.0.0.1"
    port: int = 8000

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """The settings that `environment` makes; raises ValueError."""
        port = environment.get("TODO_PORT", "8000")
        if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
            raise ValueError(f"TODO_PORT={port!r} is not a port from 1 to 65535")
        return cls(
            database=Path(environment.get("TODO_DATABASE", "todo.db")),
            migrations=Path(environment.get("TODO_MIGRATIONS", MIGRATIONS)),
            host=environment.get("TODO_HOST", "127.0.0.1"),
            port=int(port),
        )
