"""The REST API."""

import pytest
from starlette.testclient import TestClient

NUT = {"sku": "NUT-8", "name": "Nut M8", "minimum": 50}


def test_an_article_is_added(api: TestClient) -> None:
    added = api.post("/articles", json=NUT)
    assert added.status_code == 201
    assert added.headers["location"] == "/articles/NUT-8"
    assert added.json() == {**NUT, "quantity": 0}
    assert api.get("/articles/NUT-8").json() == added.json()


def test_articles_are_listed_by_sku(api: TestClient) -> None:
    api.post("/articles", json=NUT)
    api.post("/articles", json={"sku": "BOLT", "name": "Bolt"})
    listed = api.get("/articles").json()["articles"]
    assert [article["sku"] for article in listed] == ["BOLT", "NUT-8"]


def test_an_article_that_exists_is_a_conflict(api: TestClient) -> None:
    api.post("/articles", json=NUT)
    again = api.post("/articles", json=NUT)
    assert again.status_code == 409
    assert again.json() == {"error": "the article 'NUT-8' exists already"}


def test_pieces_move_and_are_listed(api: TestClient) -> None:
    api.post("/articles", json=NUT)
    moved = api.post(
        "/articles/NUT-8/movements", json={"change": 5, "reason": "delivery"}
    )
    assert (moved.status_code, moved.json()["quantity"]) == (201, 5)
    (movement,) = api.get("/articles/NUT-8/movements").json()["movements"]
    assert (movement["change"], movement["reason"]) == (5, "delivery")


def test_too_little_stock_is_a_conflict(api: TestClient) -> None:
    api.post("/articles", json=NUT)
    refused = api.post("/articles/NUT-8/movements", json={"change": -1})
    assert refused.status_code == 409
    assert "0 are there" in refused.json()["error"]


@pytest.mark.parametrize("path", ["/articles/NOPE", "/articles/NOPE/movements"])
def test_unknown_articles_are_not_found(api: TestClient, path: str) -> None:
    answer = api.get(path)
    assert answer.status_code == 404
    assert answer.json() == {"error": "there is no article 'NOPE'"}


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"sku": 1}', b"\xff"])
def test_wrong_input_is_refused(api: TestClient, body: bytes) -> None:
    answer = api.post("/articles", content=body)
    assert answer.status_code == 422
    assert answer.json()["error"]


def test_the_report_names_what_runs_low(api: TestClient) -> None:
    api.post("/articles", json=NUT)
    api.post("/articles", json={"sku": "BOLT", "name": "Bolt"})
    api.post("/articles/NUT-8/movements", json={"change": 20})
    assert api.get("/report").json() == {"low": [{**NUT, "quantity": 20, "lacking": 30}]}


def test_the_report_comes_as_csv(api: TestClient) -> None:
    api.post("/articles", json=NUT)
    answer = api.get("/report?format=csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.text.splitlines()[1] == "NUT-8,Nut M8,0,50,50"
