"""Whether the service can do its work."""

import sqlite3

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response


async def health(request: Request) -> Response:
    """GET /health: 200 while the database can be read, else 503."""
    try:
        await run_in_threadpool(request.app.state.store.ping)
    except sqlite3.Error:
        return JSONResponse({"status": "unavailable"}, status_code=503)
    return JSONResponse({"status": "ok"})
