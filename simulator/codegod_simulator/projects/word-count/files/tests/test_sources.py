"""Finding and reading what is to be counted."""

import io
from pathlib import Path

import pytest

from wordcount.sources import find_sources, open_source


def make(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")


def test_files_are_taken_as_they_are_given() -> None:
    assert list(find_sources(["b.bin", "a.txt", "-"])) == ["b.bin", "a.txt", "-"]


def test_a_folder_means_its_text_files(tmp_path: Path) -> None:
    make(
        tmp_path, "b.md", "a.TXT", "sub/c.txt", "image.png", ".hidden.txt", ".git/d.txt"
    )
    found = [Path(name).relative_to(tmp_path) for name in find_sources([str(tmp_path)])]
    assert [path.as_posix() for path in found] == ["a.TXT", "b.md", "sub/c.txt"]


def test_a_file_is_read_as_utf_8_and_bad_bytes_are_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("ž\n".encode() + b"\xff\n")
    with open_source(str(path)) as stream:
        assert list(stream) == ["ž\n", "\ufffd\n"]


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("one\n"))
    with open_source("-") as stream:
        assert stream.read() == "one\n"


def test_a_missing_file_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_source(str(tmp_path / "nowhere.txt"))
