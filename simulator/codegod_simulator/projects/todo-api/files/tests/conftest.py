"""What the tests of the API share."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from todo.app import create_app
from todo.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with a database of the test's own."""
    return Settings(database=tmp_path / "todo.db")


@pytest.fixture
def client(settings: Settings) -> TestClient:
    """The application, started by `with client:`."""
    return TestClient(create_app(settings))
