"""The parts fit together, whether or not they do anything yet."""

from pathlib import Path

import pytest
from starlette.routing import Route

from todo.app import create_app
from todo.settings import Settings


def test_the_application_has_its_routes() -> None:
    app = create_app(Settings())
    served = {
        (route.path, method)
        for route in app.routes
        if isinstance(route, Route)
        for method in route.methods or ()
    }
    assert {
        ("/todos", "GET"),
        ("/todos", "POST"),
        ("/todos/{todo_id:int}", "GET"),
        ("/todos/{todo_id:int}", "PATCH"),
        ("/todos/{todo_id:int}", "DELETE"),
        ("/health", "GET"),
    } <= served


def test_settings_come_from_the_environment() -> None:
    settings = Settings.from_environment(
        {"TODO_DATABASE": "/data/x.db", "TODO_PORT": "9"}
    )
    assert (settings.database, settings.port) == (Path("/data/x.db"), 9)
    assert settings.migrations.name == "migrations"


@pytest.mark.parametrize("port", ["", "http", "0", "65536", "-1"])
def test_a_wrong_port_is_named(port: str) -> None:
    with pytest.raises(ValueError, match=f"TODO_PORT='{port}'"):
        Settings.from_environment({"TODO_PORT": port})
