"""The routes under /todos."""

import pytest
from starlette.testclient import TestClient


def test_a_todo_is_created_with_its_location(client: TestClient) -> None:
    with client:
        response = client.post(
            "/todos", json={"title": "Buy milk", "due": "2026-01-05"}
        )
        assert response.status_code == 201
        todo = response.json()
        assert response.headers["location"] == f"/todos/{todo['id']}"
        assert (todo["title"], todo["due"], todo["done"]) == (
            "Buy milk",
            "2026-01-05",
            False,
        )
        assert client.get(response.headers["location"]).json() == todo


def test_a_todo_is_changed_in_part(client: TestClient) -> None:
    with client:
        created = client.post("/todos", json={"title": "x", "notes": "y"}).json()
        response = client.patch("/todos/1", json={"done": True})
        assert response.status_code == 200
        changed = {**created, "done": True, "updated_at": response.json()["updated_at"]}
        assert response.json() == changed
        assert client.get("/todos/1").json() == changed


def test_a_todo_is_deleted(client: TestClient) -> None:
    with client:
        client.post("/todos", json={"title": "x"})
        response = client.delete("/todos/1")
        assert (response.status_code, response.content) == (204, b"")
        assert client.get("/todos/1").status_code == 404


def test_a_list_is_cut_into_pages(client: TestClient) -> None:
    with client:
        for number in range(5):
            client.post("/todos", json={"title": f"todo {number}"})
        first = client.get("/todos?limit=3").json()
        assert ([todo["id"] for todo in first["items"]], first["next"]) == (
            [1, 2, 3],
            3,
        )
        last = client.get(f"/todos?limit=3&after={first['next']}").json()
        assert ([todo["id"] for todo in last["items"]], last["next"]) == ([4, 5], None)
        whole = client.get("/todos?limit=5").json()
        assert (len(whole["items"]), whole["next"]) == (5, None)


@pytest.mark.parametrize(
    ("query", "ids"), [("done=true", [2]), ("done=false", [1, 3]), ("", [1, 2, 3])]
)
def test_a_list_can_be_limited_to_a_state(
    client: TestClient, query: str, ids: list[int]
) -> None:
    with client:
        for _ in range(3):
            client.post("/todos", json={"title": "x"})
        client.patch("/todos/2", json={"done": True})
        found = client.get(f"/todos?{query}").json()["items"]
        assert [todo["id"] for todo in found] == ids


@pytest.mark.parametrize(
    "query", ["done=maybe", "done=", "limit=0", "limit=101", "limit=x", "after=-1"]
)
def test_a_wrong_query_is_a_problem(client: TestClient, query: str) -> None:
    with client:
        response = client.get(f"/todos?{query}")
        assert response.status_code == 400
        assert query.partition("=")[0] in response.json()["detail"]


@pytest.mark.parametrize(
    ("body", "status"), [(b"{oops", 400), (b"\xff", 400), (b"[]", 422), (b"{}", 422)]
)
def test_a_wrong_body_is_a_problem(
    client: TestClient, body: bytes, status: int
) -> None:
    with client:
        response = client.post("/todos", content=body)
        assert response.status_code == status
        assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("todo_id", [1, 10**30])
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_an_unknown_todo_is_a_problem(
    client: TestClient, method: str, todo_id: int
) -> None:
    with client:
        body = {"done": True} if method == "PATCH" else None
        response = client.request(method, f"/todos/{todo_id}", json=body)
        assert response.status_code == 404
        assert response.json()["title"] == "Not Found"
