"""Whole journeys through both doors: other programs use the API while the warehouse uses the command line."""

import pytest
from starlette.testclient import TestClient

from stockroom.__main__ import main
from stockroom.settings import Settings


def warehouse(settings: Settings, *arguments: str) -> int:
    return main(arguments, {"STOCKROOM_DATABASE": str(settings.database)})


def test_a_delivery_and_an_order(api: TestClient, settings: Settings) -> None:
    assert warehouse(settings, "add", "NUT-8", "Nut M8", "--minimum", "50") == 0
    assert warehouse(settings, "receive", "NUT-8", "60") == 0
    ordered = api.post(
        "/articles/NUT-8/movements", json={"change": -20, "reason": "order 7"}
    )
    assert ordered.json()["quantity"] == 40
    assert [article["sku"] for article in api.get("/report").json()["low"]] == ["NUT-8"]


def test_what_the_shop_sold_is_gone_for_the_warehouse(
    api: TestClient, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    api.post("/articles", json={"sku": "BOLT", "name": "Bolt"})
    api.post("/articles/BOLT/movements", json={"change": 2})
    api.post("/articles/BOLT/movements", json={"change": -2})
    assert warehouse(settings, "take", "BOLT", "1") == 1
    assert "1 of 'BOLT' are wanted and 0 are there" in capsys.readouterr().err
