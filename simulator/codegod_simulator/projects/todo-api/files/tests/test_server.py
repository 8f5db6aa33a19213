"""The health check and the server process."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from todo.__main__ import main
from todo.settings import Settings


def test_a_healthy_service_says_so(client: TestClient) -> None:
    with client:
        response = client.get("/health")
        assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_a_service_without_its_database_is_unavailable(
    client: TestClient, settings: Settings
) -> None:
    with client:
        settings.database.write_bytes(b"this is no database, however long it may be")
        response = client.get("/health")
        assert response.status_code == 503
        assert response.json() == {"status": "unavailable"}


def test_the_process_serves_with_the_settings_of_its_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    served: dict[str, object] = {}
    monkeypatch.setattr("todo.__main__.uvicorn.run", lambda _, **kw: served.update(kw))
    database = str(tmp_path / "todo.db")
    assert main({"TODO_DATABASE": database, "TODO_PORT": "9000"}) == 0
    assert served == {"host": "127.0.0.1", "port": 9000}


def test_a_wrong_setting_ends_the_process_with_its_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main({"TODO_PORT": "http"}) == 2
    assert "TODO_PORT='http'" in capsys.readouterr().err
