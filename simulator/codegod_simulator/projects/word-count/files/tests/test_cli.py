"""The command as its users meet it."""

import io
import json
from pathlib import Path

import pytest

from wordcount.cli import main


def write(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_file_is_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, "a.txt", "To be, or\nnot to be\n")
    assert main([path]) == 0
    assert capsys.readouterr().out == f"2 6 20 {path}\n"


def test_without_a_path_standard_input_is_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("one two\n"))
    assert main([]) == 0
    assert capsys.readouterr().out == "1 2 8 -\n"


def test_the_report_can_be_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "a.txt", "a b a\n")
    write(tmp_path, "b.md", "a\n")
    assert main([str(tmp_path), "--json", "--top", "1"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["total"] == {"lines": 2, "words": 4, "characters": 8}
    assert document["top"] == [{"word": "a", "count": 3}]


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, missing = write(tmp_path, "a.txt", "a\n"), str(tmp_path / "nowhere.txt")
    assert main([missing, path]) == 1
    shown = capsys.readouterr()
    assert shown.out == f"1 1 2 {path}\n"
    assert shown.err.startswith(f"wordcount: {missing}: ")


@pytest.mark.parametrize("arguments", [["--top", "-1"], ["--top", "x"], ["--nothing"]])
def test_wrong_usage_ends_with_two(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: wordcount" in capsys.readouterr().err
