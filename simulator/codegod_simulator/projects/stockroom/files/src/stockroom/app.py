"""The application: which request goes to which function, and which error to which status."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from stockroom import api
from stockroom.errors import (
    ArticleExists,
    BadInput,
    StockroomError,
    TooLittleStock,
    UnknownArticle,
)
from stockroom.ledger import Ledger
from stockroom.settings import Settings

STATUSES: dict[type[StockroomError], int] = {
    UnknownArticle: 404,
    ArticleExists: 409,
    TooLittleStock: 409,
    BadInput: 422,
}


def create_app(settings: Settings) -> Starlette:
    """The application for `settings`; its database is opened when it starts."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None, None]:
        app.state.ledger = await run_in_threadpool(
            Ledger.open, settings.database, settings.migrations
        )
        yield

    return Starlette(
        routes=[
            Route("/articles", api.list_articles, methods=["GET"]),
            Route("/articles", api.add_article, methods=["POST"]),
            Route("/articles/{sku}", api.read_article, methods=["GET"]),
            Route("/articles/{sku}/movements", api.list_movements, methods=["GET"]),
            Route("/articles/{sku}/movements", api.move, methods=["POST"]),
            Route("/report", api.report, methods=["GET"]),
        ],
        exception_handlers={StockroomError: _refused},
        lifespan=lifespan,
    )


async def _refused(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": str(error)}, STATUSES.get(type(error), 400))
