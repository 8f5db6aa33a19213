"""What was asked for, seen from outside: the API over HTTP and the command line as a process."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from stockroom.app import create_app
from stockroom.settings import Settings

NUT = {"sku": "NUT-8", "name": "Nut M8", "minimum": 50}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(database=tmp_path / "stock.db")


@pytest.fixture
def api(settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings)) as client:
        yield client


def stockroom(
    settings: Settings, *arguments: str
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "STOCKROOM_DATABASE": str(settings.database)}
    command = [sys.executable, "-m", "stockroom", *arguments]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False
    )


def test_an_article_is_added_and_read(api: TestClient) -> None:
    added = api.post("/articles", json=NUT)
    assert added.status_code == 201
    assert api.get(added.headers["location"]).json() == {**NUT, "quantity": 0}


def test_movements_change_the_stock_and_are_listed(api: TestClient) -> None:
    api.post("/articles", json=NUT)
    api.post("/articles/NUT-8/movements", json={"change": 60})
    api.post("/articles/NUT-8/movements", json={"change": -20, "reason": "order 7"})
    assert api.get("/articles/NUT-8").json()["quantity"] == 40
    listed = api.get("/articles/NUT-8/movements").json()["movements"]
    assert [movement["change"] for movement in listed] == [-20, 60]


def test_nobody_takes_more_than_there_is(api: TestClient, settings: Settings) -> None:
    api.post("/articles", json=NUT)
    assert (
        api.post("/articles/NUT-8/movements", json={"change": -1}).status_code == 409
    )
    assert stockroom(settings, "take", "NUT-8", "1").returncode == 1
    assert api.get("/articles/NUT-8").json()["quantity"] == 0


def test_the_command_line_and_the_api_share_the_stock(
    api: TestClient, settings: Settings
) -> None:
    assert stockroom(settings, "add", "BOLT", "Bolt").returncode == 0
    assert stockroom(settings, "receive", "BOLT", "5").returncode == 0
    assert api.get("/articles/BOLT").json()["quantity"] == 5
    api.post("/articles/BOLT/movements", json={"change": -2})
    assert "3 there" in stockroom(settings, "show", "BOLT").stdout


def test_the_report_names_what_runs_low(api: TestClient, settings: Settings) -> None:
    api.post("/articles", json=NUT)
    api.post("/articles", json={"sku": "BOLT", "name": "Bolt", "minimum": 90})
    low = [article["sku"] for article in api.get("/report").json()["low"]]
    assert low == ["BOLT", "NUT-8"]
    lines = stockroom(settings, "report").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["sku", "BOLT", "NUT-8"]


def test_wrong_input_is_refused(api: TestClient, settings: Settings) -> None:
    assert api.post("/articles", json={"sku": "nut"}).status_code == 422
    assert api.get("/articles/NOPE").status_code == 404
    refused = stockroom(settings, "show", "NOPE")
    assert refused.returncode == 1
    assert "NOPE" in refused.stderr
