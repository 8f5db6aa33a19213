"""The parts fit together, whether or not they do anything yet."""

from pathlib import Path

import pytest
from starlette.routing import Route

from stockroom.app import STATUSES, create_app
from stockroom.errors import BadInput, TooLittleStock, UnknownArticle
from stockroom.settings import Settings


def test_the_application_has_its_routes() -> None:
    served = {
        (route.path, method)
        for route in create_app(Settings()).routes
        if isinstance(route, Route)
        for method in route.methods or ()
    }
    assert {
        ("/articles", "GET"),
        ("/articles", "POST"),
        ("/articles/{sku}", "GET"),
        ("/articles/{sku}/movements", "GET"),
        ("/articles/{sku}/movements", "POST"),
        ("/report", "GET"),
    } <= served


def test_settings_come_from_the_environment() -> None:
    settings = Settings.from_environment(
        {"STOCKROOM_DATABASE": "/data/x.db", "STOCKROOM_PORT": "9"}
    )
    assert (settings.database, settings.port) == (Path("/data/x.db"), 9)
    assert settings.migrations.name == "migrations"


@pytest.mark.parametrize("port", ["", "http", "0", "65536", "-1"])
def test_a_wrong_port_is_named(port: str) -> None:
    with pytest.raises(ValueError, match=f"STOCKROOM_PORT='{port}'"):
        Settings.from_environment({"STOCKROOM_PORT": port})


def test_errors_say_what_is_wrong_and_have_a_status() -> None:
    assert str(BadInput({"sku": "too long"})) == "sku: too long"
    assert str(TooLittleStock("AB", 3, 1)) == "3 of 'AB' are wanted and 1 are there"
    assert STATUSES[UnknownArticle] == 404
