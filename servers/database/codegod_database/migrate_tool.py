"""The tool that runs a workspace's migrations."""

from pathlib import Path
from typing import Annotated, Any

from mcp.server import MCPServer
from pydantic import Field

from codegod_database.arguments import WRITES, Name
from codegod_database.calls import Calls
from codegod_database.checking import check
from codegod_database.engine import Budget, Mode
from codegod_database.faults import UnknownDatabase
from codegod_database.migrating import Way, migrate, migrating
from codegod_database.migrations import read_migrations
from codegod_database.places import DEFAULT_NAME, Places
from codegod_database.records import Direction, MigrationReport
from codegod_database.tracking import applied
from codegod_kit import Workspaces

# Several files, each with several statements, up to three times over.
_SECONDS = 60.0
_STEPS = 10_000
_NOWHERE = Path("new")


def register_migrate(server: MCPServer[Any], places: Places, workspaces: Workspaces, calls: Calls) -> None:
    """Add `db_migrate`."""

    @server.tool(annotations=WRITES)
    async def db_migrate(
        workspace: Annotated[str, Field(description="The tree; empty for this server's own folder")] = "",
        directory: Annotated[
            str, Field(description="Its folder of files like `0001_todos.sql`")
        ] = "migrations",
        database: Name = DEFAULT_NAME,
        direction: Annotated[
            Direction, Field(description="up, down, or check: up, down and up again on a fresh database")
        ] = "up",
        steps: Annotated[
            int, Field(ge=0, le=_STEPS, description="How many; 0 is all the way up, one down")
        ] = 0,
        dry_run: Annotated[bool, Field(description="Try it and take everything back")] = False,
    ) -> MigrationReport:
        """Run a project's migrations, each in a transaction, or check that every one can be taken back.

        A file has the lines `-- migrate:up` and `-- migrate:down`, each followed by SQL. What is wrong is an error that
        names file and line. Example: direction="check".
        """

        def work(budget: Budget) -> MigrationReport:
            migrations = read_migrations(workspaces.path(workspace), directory)
            if direction == "check":
                done, now = check(migrations, budget), []
            else:
                file, mode = _target(places, database, direction, dry_run)
                with migrating(file, mode, budget) as migrator:
                    done = migrate(migrator, migrations, direction, steps, dry_run=dry_run)
                    now = [one.file for one in applied(migrator.connection)]
            return MigrationReport(
                database=database, direction=direction, dry_run=dry_run, steps=done, applied=now
            )

        return await calls.run(_SECONDS, work)


def _target(places: Places, database: str, way: Way, dry_run: bool) -> tuple[Path, Mode]:
    """Which file to migrate. Nobody makes one to go down, or for a try; that happens in memory."""
    if way == "down":
        return places.existing(database), "rw"
    if not dry_run:
        file, known = places.writable(database)
        return file, "rw" if known else "rwc"
    try:
        return places.existing(database), "rw"
    except UnknownDatabase:
        return _NOWHERE, "memory"
