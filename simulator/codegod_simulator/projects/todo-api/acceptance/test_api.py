"""What was asked for, seen from outside: the application over HTTP, and nothing of its inside."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from todo.app import create_app
from todo.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(database=tmp_path / "todo.db")


@pytest.fixture
def api(settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings)) as client:
        yield client


def test_create_and_read(api: TestClient) -> None:
    created = api.post("/todos", json={"title": "Buy milk"})
    assert created.status_code == 201
    assert api.get(created.headers["location"]).json() == created.json()


def test_list_by_page_and_state(api: TestClient) -> None:
    for number in range(4):
        api.post("/todos", json={"title": f"todo {number}"})
    api.patch("/todos/4", json={"done": True})
    page = api.get("/todos?limit=3").json()
    assert len(page["items"]) == 3
    assert len(api.get(f"/todos?after={page['next']}").json()["items"]) == 1
    assert [todo["id"] for todo in api.get("/todos?done=true").json()["items"]] == [4]


def test_change_in_part(api: TestClient) -> None:
    api.post("/todos", json={"title": "Buy milk", "notes": "two litres"})
    changed = api.patch("/todos/1", json={"title": "Buy bread"}).json()
    assert (changed["title"], changed["notes"]) == ("Buy bread", "two litres")


def test_delete(api: TestClient) -> None:
    api.post("/todos", json={"title": "Buy milk"})
    assert api.delete("/todos/1").status_code == 204
    assert api.get("/todos/1").status_code == 404


def test_invalid_input_is_refused_field_by_field(api: TestClient) -> None:
    response = api.post("/todos", json={"title": "", "due": "soon"})
    assert response.status_code == 422
    assert {error["field"] for error in response.json()["errors"]} == {"title", "due"}


def test_unknown_things_are_problems(api: TestClient) -> None:
    for path in ("/todos/1", "/nothing"):
        response = api.get(path)
        assert response.status_code == 404
        assert response.headers["content-type"] == "application/problem+json"


def test_todos_survive_a_restart(settings: Settings) -> None:
    with TestClient(create_app(settings)) as api:
        api.post("/todos", json={"title": "Stay"})
    with TestClient(create_app(settings)) as api:
        assert api.get("/todos/1").json()["title"] == "Stay"


def test_health(api: TestClient) -> None:
    assert api.get("/health").status_code == 200
