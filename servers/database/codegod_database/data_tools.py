"""The tools for data: list, schema, query, execute, explain."""

import time
from typing import Annotated, Any

from mcp.server import MCPServer
from mcp_types import ToolAnnotations
from pydantic import Field

from codegod_database.calls import Calls
from codegod_database.cursors import cursor_at, rows_before
from codegod_database.engine import Budget
from codegod_database.places import DEFAULT_NAME, Places
from codegod_database.records import Changes, Database, DatabaseList, QueryPlan, Rows, Schema
from codegod_database.schema import tables_of
from codegod_database.statements import execute, explain, query, statement
from codegod_kit import page_list

_READS = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
_WRITES = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=False
)
# Whoever asks a scratch database something that takes longer has made a mistake.
_SECONDS = 10.0
_ROWS = 1_000
_TABLES_A_PAGE = 40

Name = Annotated[str, Field(max_length=100, description="The database, e.g. `scratch`")]
_Sql = Annotated[str, Field(max_length=100_000, description="One statement, with `?` for every value")]
_Parameters = Annotated[
    list[Any], Field(max_length=1_000, description='A value for each `?`, e.g. ["open", 3]')
]
_Cursor = Annotated[str, Field(max_length=100, description="`next_cursor` of the page before")]


def register_data(server: MCPServer[Any], places: Places, calls: Calls) -> None:
    """Add `db_list`, `db_schema`, `db_query`, `db_execute` and `db_explain`."""

    @server.tool(annotations=_READS)
    async def db_list() -> DatabaseList:
        """List the databases of this task with their sizes. It takes no arguments."""

        def work(_: Budget) -> DatabaseList:
            return DatabaseList(databases=[Database(name=name, bytes=size) for name, size in places.all()])

        return await calls.run(_SECONDS, work)

    @server.tool(annotations=_READS)
    async def db_schema(
        database: Name = DEFAULT_NAME,
        table: Annotated[
            str, Field(max_length=200, description="Only this table or view; empty for all")
        ] = "",
        cursor: _Cursor = "",
    ) -> Schema:
        """Show tables and views: columns, indexes, foreign keys, triggers and their SQL. Example: table="todos"."""

        def work(budget: Budget) -> Schema:
            tables = tables_of(places.existing(database), table, budget)
            page = page_list(tables, cursor, of=f"{database} {table}", limit=_TABLES_A_PAGE)
            return Schema(database=database, tables=list(page.items), next_cursor=page.next_cursor)

        return await calls.run(_SECONDS, work)

    @server.tool(annotations=_READS)
    async def db_query(
        sql: _Sql,
        parameters: _Parameters = [],  # noqa: B006 - pydantic copies it
        database: Name = DEFAULT_NAME,
        limit: Annotated[int, Field(ge=1, le=_ROWS, description="Rows a page")] = 100,
        cursor: _Cursor = "",
    ) -> Rows:
        """Read rows with one SELECT; the engine refuses everything that writes. ORDER BY makes pages reliable.

        Example: sql="SELECT id, title FROM todos WHERE done = ? ORDER BY id", parameters=[false].
        """

        def work(budget: Budget) -> Rows:
            started = time.monotonic()
            wanted = statement(sql, parameters)
            of = f"{database} {sql} {parameters!r}"
            skip = rows_before(cursor, of)
            page = query(places.existing(database), wanted, skip, limit, budget)
            return Rows(
                columns=page.columns,
                rows=page.rows,
                next_cursor=cursor_at(skip + len(page.rows), of) if page.more else "",
                seconds=round(time.monotonic() - started, 4),
            )

        return await calls.run(_SECONDS, work)

    @server.tool(annotations=_WRITES)
    async def db_execute(
        sql: _Sql,
        parameters: _Parameters = [],  # noqa: B006 - pydantic copies it
        database: Name = DEFAULT_NAME,
        destructive: Annotated[bool, Field(description="Allow DROP, which cannot be taken back")] = False,
    ) -> Changes:
        """Run one statement that changes data or tables, all of it or nothing. A database that is new is made.

        Example: sql="INSERT INTO todos (title) VALUES (?) RETURNING id", parameters=["Buy milk"].
        """

        def work(budget: Budget) -> Changes:
            started = time.monotonic()
            wanted = statement(sql, parameters)
            file, known = places.writable(database)
            outcome = execute(file, "rw" if known else "rwc", wanted, destructive=destructive, budget=budget)
            return Changes(
                database=database,
                created=not known,
                changes=outcome.changes,
                last_row_id=outcome.last_row_id,
                columns=outcome.page.columns,
                rows=outcome.page.rows,
                seconds=round(time.monotonic() - started, 4),
            )

        return await calls.run(_SECONDS, work)

    @server.tool(annotations=_READS)
    async def db_explain(
        sql: _Sql,
        parameters: _Parameters = [],  # noqa: B006 - pydantic copies it
        database: Name = DEFAULT_NAME,
    ) -> QueryPlan:
        """Show how SQLite would run a statement, and which tables it would scan; the statement is not run.

        Example: sql="SELECT * FROM todos WHERE title = ?", parameters=["x"].
        """

        def work(budget: Budget) -> QueryPlan:
            return explain(places.existing(database), statement(sql, parameters), budget)

        return await calls.run(_SECONDS, work)
