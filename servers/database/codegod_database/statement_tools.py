"""The tools that run one statement: query and execute."""

import time
from typing import Annotated, Any

from mcp.server import MCPServer
from pydantic import Field

from codegod_database.arguments import READS, STATEMENT_SECONDS, WRITES, Cursor, Name, Parameters, SqlText
from codegod_database.calls import Calls
from codegod_database.cursors import cursor_at, rows_before
from codegod_database.engine import Budget
from codegod_database.places import DEFAULT_NAME, Places
from codegod_database.records import Changes, Rows
from codegod_database.statements import execute, query, statement

_ROWS = 1_000


def register_statements(server: MCPServer[Any], places: Places, calls: Calls) -> None:
    """Add `db_query` and `db_execute`."""

    @server.tool(annotations=READS)
    async def db_query(
        sql: SqlText,
        parameters: Parameters = [],  # noqa: B006 - pydantic copies it
        database: Name = DEFAULT_NAME,
        limit: Annotated[int, Field(ge=1, le=_ROWS, description="Rows a page")] = 100,
        cursor: Cursor = "",
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

        return await calls.run(STATEMENT_SECONDS, work)

    @server.tool(annotations=WRITES)
    async def db_execute(
        sql: SqlText,
        parameters: Parameters = [],  # noqa: B006 - pydantic copies it
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

        return await calls.run(STATEMENT_SECONDS, work)
