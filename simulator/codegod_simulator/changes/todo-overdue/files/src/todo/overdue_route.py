"""The route that lists what is overdue."""

from datetime import UTC, date, datetime

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from todo.models import Todo
from todo.overdue import overdue_on
from todo.storage import TodoStore

PAGE = 100


async def list_overdue(request: Request) -> Response:
    """GET /overdue: the todos that were due before the day `on`, today by default."""
    day = _day(request.query_params.get("on"))
    todos = await run_in_threadpool(_open_todos, request.app.state.store)
    items = [todo.to_json() for todo in overdue_on(todos, day)]
    return JSONResponse({"items": items})


def _open_todos(store: TodoStore) -> list[Todo]:
    """All todos that are not done, page after page."""
    todos: list[Todo] = []
    while page := store.page(done=False, limit=PAGE, after=todos[-1].id if todos else 0):
        todos += page
    return todos


def _day(text: str | None) -> date:
    if text is None:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise HTTPException(400, f"on={text!r} is no date such as 2026-02-01.") from error
