"""The application: which request goes to which function."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.routing import Route

from todo import routes
from todo.errors import InvalidTodo, TodoNotFound
from todo.health import health
from todo.overdue_route import list_overdue
from todo.problems import as_problem
from todo.settings import Settings
from todo.storage import TodoStore


def create_app(settings: Settings) -> Starlette:
    """The application for `settings`; its database is opened when it starts."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None, None]:
        app.state.store = await run_in_threadpool(
            TodoStore.open, settings.database, settings.migrations
        )
        yield

    return Starlette(
        routes=[
            Route("/todos", routes.list_todos, methods=["GET"]),
            Route("/todos", routes.create_todo, methods=["POST"]),
            Route("/todos/{todo_id:int}", routes.read_todo, methods=["GET"]),
            Route("/todos/{todo_id:int}", routes.change_todo, methods=["PATCH"]),
            Route("/todos/{todo_id:int}", routes.delete_todo, methods=["DELETE"]),
            Route("/overdue", list_overdue, methods=["GET"]),
            Route("/health", health, methods=["GET"]),
        ],
        exception_handlers={
            InvalidTodo: as_problem,
            TodoNotFound: as_problem,
            HTTPException: as_problem,
            Exception: as_problem,
        },
        lifespan=lifespan,
    )
