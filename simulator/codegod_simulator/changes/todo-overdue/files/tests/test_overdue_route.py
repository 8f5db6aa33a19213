"""GET /overdue."""

from starlette.testclient import TestClient


def add(client: TestClient, title: str, due: str | None) -> int:
    answer = client.post("/todos", json={"title": title, "due": due})
    number: int = answer.json()["id"]
    return number


def test_what_is_overdue_is_listed_over_all_pages(client: TestClient) -> None:
    with client:
        for number in range(120):
            add(client, f"todo {number}", None)
        late = add(client, "late", "2026-01-31")
        done = add(client, "done", "2026-01-30")
        client.patch(f"/todos/{done}", json={"done": True})
        answer = client.get("/overdue?on=2026-02-01")
        assert answer.status_code == 200
        assert [todo["id"] for todo in answer.json()["items"]] == [late]


def test_the_day_is_today_by_default(client: TestClient) -> None:
    with client:
        add(client, "long ago", "2001-01-01")
        add(client, "far away", "2999-01-01")
        items = client.get("/overdue").json()["items"]
        assert [todo["title"] for todo in items] == ["long ago"]


def test_a_wrong_day_is_a_problem(client: TestClient) -> None:
    with client:
        answer = client.get("/overdue?on=soon")
        assert answer.status_code == 400
        assert "soon" in answer.json()["detail"]
