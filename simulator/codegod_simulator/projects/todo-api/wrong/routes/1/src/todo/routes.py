"""The routes under /todos: HTTP in, HTTP out, and nothing about SQL."""

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from todo.models import TodoChanges, TodoDraft
from todo.storage import TodoStore

DEFAULT_LIMIT = 20
LARGEST_LIMIT = 100


async def create_todo(request: Request) -> Response:
    """POST /todos: 201 with the new todo and its Location."""
    draft = TodoDraft.parse(await _json(request))
    todo = await run_in_threadpool(_store(request).add, draft)
    location = {"Location": f"/todos/{todo.id}"}
    return JSONResponse(todo.to_json(), status_code=201, headers=location)


async def list_todos(request: Request) -> Response:
    """GET /todos: one page; `next` is the `after` of the page that follows, or null."""
    done = _flag(request, "done")
    limit = _number(request, "limit", DEFAULT_LIMIT, smallest=1, largest=LARGEST_LIMIT)
    after = _number(request, "after", 0, smallest=0)
    page = _store(request).page
    # One more than asked for tells whether another page follows.
    todos = await run_in_threadpool(page, done=done, limit=limit + 1, after=after)
    shown = todos[:limit]
    following = shown[-1].id if len(todos) > limit else None
    return JSONResponse(
        {"items": [todo.to_json() for todo in shown], "next": following}
    )


async def read_todo(request: Request) -> Response:
    """GET /todos/{todo_id}: the todo."""
    todo = await run_in_threadpool(_store(request).get, _todo_id(request))
    return JSONResponse(todo.to_json())


async def change_todo(request: Request) -> Response:
    """PATCH /todos/{todo_id}: the todo as it is after the change."""
    changes = TodoChanges.parse(await _json(request))
    change = _store(request).change
    todo = await run_in_threadpool(change, _todo_id(request), changes)
    return JSONResponse(todo.to_json())


async def delete_todo(request: Request) -> Response:
    """DELETE /todos/{todo_id}: 204, and the todo is gone."""
    await run_in_threadpool(_store(request).remove, _todo_id(request))
    return Response(status_code=204)


def _store(request: Request) -> TodoStore:
    return request.app.state.store


def _todo_id(request: Request) -> int:
    return request.path_params["todo_id"]


async def _json(request: Request) -> object:
    try:
        return await request.json()
    except ValueError as error:
        raise HTTPException(400, "The body is not JSON.") from error


def _flag(request: Request, name: str) -> bool | None:
    value = request.query_params.get(name)
    if value is None:
        return None
    return bool(value)


def _number(
    request: Request,
    name: str,
    default: int,
    *,
    smallest: int,
    largest: int = 2**63 - 1,
) -> int:
    value = request.query_params.get(name, str(default))
    if (
        not value.isascii()
        or not value.isdigit()
        or not smallest <= int(value) <= largest
    ):
        raise HTTPException(
            400, f"{name}={value!r} is not a number from {smallest} to {largest}."
        )
    return int(value)
