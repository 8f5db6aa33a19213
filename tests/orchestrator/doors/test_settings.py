"""What the command line says of a folder, a file or a prompt before any work begins."""

import os
from pathlib import Path

import pytest

from codegod_orchestrator.doors.commands.build import folder_name
from codegod_orchestrator.doors.settings import Refused, check_out, check_prompt, read_settings


@pytest.mark.parametrize("name", ["new", "deep/below/new", "empty", "empty/../new"])
def test_a_folder_that_is_free_is_taken_by_its_plain_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    assert check_out(f"{tmp_path}/{name}") == Path(os.path.normpath(tmp_path / name))
    assert {path.name for path in tmp_path.iterdir()} == {"empty"}


def test_a_link_to_an_empty_folder_stands_for_that_folder(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("empty")
    assert check_out(str(tmp_path / "link")) == tmp_path / "empty"


def test_a_folder_is_meant_from_where_the_user_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert check_out("../beside") == tmp_path.parent / "beside"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("full", "not empty"),
        ("file", "not empty"),
        ("file/below", "cannot be written to"),
        ("builds/mine", "where builds do their work"),
        ("x" * 300, "cannot be used"),
        ("nul\0", "cannot be used"),
    ],
)
def test_a_folder_that_cannot_hold_a_result_is_refused_with_the_next_step(
    tmp_path: Path, name: str, said: str
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("years of work", encoding="utf-8")
    (tmp_path / "file").write_text("", encoding="utf-8")
    (tmp_path / "builds").mkdir()
    with pytest.raises(Refused, match=said) as refused:
        check_out(f"{tmp_path}/{name}", apart=tmp_path / "builds")
    assert "another folder" in str(refused.value)


def test_the_home_of_a_user_who_is_not_there_is_refused() -> None:
    with pytest.raises(Refused, match="cannot be used"):
        check_out("~nobody-of-this-name/app")


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("Create a REST API for todo management", "create-a-rest-api-for-todo-management"),
        ("Create a tool that counts words in all text files", "create-a-tool-that-counts-words-in-all"),
        ("x" * 60, "x" * 40),
        ("¿…?", "application"),
    ],
)
def test_a_folder_is_named_by_whole_words_of_the_prompt(prompt: str, name: str) -> None:
    assert folder_name(prompt) == name


def test_a_prompt_of_broken_bytes_is_refused() -> None:
    with pytest.raises(Refused, match="UTF-8"):
        check_prompt("caf\udce9")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
def test_roots_state_folder_can_be_passed_by_the_sandboxs_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    former = os.umask(0o077)
    try:
        settings = read_settings({"CODEGOD_STATE_DIR": str(tmp_path / "deep" / "state")})
    finally:
        os.umask(former)
    for folder in (settings.builds, settings.state, settings.state.parent):
        assert folder.stat().st_mode & 0o777 == 0o755


def test_a_folder_that_is_gone_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(Refused, match="cd \\."):
        read_settings({"CODEGOD_STATE_DIR": str(tmp_path / "state")})


def test_a_settings_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=\xff\n")
    with pytest.raises(Refused, match="\\.env' cannot be read"):
        read_settings({"CODEGOD_STATE_DIR": str(tmp_path / "state")}, tmp_path)


def test_the_environment_goes_before_the_settings_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("WORKER_MODEL=a\nMASTER_MODEL=b\n", encoding="utf-8")
    settings = read_settings({"CODEGOD_STATE_DIR": str(tmp_path / "state"), "WORKER_MODEL": "c"}, tmp_path)
    assert (settings.environment["WORKER_MODEL"], settings.environment["MASTER_MODEL"]) == ("c", "b")
