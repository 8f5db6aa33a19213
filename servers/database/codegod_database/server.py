"""The database server: SQLite for a task's data and for trying its migrations, with read-only enforced by the engine."""

import time
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import anyio
from anyio import to_thread
from mcp.server import MCPServer
from mcp_types import ToolAnnotations
from pydantic import Field

from codegod_database.checking import check
from codegod_database.cursors import cursor_at, rows_before
from codegod_database.engine import Budget
from codegod_database.migrating import migrate, migrating, Way
from codegod_database.migrations import Migration, read_migrations
from codegod_database.places import DEFAULT_NAME, Places
from codegod_database.records import (
    Changes,
    Database,
    DatabaseList,
    Direction,
    MigrationReport,
    QueryPlan,
    Rows,
    Schema,
)
from codegod_database.schema import tables_of
from codegod_database.statements import execute, explain, query, statement
from codegod_database.tracking import applied
from codegod_kit import ServerSettings, Workspaces, page_list, seconds_left, tool_server

_INSTRUCTIONS = (
    "SQLite databases of one task. `db_schema` shows the tables, `db_query` reads, `db_execute` writes, `db_migrate` "
    "runs the migrations of a workspace. Values go into `parameters`, never into the SQL."
)
_READS = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
_WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=False)
# Whoever asks a scratch database something that takes longer has made a mistake.
_STATEMENT_SECONDS = 10.0
# Several files, each with several statements, two or three times over.
_MIGRATION_SECONDS = 60.0
# Calls that compute at once; what is beyond waits, and the server's other threads stay free.
_AT_ONCE = 8
_ROWS = 1_000
_TABLES_A_PAGE = 40

_Result = TypeVar("_Result")
_Name = Annotated[str, Field(max_length=100, description="The database, e.g. `scratch`")]
_Sql = Annotated[str, Field(max_length=100_000, description="One statement, with `?` for every value")]
_Parameters = Annotated[list[Any], Field(max_length=1_000, description='A value for each `?`, e.g. ["open", 3]')]
_Cursor = Annotated[str, Field(max_length=100, description="`next_cursor` of the page before")]


def build_server(settings: ServerSettings) -> MCPServer[Any]:
    """Serve the databases below `settings.root`: to a build's caller those of its tree, standalone those of the root."""
