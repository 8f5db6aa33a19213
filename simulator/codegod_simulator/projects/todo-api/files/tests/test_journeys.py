"""Whole journeys through the API, as its users make them."""

from starlette.testclient import TestClient

from todo.app import create_app
from todo.settings import Settings


def test_the_life_of_a_todo(client: TestClient) -> None:
    with client:
        url = client.post("/todos", json={"title": "Write report"}).headers["location"]
        client.patch(url, json={"notes": "two pages", "due": "2026-12-24"})
        client.patch(url, json={"done": True})
        todo = client.get(url).json()
        assert (todo["title"], todo["notes"]) == ("Write report", "two pages")
        assert (todo["due"], todo["done"]) == ("2026-12-24", True)
        assert client.delete(url).status_code == 204
        assert client.get("/todos").json() == {"items": [], "next": None}


def test_paging_visits_every_todo_once(client: TestClient) -> None:
    with client:
        for number in range(7):
            client.post("/todos", json={"title": f"todo {number}"})
        seen: list[str] = []
        after = 0
        while True:
            page = client.get("/todos", params={"limit": 3, "after": after}).json()
            seen += [todo["title"] for todo in page["items"]]
            if page["next"] is None:
                break
            after = page["next"]
        assert seen == [f"todo {number}" for number in range(7)]


def test_todos_survive_a_restart(settings: Settings) -> None:
    with TestClient(create_app(settings)) as before:
        created = before.post("/todos", json={"title": "Stay"}).json()
    with TestClient(create_app(settings)) as after:
        assert after.get("/todos").json()["items"] == [created]
        assert after.get("/health").json() == {"status": "ok"}


def test_mistakes_are_told_and_change_nothing(client: TestClient) -> None:
    with client:
        client.post("/todos", json={"title": "Keep me"})
        refused = client.patch("/todos/1", json={"title": "", "color": "red"})
        assert refused.status_code == 422
        assert [error["field"] for error in refused.json()["errors"]] == [
            "color",
            "title",
        ]
        assert client.put("/todos/1").status_code == 405
        assert client.get("/nowhere").json()["status"] == 404
        assert client.get("/todos/1").json()["title"] == "Keep me"
