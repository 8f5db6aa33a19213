"""Errors as problem documents (RFC 9457)."""

import logging
from collections.abc import Mapping
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from todo.errors import InvalidTodo, TodoNotFound

PROBLEM_JSON = "application/problem+json"

_log = logging.getLogger(__name__)


async def as_problem(request: Request, error: Exception) -> Response:
    """The problem document that tells the caller about `error`."""
    match error:
        case InvalidTodo():
            errors = [{"field": e.field, "message": e.message} for e in error.errors]
            return _problem(422, "The todo is not valid.", errors=errors)
        case TodoNotFound():
            return _problem(404, str(error))
        case HTTPException():
            return _problem(error.status_code, error.detail, headers=error.headers)
        case _:
            _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
            return _problem(500, "Something went wrong here; it has been logged.")


def _problem(
    status: int,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    **members: object,
) -> Response:
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **members,
    }
    return JSONResponse(
        document, status_code=status, headers=headers, media_type=PROBLEM_JSON
    )
