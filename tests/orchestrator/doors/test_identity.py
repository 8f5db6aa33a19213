"""Whose name the commits carry."""

import os
from pathlib import Path

import pytest

from codegod_orchestrator.doors.identity import with_identity
from codegod_orchestrator.doors.settings import Refused


def _home(folder: Path, text: str) -> dict[str, str]:
    (folder / ".gitconfig").write_text(text, encoding="utf-8")
    return {"HOME": str(folder), "PATH": os.environ["PATH"]}


def test_the_users_own_git_identity_is_taken(tmp_path: Path) -> None:
    environment = _home(tmp_path, "[user]\nname = Ann\nemail = ann@example.org\n")
    found = with_identity(environment)
    assert (found["CODEGOD_GIT_NAME"], found["CODEGOD_GIT_EMAIL"]) == ("Ann", "ann@example.org")


def test_half_an_identity_is_none(tmp_path: Path) -> None:
    environment = _home(tmp_path, "[user]\nname = Ann\n")
    assert with_identity(environment) == environment


def test_what_the_settings_say_wins(tmp_path: Path) -> None:
    environment = _home(tmp_path, "[user]\nname = Ann\nemail = ann@example.org\n") | {
        "CODEGOD_GIT_NAME": "Bot"
    }
    assert with_identity(environment) == environment


def test_a_missing_git_is_named_with_what_installs_it(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="apt install git"):
        with_identity({"HOME": str(tmp_path), "PATH": str(tmp_path)})
