"""What a model reads of a workspace."""

import os
import time
from hashlib import sha256
from pathlib import Path

import pytest

from .conftest import Tools, said


async def test_a_file_comes_back_exactly_as_it_stands(tools: Tools, root: Path) -> None:
    content = "def f():\r\n\treturn 'ü'\r\n\r\n"
    (root / "a.py").write_bytes(content.encode())
    assert await tools.text("file_read", path="a.py") == content


@pytest.mark.parametrize("path", ["./a.py", "/workspace/a.py", "src/../a.py"])
async def test_paths_are_spelled_as_models_spell_them(tools: Tools, root: Path, path: str) -> None:
    (root / "a.py").write_text("x\n")
    if ".." in path:
        assert "'..'" in await tools.fault("file_read", path=path)
    else:
        assert await tools.text("file_read", path=path) == "x\n"


async def test_an_absolute_path_of_the_root_means_the_same_file(tools: Tools, root: Path) -> None:
    (root / "a.py").write_text("x\n")
    assert await tools.text("file_read", path=f"{root}/a.py") == "x\n"
    assert "absolute" in await tools.fault("file_read", path=f"{root}-evil/a.py")


async def test_a_long_file_is_paged_by_lines(tools: Tools, root: Path) -> None:
    (root / "a.txt").write_text("".join(f"line {number}\n" for number in range(1, 2501)))
    first = await tools.call("file_read", path="a.txt")
    assert said(first).startswith("line 1\n")
    assert said(first).endswith("line 1000\n\n[lines 1-1000 of 2500; go on with offset=1001]")
    last = await tools.text("file_read", path="a.txt", offset=2499)
    assert last == "line 2499\nline 2500\n\n[lines 2499-2500 of 2500]"
    assert (await tools.text("file_read", path="a.txt", offset=-1)).startswith("line 2500\n")
    assert "an offset from 1 to 2500" in await tools.fault("file_read", path="a.txt", offset=2501)


async def test_one_endless_line_is_cut_and_said_to_be(tools: Tools, root: Path) -> None:
    (root / "min.js").write_text("x" * 1_000_000)
    text = await tools.text("file_read", path="min.js")
    assert len(text) < 33_000
    assert "line 1 is cut" in text


async def test_an_empty_file_is_an_empty_text(tools: Tools, root: Path) -> None:
    (root / "empty").touch()
    assert await tools.text("file_read", path="empty") == ""


async def test_a_file_that_is_not_text_is_described(tools: Tools, root: Path) -> None:
    (root / "logo.png").write_bytes(b"\x89PNG\0\0")
    fault = await tools.fault("file_read", path="logo.png")
    assert "image/png" in fault
    assert sha256(b"\x89PNG\0\0").hexdigest() in fault


async def test_a_huge_file_is_refused_by_its_size(tools: Tools, root: Path) -> None:
    (root / "big").touch()
    os.truncate(root / "big", 300 << 20)
    started = time.monotonic()
    assert "314572800 bytes" in await tools.fault("file_read", path="big")
    assert time.monotonic() - started < 2


async def test_what_is_not_utf8_is_shown_and_said_to_be(tools: Tools, root: Path) -> None:
    (root / "old.txt").write_bytes(b"x\xe9y\n")
    text = await tools.text("file_read", path="old.txt")
    assert text == "xéy\n\n[the file is not UTF-8: shown as Latin-1]"


async def test_a_missing_file_names_the_next_call(tools: Tools) -> None:
    fault = await tools.fault("file_read", path="nope.py")
    assert fault == "There is no 'nope.py'. See what there is with `dir_list` or `file_search`."


async def test_many_files_come_together_and_one_fault_spoils_nothing(tools: Tools, root: Path) -> None:
    (root / "a.py").write_text("a\n")
    (root / "b.py").write_text("b\n")
    result = await tools.call("file_read_many", paths=["a.py", "nope.py", "b.py"])
    assert not result.is_error
    assert said(result).startswith("a.py\na\n\nnope.py [There is no 'nope.py'.")
    assert said(result).endswith("b.py\nb\n")


async def test_too_much_at_once_is_cut_and_the_rest_named(tools: Tools, root: Path) -> None:
    for number in range(8):
        (root / f"{number}.txt").write_text("x" * 79 + "\n" * 30_000)
    result = await tools.call("file_read_many", paths=[f"{number}.txt" for number in range(8)])
    assert not result.is_error
    assert len(said(result)) < 110_000
    assert "not read, ask again:" in said(result)
    assert said(result).endswith("7.txt]")


async def test_info_describes_a_file_a_folder_and_a_link(tools: Tools, root: Path) -> None:
    (root / "d").mkdir()
    (root / "d/a.py").write_bytes(b"x\r\ny")
    (root / "l").symlink_to("/etc/passwd")
    about = await tools.data("file_info", path="d/a.py")
    assert (about["kind"], about["size"], about["lines"], about["newline"]) == ("file", 4, 2, "crlf")
    assert about["sha256"] == sha256(b"x\r\ny").hexdigest()
    assert (await tools.data("file_info", path="d"))["kind"] == "folder"
    assert (await tools.data("file_info", path="l"))["kind"] == "link"
