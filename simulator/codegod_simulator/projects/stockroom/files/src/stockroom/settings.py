"""Settings, read once from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MIGRATIONS = Path(__file__).parents[2] / "migrations"


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the stock is kept, and where the API listens."""

    database: Path = Path("stockroom.db")
    migrations: Path = MIGRATIONS
    host: str = "127.0.0.1"
    port: int = 8000

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """The settings that STOCKROOM_DATABASE, _MIGRATIONS, _HOST and _PORT say; raises ValueError."""
        default = cls()
        port = environment.get("STOCKROOM_PORT", str(default.port))
        if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise ValueError(
                f"STOCKROOM_PORT={port!r} is no port: use a number from 1 to 65535"
            )
        return cls(
            database=Path(environment.get("STOCKROOM_DATABASE", default.database)),
            migrations=Path(
                environment.get("STOCKROOM_MIGRATIONS", default.migrations)
            ),
            host=environment.get("STOCKROOM_HOST", default.host),
            port=int(port),
        )
