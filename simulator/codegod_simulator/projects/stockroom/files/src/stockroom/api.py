"""What each route of the REST API does."""

from __future__ import annotations

import json

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from stockroom.articles import Article, Movement, parse_article, parse_change
from stockroom.errors import BadInput
from stockroom.ledger import Ledger
from stockroom.report import as_csv, low_stock


async def list_articles(request: Request) -> Response:
    """All articles by sku, as {"articles": [...]}."""
    articles = await run_in_threadpool(_ledger(request).articles)
    return JSONResponse({"articles": [_shown(article) for article in articles]})


async def add_article(request: Request) -> Response:
    """Take up an article: 201 with it and its Location."""
    article = parse_article(await _body(request))
    added = await run_in_threadpool(_ledger(request).add, article)
    headers = {"Location": f"/articles/{added.sku}"}
    return JSONResponse(_shown(added), 201, headers)


async def read_article(request: Request) -> Response:
    """One article with its quantity."""
    sku = request.path_params["sku"]
    return JSONResponse(_shown(await run_in_threadpool(_ledger(request).article, sku)))


async def move(request: Request) -> Response:
    """Let pieces come in or go out: 201 with the article as it is then."""
    change, reason = parse_change(await _body(request))
    sku = request.path_params["sku"]
    moved = await run_in_threadpool(_ledger(request).move, sku, change, reason)
    return JSONResponse(_shown(moved), 201)


async def list_movements(request: Request) -> Response:
    """The movements of an article, newest first, as {"movements": [...]}."""
    sku = request.path_params["sku"]
    movements = await run_in_threadpool(_ledger(request).movements, sku)
    return JSONResponse({"movements": [_told(movement) for movement in movements]})


async def report(request: Request) -> Response:
    """What runs low: {"low": [...]}, or CSV with ?format=csv."""
    articles = await run_in_threadpool(_ledger(request).articles)
    if request.query_params.get("format") == "csv":
        return PlainTextResponse(as_csv(articles), media_type="text/csv")
    low = [
        {**_shown(article), "lacking": article.lacking}
        for article in low_stock(articles)
    ]
    return JSONResponse({"low": low})


def _ledger(request: Request) -> Ledger:
    ledger: Ledger = request.app.state.ledger
    return ledger


async def _body(request: Request) -> object:
    try:
        return json.loads(await request.body())
    except ValueError as error:
        raise BadInput({"body": "this is no JSON"}) from error


def _shown(article: Article) -> dict[str, str | int]:
    return {
        "sku": article.sku,
        "name": article.name,
        "minimum": article.minimum,
        "quantity": article.quantity,
    }


def _told(movement: Movement) -> dict[str, str | int]:
    return {
        "change": movement.change,
        "reason": movement.reason,
        "at": movement.at.isoformat(),
    }
