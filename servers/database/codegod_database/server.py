"""The database server: SQLite for a task's data and its migrations; what only reads is held to that by the engine."""

from typing import Any

from mcp.server import MCPServer

from codegod_database.calls import Calls
from codegod_database.look_tools import register_looking
from codegod_database.migrate_tool import register_migrate
from codegod_database.places import Places
from codegod_database.statement_tools import register_statements
from codegod_kit import ServerSettings, Workspaces, tool_server

_INSTRUCTIONS = (
    "SQLite databases of one task. `db_schema` shows the tables, `db_query` reads, `db_execute` writes, `db_migrate` "
    "runs the migrations of a workspace. Values go into `parameters`, never into the SQL."
)


def build_server(settings: ServerSettings) -> MCPServer[Any]:
    """Serve databases below `settings.root`: to a build's caller its tree's own, standalone those in the root."""
    server = tool_server("database", settings, instructions=_INSTRUCTIONS)
    places, calls = Places(settings), Calls()
    register_looking(server, places, calls)
    register_statements(server, places, calls)
    register_migrate(server, places, Workspaces(settings), calls)
    return server


create = build_server
