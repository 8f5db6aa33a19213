"""Errors as problem documents."""

import asyncio
import json
import logging

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from todo.errors import FieldError, InvalidTodo, TodoNotFound
from todo.problems import as_problem


def respond(error: Exception) -> Response:
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/todos",
        "query_string": b"",
        "headers": [],
        "server": ("testserver", 80),
        "scheme": "http",
    }
    return asyncio.run(as_problem(Request(scope), error))


def document(response: Response) -> dict[str, object]:
    return json.loads(bytes(response.body))


def test_an_invalid_todo_names_its_fields() -> None:
    errors = (FieldError("title", "must not be empty"), FieldError("due", "wrong"))
    response = respond(InvalidTodo(errors))
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert document(response)["errors"] == [
        {"field": "title", "message": "must not be empty"},
        {"field": "due", "message": "wrong"},
    ]


def test_a_missing_todo_is_named() -> None:
    assert document(respond(TodoNotFound(7))) == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "There is no todo 7.",
    }


def test_an_http_error_keeps_status_and_headers() -> None:
    response = respond(HTTPException(405, "No.", headers={"Allow": "GET"}))
    assert (response.status_code, response.headers["allow"]) == (405, "GET")
    assert document(response)["title"] == "Method Not Allowed"


def test_an_unexpected_error_is_logged_and_not_revealed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR):
        response = respond(RuntimeError("password=hunter2"))
    assert response.status_code == 500
    assert b"hunter2" not in bytes(response.body)
    assert "GET /todos failed" in caplog.text
    assert "hunter2" in caplog.text
