"""The tools that look: list, schema, explain."""

from typing import Annotated, Any

from mcp.server import MCPServer
from pydantic import Field

from codegod_database.arguments import READS, STATEMENT_SECONDS, Cursor, Name, Parameters, SqlText
from codegod_database.calls import Calls
from codegod_database.engine import Budget
from codegod_database.places import DEFAULT_NAME, Places
from codegod_database.records import Database, DatabaseList, QueryPlan, Schema
from codegod_database.schema import tables_of
from codegod_database.statements import explain, statement
from codegod_kit import page_list

_TABLES_A_PAGE = 40


def register_looking(server: MCPServer[Any], places: Places, calls: Calls) -> None:
    """Add `db_list`, `db_schema` and `db_explain`."""

    @server.tool(annotations=READS)
    async def db_list() -> DatabaseList:
        """List the databases of this task with their sizes. It takes no arguments."""

        def work(_: Budget) -> DatabaseList:
            return DatabaseList(databases=[Database(name=name, bytes=size) for name, size in places.all()])

        return await calls.run(STATEMENT_SECONDS, work)

    @server.tool(annotations=READS)
    async def db_schema(
        database: Name = DEFAULT_NAME,
        table: Annotated[
            str, Field(max_length=200, description="Only this table or view; empty for all")
        ] = "",
        cursor: Cursor = "",
    ) -> Schema:
        """Show tables and views: columns, indexes, foreign keys, triggers and their SQL. Example: table="todos"."""

        def work(budget: Budget) -> Schema:
            tables = tables_of(places.existing(database), table, budget)
            page = page_list(tables, cursor, of=f"{database} {table}", limit=_TABLES_A_PAGE)
            return Schema(database=database, tables=list(page.items), next_cursor=page.next_cursor)

        return await calls.run(STATEMENT_SECONDS, work)

    @server.tool(annotations=READS)
    async def db_explain(
        sql: SqlText,
        parameters: Parameters = [],  # noqa: B006 - pydantic copies it
        database: Name = DEFAULT_NAME,
    ) -> QueryPlan:
        """Show how SQLite would run a statement, and which tables it would scan; the statement is not run.

        Example: sql="SELECT * FROM todos WHERE title = ?", parameters=["x"].
        """

        def work(budget: Budget) -> QueryPlan:
            return explain(places.existing(database), statement(sql, parameters), budget)

        return await calls.run(STATEMENT_SECONDS, work)
