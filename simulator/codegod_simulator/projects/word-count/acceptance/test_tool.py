"""What was asked for, seen from outside: the tool as a process."""

import json
import subprocess
import sys
from pathlib import Path


def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "wordcount", *arguments]
    return subprocess.run(
        command, input=stdin, capture_output=True, text=True, check=False
    )


def test_a_file_is_counted(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one two\nthree\n", encoding="utf-8")
    assert run(str(tmp_path / "a.txt")).stdout.split()[:3] == ["2", "3", "14"]


def test_many_sources_have_a_total(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n", encoding="utf-8")
    done = run(str(tmp_path), "-", stdin="two three\n")
    assert done.stdout.splitlines()[-1].split() == ["2", "3", "14", "total"]


def test_the_most_frequent_words_are_listed() -> None:
    assert run("--top", "1", stdin="a b a\n").stdout.splitlines()[-1].split() == [
        "2",
        "a",
    ]


def test_the_result_as_json() -> None:
    document = json.loads(run("--json", stdin="a b\n").stdout)
    assert document["total"] == {"lines": 1, "words": 2, "characters": 4}


def test_a_missing_file_is_named() -> None:
    done = run("nowhere.txt", "-", stdin="a\n")
    assert done.returncode == 1
    assert "nowhere.txt" in done.stderr
    assert done.stdout == "1 1 2 -\n"
